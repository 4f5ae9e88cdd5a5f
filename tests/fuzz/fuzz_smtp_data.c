/* SPDX-License-Identifier: ISC */
/*
 * Data framing: chunks of any size give the same, the end is where a plain
 * search for CRLF "." CRLF finds it, and content that is fine has CRLF only.
 */
#include <stdlib.h>

#include "smtp/body.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t
run(struct smtp_body *b, struct str s, size_t step, struct buf *out)
{
	size_t at = 0;

	smtp_body_begin(b, 1 << 16);
	while (at < s.n && !b->is_over)
		at += smtp_body_feed(b, str_sub(s, at, step), out);
	return at;
}

static size_t
plain_end(struct str s)
{
	size_t end = str_find(s, STR("\r\n.\r\n"));

	if (str_starts(s, ".\r\n"))
		return 3;
	return end < s.n ? end + 5 : 0;
}

static void
check_content(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == 0 ||
		    (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')) ||
		    (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_mem(data, n);
	struct smtp_body a, b;
	struct buf out, again;
	size_t used, end = plain_end(s);

	buf_init(&out, 1 << 17);
	buf_init(&again, 1 << 17);
	used = run(&a, s, n + 1, &out);
	if (a.is_over != (end > 0) || used != (end > 0 ? end : n))
		abort();
	if (run(&b, s, 1 + n % 11, &again) != used ||
	    a.fault != b.fault || a.is_over != b.is_over)
		abort();
	if (a.fault == SMTP_FINE) {
		if (!str_eq(buf_str(&out), buf_str(&again)) ||
		    out.len != a.size || a.size != b.size)
			abort();
		if (a.is_over)
			check_content(buf_str(&out));
	}
	buf_free(&out);
	buf_free(&again);
	return 0;
}
