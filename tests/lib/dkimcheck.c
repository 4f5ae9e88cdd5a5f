/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/dkimcheck - what checkd's DKIM module says of a message:
 *
 *	dkimcheck KEYS [MAX] < MESSAGE
 *
 * KEYS has a line a TXT record, "name text"; "name !" does not answer.
 * Prints a line a signature: verdict, domain, selector, algorithm, bits,
 * reason.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "mail/header.h"
#include "smtpd/dkim.h"

#include "base/banned.h"

static void
answer(struct dkim_check *v, size_t i, struct str keys)
{
	struct str line, name;
	bool failed = false;

	while (str_line(&keys, &line)) {
		name = str_until(&line, ' ');
		if (!str_is(name, dkim_check_key(v, i)))
			continue;
		if (str_same(line, "!"))
			failed = true;
		else
			dkim_check_txt(v, i, line);
	}
	dkim_check_answered(v, i, failed);
}

int
main(int argc, char **argv)
{
	struct buf keys, message;
	struct str all;
	struct dkim_check *v;
	size_t head, n;
	int fd;

	buf_init(&keys, 1 << 24);
	buf_init(&message, 1 << 28);
	fd = argc < 2 ? -1 : open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || file_read_fd(fd, &keys) != 0 ||
	    file_read_fd(STDIN_FILENO, &message) != 0)
		return 1;
	all = buf_str(&message);
	dkim_check_init();
	v = dkim_check_new(argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 8);
	head = header_end(all);
	dkim_check_header(v, str_sub(all, 0, head));
	n = dkim_check_keys(v);
	for (size_t i = 0; i < n; i++)
		answer(v, i, buf_str(&keys));
	for (size_t at = head; at < all.n; at += 777)
		dkim_check_body(v, str_sub(all, at, 777));
	dkim_check_end(v);
	for (size_t i = 0; i < dkim_check_results(v); i++) {
		const struct dkim_result *r = dkim_check_result(v, i);

		printf("%s %.*s %.*s %.*s %u %s\n",
		    dkim_verdict_name(r->verdict), STR_ARG(r->domain),
		    STR_ARG(r->selector), STR_ARG(r->algorithm), r->bits,
		    r->reason != NULL ? r->reason : "");
	}
	dkim_check_free(v);
	buf_free(&keys);
	buf_free(&message);
	return 0;
}
