/* SPDX-License-Identifier: ISC */
/*
 * maildir/fname.c - names of files in a Maildir: parse, make, derive.
 */
#include "maildir/fname.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mail/index.h"

#include "base/banned.h"

/* In the order of their bits, which is the order in a name. */
static const char alphabet[] = "0123456789"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const struct {
	char		letter;
	uint16_t	flag;
} own[] = {
	{ 'D', INDEX_DRAFT }, { 'F', INDEX_FLAGGED }, { 'R', INDEX_ANSWERED },
	{ 'S', INDEX_SEEN }, { 'T', INDEX_DELETED },
};

uint64_t
fname_letter(char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? 0 : UINT64_C(1) << (at - alphabet);
}

uint16_t
fname_flags(uint64_t letters)
{
	uint16_t flags = 0;
	size_t i;

	for (i = 0; i < NITEMS(own); i++)
		if (letters & fname_letter(own[i].letter))
			flags |= own[i].flag;
	return flags;
}

uint64_t
fname_letters(uint16_t flags)
{
	uint64_t letters = 0;
	size_t i;

	for (i = 0; i < NITEMS(own); i++)
		if (flags & own[i].flag)
			letters |= fname_letter(own[i].letter);
	return letters;
}

uint64_t
fname_own(void)
{
	return fname_letters(INDEX_FLAG_MASK);
}

bool
fname_parse(const char *name, struct str *base_out, uint64_t *letters_out,
    bool *canonical_out)
{
	size_t n = strlen(name), at;
	uint64_t letters = 0, bit, last = 0;
	bool canonical = true;

	if (n == 0 || n > FNAME_MAX || name[0] == '.')
		return false;
	for (at = n; at > 0 && name[at - 1] != ':'; at--)
		;
	/* Without ":2," there are no letters, whatever stands there. */
	if (at == 0 || strncmp(name + at, "2,", 2) != 0) {
		*base_out = str_mem(name, n);
		*letters_out = 0;
		*canonical_out = false;
		return true;
	}
	*base_out = str_mem(name, at - 1);
	for (at += 2; at < n; at++) {
		bit = fname_letter(name[at]);
		canonical = canonical && bit > last;
		last = bit;
		letters |= bit;
	}
	*letters_out = letters;
	*canonical_out = canonical;
	return base_out->n > 0;
}

bool
fname_make(struct str base, uint64_t letters, bool in_new,
    char out[FNAME_BUF])
{
	size_t n = base.n, i;

	if (base.n == 0 || base.n > FNAME_MAX || memchr(base.p, '/', base.n)
	    != NULL || memchr(base.p, '\0', base.n) != NULL)
		return false;
	memcpy(out, base.p, base.n);
	out[n] = '\0';
	if (in_new && letters == 0)
		return true;
	if (n + 3 > FNAME_MAX)
		return false;
	memcpy(out + n, ":2,", 3);
	n += 3;
	for (i = 0; alphabet[i] != '\0'; i++) {
		if ((letters & UINT64_C(1) << i) == 0)
			continue;
		if (n >= FNAME_MAX)
			return false;
		out[n++] = alphabet[i];
	}
	out[n] = '\0';
	return true;
}

void
fname_base_delivery(const uint8_t mid[16], uint32_t number,
    uint32_t redelivery, uint64_t size, uint64_t wire, char out[FNAME_BUF])
{
	char text[MID_LEN + 1], again[16] = "";
	uint64_t ms = 0;
	size_t i;

	for (i = 0; i < 6; i++)
		ms = ms << 8 | mid[i];
	mid_from_bin(mid, text);
	if (redelivery > 0)
		snprintf(again, sizeof(again), "R%" PRIu32, redelivery);
	snprintf(out, FNAME_BUF, "%" PRIu64 ".V%sN%" PRIu32
	    "%s.veredus,S=%" PRIu64 ",W=%" PRIu64, ms / 1000, text, number,
	    again, size, wire);
}

void
fname_base_copy(int64_t now_s, uint64_t unique, uint64_t size, uint64_t wire,
    char out[FNAME_BUF])
{
	snprintf(out, FNAME_BUF, "%" PRIi64 ".R%016" PRIx64
	    ".veredus,S=%" PRIu64 ",W=%" PRIu64, now_s, unique, size, wire);
}

bool
fname_size(struct str base, char which, uint64_t *out)
{
	char key[4] = { ',', which, '=', '\0' };
	size_t at = str_find(base, str_mem(key, 3));
	struct str rest;

	if (at == base.n)
		return false;
	rest = str_from(base, at + 3);
	return str_u64(str_until(&rest, ','), UINT64_C(1) << 40, out);
}

int64_t
fname_time(struct str base)
{
	struct str s = base;
	uint64_t v;

	/* From 1980 to the year 2100; anything else is no time. */
	if (!str_u64(str_until(&s, '.'), UINT64_C(4102444800), &v) ||
	    v < 315532800)
		return 0;
	return (int64_t)v;
}
