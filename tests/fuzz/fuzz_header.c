/* SPDX-License-Identifier: ISC */
/*
 * Header walk: the fields are the header, octet for octet, and every reader
 * finds the same end; the filter on the way in agrees with both.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "smtp/head.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_walk(struct str s)
{
	struct header h;
	struct header_field f;
	size_t at = 0, end = header_end(s);

	header_init(&h, s);
	while (header_next(&h, &f)) {
		if (f.raw.p != s.p + at || f.raw.n == 0)
			abort();
		at += f.raw.n;
	}
	if (end - at > 2 || at > end)
		abort();
}

/* What the filter keeps is what was there, without the forged fields. */
static void
check_filter(struct str s, size_t step)
{
	struct smtp_head h = { .hostname = STR("mx.example.org") };
	struct buf out;
	struct header_field f;

	buf_init(&out, 1 << 20);
	smtp_head_begin(&h);
	for (size_t at = 0; at < s.n; at += step) {
		struct str part = str_sub(s, at, step);
		size_t used = smtp_head_feed(&h, part, &out);

		if (h.is_over)
			buf_add(&out, str_from(part, used));
		else if (used != part.n)
			abort();
	}
	smtp_head_end(&h, &out);
	if (out.len > s.n || header_get(buf_str(&out), "Return-Path", &f))
		abort();
	buf_free(&out);
	smtp_head_free(&h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_mem(data, n);
	struct buf crlf;

	check_walk(s);
	/* The filter is fed by the framing: line ends are CRLF there. */
	buf_init(&crlf, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n')
			buf_mem(&crlf, "\r\n", 2);
		else if (data[i] != '\r')
			buf_c(&crlf, data[i]);
	}
	check_walk(buf_str(&crlf));
	check_filter(buf_str(&crlf), 1 + n % 13);
	buf_free(&crlf);
	return 0;
}
