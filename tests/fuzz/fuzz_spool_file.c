/* SPDX-License-Identifier: ISC */
/*
 * A spool file as an operator, a bad disk or malice left it.  First byte
 * odd: head and sums are made right for the lengths it states.
 */
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"
#include "journal/spool.h"
#include "tests/fault/simdisk.h"

#define MID	"0000000001000aaaaaaaaaaaaa"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t replay_cuts = 256;	/* each a whole spool: see replay.c */

static struct sim sim;

static void
on_number(void *arg, struct message *m, uint32_t number)
{
	struct spool *s = *(struct spool **)arg;
	struct buf b;

	(void)number;
	buf_init(&b, 1 << 20);
	if (s != NULL && spool_content(s, m, &b) != 0)
		buf_reset(&b);
	buf_free(&b);
}

static void
on_corrupt(void *arg, const char *name, struct str bytes, const char *what)
{
	(void)arg, (void)name, (void)bytes, (void)what;
}

static const struct spool_ops ops = {
	.deliver = on_number, .waits = on_number, .ended = on_number,
	.corrupt = on_corrupt,
};

static void
mend(uint8_t *p, size_t n)
{
	struct spool_head h = { 0 };

	if (n < SPOOL_FILE_HEAD)
		return;
	h.envelope = num_get32le(p + 16) % (uint32_t)
	    (n - SPOOL_FILE_HEAD + 1);
	h.content = num_get64le(p + 20) % (n - SPOOL_FILE_HEAD - h.envelope
	    + 1);
	h.envelope_sum = crc32c(p + SPOOL_FILE_HEAD, h.envelope);
	h.content_sum = crc32c(p + SPOOL_FILE_HEAD + h.envelope,
	    (size_t)h.content);
	spool_head_put(&h, p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[SIM_BLOCKS * SIM_BLOCK];
	struct journal_limits limits = { 4, 16 * SIM_BLOCK };
	struct spool *s = NULL;
	char name[DISK_NAME_MAX];
	struct disk d;
	struct why why;

	if (size < 1 || size > sizeof(file))
		return 0;
	sim_free(&sim);
	sim_init(&sim, 1);
	d = sim_disk(&sim);
	memcpy(file, data + 1, size - 1);
	if ((data[0] & 1) != 0)
		mend(file, size - 1);
	spool_file_name(MID, name);
	sim_put(&sim, name, str_mem(file, size - 1), 0);
	if (spool_open(&s, &d, limits, &ops, &s, &why) == 0) {
		spool_begin(s);
		while (spool_scan(s, 3))
			spool_tidy(s);
		spool_close(s);
	}
	return 0;
}
