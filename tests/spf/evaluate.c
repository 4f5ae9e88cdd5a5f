/* SPDX-License-Identifier: ISC */
/*
 * Our SPF evaluator behind two pipes, for tests/spf/rfc7208: it is given
 * questions and says what it wants to know of the DNS.  All fields are
 * hexadecimal and never empty ("-").
 *
 *	in	CHECK client helo sender	out	ASK type name
 *	in	ROW data, or END found|void|later
 *						out	IS verdict lookups text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "spf/spf.h"

#include "base/banned.h"

#define FIELD	131072

static struct str
field(struct str *line, struct buf *b)
{
	struct str w = str_word(line);

	buf_init(b, FIELD);
	if (!str_same(w, "-") && dec_hex(b, w) != 0)
		exit(2);
	return buf_str(b);
}

static void
answer(struct spf *s)
{
	static char line[FIELD];
	struct str l, w;
	struct buf b;

	for (;;) {
		if (fgets(line, sizeof(line), stdin) == NULL)
			exit(2);
		l = str_chomp(str_of(line));
		w = str_word(&l);
		if (!str_same(w, "ROW"))
			break;
		spf_row(s, field(&l, &b));
		buf_free(&b);
	}
	w = str_word(&l);
	spf_answered(s, str_same(w, "found") ? SPF_FOUND :
	    str_same(w, "void") ? SPF_VOID : SPF_LATER);
}

static void
check(struct str line)
{
	static struct spf s;
	struct arena arena;
	struct buf client, helo, sender, hex;
	struct spf_query q = { .receiver = STR("receiver.example") };

	arena_init(&arena, SPF_ARENA);
	buf_init(&hex, FIELD);
	q.client = field(&line, &client);
	q.helo = field(&line, &helo);
	q.sender = field(&line, &sender);
	if (spf_begin(&s, &arena, &q) != 0)
		exit(2);
	while (spf_step(&s) == SPF_ASK) {
		buf_reset(&hex);
		enc_hex(&hex, str_mem(s.ask, s.ask_n));
		printf("ASK %d %s\n", (int)s.ask_type, buf_cstr(&hex));
		fflush(stdout);
		answer(&s);
	}
	buf_reset(&hex);
	enc_hex(&hex, str_of(s.explanation));
	printf("IS %s %u %s\n", spf_result_name(s.result), s.lookups,
	    hex.len > 0 ? buf_cstr(&hex) : "-");
	fflush(stdout);
	buf_free(&hex);
	buf_free(&client);
	buf_free(&helo);
	buf_free(&sender);
	arena_free(&arena);
}

int
main(void)
{
	static char line[FIELD];
	struct str l;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		l = str_chomp(str_of(line));
		if (!str_same(str_word(&l), "CHECK"))
			return 2;
		check(l);
	}
	return 0;
}
