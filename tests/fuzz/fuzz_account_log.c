/* SPDX-License-Identifier: ISC */
/*
 * The account log: bytes of a file, record after record.  First byte odd: the
 * sum of each record is made right, so that its payload is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"
#include "maildir/log.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
mend(uint8_t *p, size_t size)
{
	uint32_t n;

	while (size >= LOG_HEAD + LOG_TAIL) {
		n = num_get32le(p);
		if (n < LOG_HEAD + LOG_TAIL || n > size)
			return;
		num_put32le(p + n - LOG_TAIL, crc32c(p, n - LOG_TAIL));
		p += n;
		size -= n;
	}
}

/* What was understood is written and understood again. */
static void
again(const struct log_record *r)
{
	struct log_record back;
	struct buf b;
	size_t n;

	buf_init(&b, LOG_RECORD_MAX);
	log_record_put(r, &b);
	if (!buf_failed(&b) && (log_record_get(buf_str(&b), &back, &n) != 0 ||
	    n != buf_str(&b).n || back.type != r->type ||
	    back.uid != r->uid || !str_eq(back.name, r->name) ||
	    !str_eq(back.ranges, r->ranges)))
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log_range range;
	struct log_record r;
	struct str rest;
	uint8_t *p;
	size_t n = 0;
	int fail;

	if (size < 1 || (p = malloc(size)) == NULL)
		return 0;
	memcpy(p, data + 1, size - 1);
	if (data[0] & 1)
		mend(p, size - 1);
	for (rest = str_mem(p, size - 1);; rest = str_from(rest, n)) {
		fail = log_record_get(rest, &r, &n);
		if (fail == FAIL_GONE)
			break;
		if (fail != 0)
			continue;
		again(&r);
		while (log_ranges_next(&r.ranges, &range))
			;
	}
	free(p);
	return 0;
}
