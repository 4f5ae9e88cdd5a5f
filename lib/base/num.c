/* SPDX-License-Identifier: ISC */
/*
 * base/num.c - arithmetic that says when it overflows; sizes and durations
 * as people write them.
 */
#include "base/num.h"

#include "base/banned.h"

bool
num_add(uint64_t a, uint64_t b, uint64_t *r_out)
{
	uint64_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*r_out = r;
	return true;
}

bool
num_mul(uint64_t a, uint64_t b, uint64_t *r_out)
{
	uint64_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*r_out = r;
	return true;
}

bool
num_add_size(size_t a, size_t b, size_t *r_out)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*r_out = r;
	return true;
}

bool
num_mul_size(size_t a, size_t b, size_t *r_out)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*r_out = r;
	return true;
}

uint64_t
num_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
num_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

struct unit {
	const char	*name;
	uint64_t	factor;
};

static const struct unit size_units[] = {
	{ "",	1 },
	{ "k",	(uint64_t)1 << 10 },
	{ "M",	(uint64_t)1 << 20 },
	{ "G",	(uint64_t)1 << 30 },
	{ "T",	(uint64_t)1 << 40 },
};

/* Here "m" and "M" both mean minutes: no duration is a month. */
static const struct unit duration_units[] = {
	{ "ms",	1 },
	{ "s",	1000 },
	{ "m",	60 * 1000 },
	{ "h",	60 * 60 * 1000 },
	{ "d",	24 * 60 * 60 * 1000 },
	{ "w",	(uint64_t)7 * 24 * 60 * 60 * 1000 },
};

static bool
with_unit(struct str s, const struct unit *units, size_t count, uint64_t max,
    uint64_t *v_out)
{
	uint64_t number, v;
	size_t digits = 0;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (!str_u64(str_sub(s, 0, digits), UINT64_MAX, &number))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!str_is(str_from(s, digits), units[i].name))
			continue;
		if (!num_mul(number, units[i].factor, &v) || v > max)
			return false;
		*v_out = v;
		return true;
	}
	return false;
}

bool
num_size(struct str s, uint64_t *bytes_out)
{
	return with_unit(s, size_units, NITEMS(size_units), UINT64_MAX,
	    bytes_out);
}

bool
num_duration_ms(struct str s, int64_t *ms_out)
{
	uint64_t v;

	if (!with_unit(s, duration_units, NITEMS(duration_units), INT64_MAX,
	    &v))
		return false;
	*ms_out = (int64_t)v;
	return true;
}

uint16_t
num_get16le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
num_get32le(const uint8_t *p)
{
	return (uint32_t)num_get16le(p) | (uint32_t)num_get16le(p + 2) << 16;
}

uint64_t
num_get64le(const uint8_t *p)
{
	return (uint64_t)num_get32le(p) | (uint64_t)num_get32le(p + 4) << 32;
}

void
num_put16le(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void
num_put32le(uint8_t *p, uint32_t v)
{
	num_put16le(p, (uint16_t)v);
	num_put16le(p + 2, (uint16_t)(v >> 16));
}

void
num_put64le(uint8_t *p, uint64_t v)
{
	num_put32le(p, (uint32_t)v);
	num_put32le(p + 4, (uint32_t)(v >> 32));
}
