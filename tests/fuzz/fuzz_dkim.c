/* SPDX-License-Identifier: ISC */
/*
 * Signatures and keys of strangers: the lines before the first empty one are
 * key records, dealt out in turn, the rest is the message.  A verdict comes,
 * a bounded number of them, and none is pass without a key.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "smtpd/dkim.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t
answer_all(struct dkim_check *v, struct str keys)
{
	size_t n = dkim_check_keys(v), good = 0;
	struct str line;

	for (size_t i = 0; i < n; i++) {
		bool is_there = str_line(&keys, &line);

		if (is_there && !str_same(line, "!"))
			dkim_check_txt(v, i, line);
		good += is_there;
		if (strlen(dkim_check_key(v, i)) > 253)
			abort();
		dkim_check_answered(v, i, is_there && str_same(line, "!"));
	}
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool is_ready;
	struct str s = str_mem(data, n), keys;
	struct dkim_check *v;
	size_t head, cut, good;

	if (!is_ready)
		dkim_check_init();
	is_ready = true;
	cut = header_end(s);
	keys = str_sub(s, 0, cut);
	s = str_from(s, cut);
	v = dkim_check_new(8);
	head = header_end(s);
	dkim_check_header(v, str_sub(s, 0, head));
	good = answer_all(v, keys);
	dkim_check_body(v, str_from(s, head));
	dkim_check_end(v);
	if (dkim_check_results(v) > 9)
		abort();
	for (size_t i = 0; i < dkim_check_results(v); i++)
		if (dkim_check_result(v, i)->verdict == DKIM_V_PASS &&
		    good == 0)
			abort();
	dkim_check_free(v);
	return 0;
}
