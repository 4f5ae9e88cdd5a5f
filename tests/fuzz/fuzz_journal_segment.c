/* SPDX-License-Identifier: ISC */
/*
 * A hostile or rotten ring: the input is the blocks of a segment behind a
 * right head.  First byte odd: the sums of the first batch are made right,
 * so that what stands behind them is reached.
 */
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"
#include "journal/spool.h"
#include "tests/fault/simdisk.h"

#define SEGMENT	(16 * SIM_BLOCK)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sim sim;

static void
on_committed(void *arg, struct message *m, int fail)
{
	(void)arg, (void)m, (void)fail;
}

static void
on_number(void *arg, struct message *m, uint32_t number)
{
	(void)arg, (void)m, (void)number;
}

static void
on_corrupt(void *arg, const char *name, struct str bytes, const char *what)
{
	(void)arg, (void)name, (void)bytes, (void)what;
}

static const struct spool_ops ops = {
	.committed = on_committed, .deliver = on_number, .waits = on_number,
	.ended = on_number, .corrupt = on_corrupt,
};

static void
put_head(uint8_t *p)
{
	memset(p, 0, SIM_BLOCK);
	memcpy(p, "VJSG\1", 5);
	p[24] = p[32] = 1;
	num_put32le(p + 40, SEGMENT);
	num_put32le(p + 60, crc32c(p, 60));
}

/* Sums as journal.c makes them: nonce 0, sequence 1. */
static void
mend(uint8_t *b, size_t room)
{
	uint32_t at = 64, sum = 0, n, records = 0, len = num_get32le(b + 32);
	uint8_t key[32] = { 0 };

	len = len < 64 ? 64 : len > room ? (uint32_t)room : len;
	while (len - at >= 12) {
		n = num_get32le(b + at + 4) % (len - at - 12 + 1);
		num_put32le(b + at + 4, n);
		key[16] = 1;
		num_put32le(key + 24, num_get16le(b + at));
		num_put32le(key + 28, n);
		num_put32le(b + at + 8, crc32c_more(crc32c(key, 32),
		    b + at + 12, n));
		sum = crc32c_more(sum, b + at, 12);
		at += 12 + n;
		records++;
	}
	memset(b, 0, 64);
	memcpy(b, "VJBT\1", 5);
	b[24] = 1;
	num_put32le(b + 32, at);
	num_put32le(b + 36, records);
	num_put32le(b + 40, sum);
	num_put32le(b + 60, crc32c(b, 60));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t segment[SEGMENT];
	struct journal_limits limits = { 4, SEGMENT };
	struct spool *s;
	struct disk d;
	struct why why;

	if (size < 1 || size > SEGMENT - 2 * SIM_BLOCK)
		return 0;
	sim_free(&sim);
	sim_init(&sim, 1);
	d = sim_disk(&sim);
	memset(segment, 0, sizeof(segment));
	put_head(segment);
	put_head(segment + SEGMENT - SIM_BLOCK);
	memcpy(segment + SIM_BLOCK, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		mend(segment + SIM_BLOCK, SEGMENT - 2 * SIM_BLOCK);
	sim_put(&sim, "journal/s0000", str_mem(segment, sizeof(segment)), 0);
	if (spool_open(&s, &d, limits, &ops, NULL, &why) == 0) {
		spool_begin(s);
		spool_flush(s);
		spool_tidy(s);
		spool_close(s);
	}
	return 0;
}
