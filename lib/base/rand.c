/* SPDX-License-Identifier: ISC */
/*
 * base/rand.c - random bytes from the kernel, and the ids made of them.
 *
 * An id is a big-endian number written in Crockford's base32, lower case,
 * most significant digit first: ids of one process sort by time.
 */
#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/fail.h"

#include "base/banned.h"

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static bool seeded;
static uint64_t seed_state;

/* splitmix64 (Steele, Lea, Flood): good enough for repeatable tests. */
static uint64_t
seeded_next(void)
{
	uint64_t z = seed_state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void
seeded_bytes(uint8_t *p, size_t n)
{
	while (n > 0) {
		uint64_t v = seeded_next();
		size_t take = n < sizeof(v) ? n : sizeof(v);

		memcpy(p, &v, take);
		p += take;
		n -= take;
	}
}

void
rand_bytes(void *out, size_t n)
{
	uint8_t *p = out;
	ssize_t got;

	if (seeded) {
		seeded_bytes(p, n);
		return;
	}
	while (n > 0) {
		got = getrandom(p, n, 0);
		if (got < 0 && errno != EINTR)
			bug("getrandom: %s", strerror(errno));
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
}

uint64_t
rand_u64(void)
{
	uint64_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

/* Values below 2^64 mod limit are thrown away, the rest divides evenly. */
uint64_t
rand_below(uint64_t limit)
{
	uint64_t v, skip;

	if (limit == 0)
		bug("rand_below(0)");
	skip = (0 - limit) % limit;
	do
		v = rand_u64();
	while (v < skip);
	return v % limit;
}

void
rand_seed(uint64_t seed)
{
	seeded = true;
	seed_state = seed;
}

/* The last n digits of v, most significant first. */
static void
put_digits(char *out, size_t n, uint64_t hi, uint64_t lo)
{
	while (n-- > 0) {
		out[n] = digits[lo & 31];
		lo = lo >> 5 | hi << 59;
		hi >>= 5;
	}
}

static uint64_t
get64be(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void
put64be(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

void
mid_from_bin(const uint8_t bin[16], char out[MID_LEN + 1])
{
	put_digits(out, MID_LEN, get64be(bin), get64be(bin + 8));
	out[MID_LEN] = '\0';
}

void
mid_make(int64_t real_ms, uint16_t boot, char out[MID_LEN + 1])
{
	uint64_t hi = ((uint64_t)real_ms & 0xffffffffffff) << 16 | boot;

	put_digits(out, MID_LEN, hi, rand_u64());
	out[MID_LEN] = '\0';
}

/* 65 bits: 40 of time in quarter seconds, 25 random. */
void
sid_make(int64_t real_ms, char out[SID_LEN + 1])
{
	uint64_t when = (uint64_t)(real_ms / 250) & 0xffffffffff;

	put_digits(out, SID_LEN, when >> 39,
	    when << 25 | (rand_u64() & 0x1ffffff));
	out[SID_LEN] = '\0';
}

static int
digit_value(uint8_t c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)(at - digits);
}

/* 26 digits are 130 bits: the first may only be 0 to 7. */
bool
mid_to_bin(struct str s, uint8_t out[16])
{
	uint64_t hi = 0, lo = 0;

	if (s.n != MID_LEN || digit_value(s.p[0]) > 7)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v = digit_value(s.p[i]);

		if (v < 0)
			return false;
		hi = hi << 5 | lo >> 59;
		lo = lo << 5 | (uint64_t)v;
	}
	put64be(out, hi);
	put64be(out + 8, lo);
	return true;
}

bool
mid_valid(struct str s)
{
	uint8_t bin[16];

	return mid_to_bin(s, bin);
}
