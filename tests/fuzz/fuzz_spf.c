/* SPDX-License-Identifier: ISC */
/*
 * SPF: the first three lines are client, HELO and sender; of the others each
 * is a record, or with a leading '!' ends an answer (then 'v' void, 'l'
 * later).  It ends, asks a bounded number of names that can be asked, and
 * what it explains can be sent.
 */
#include <stdlib.h>
#include <string.h>

#include "spf/spf.h"

#include "base/banned.h"

/* A record, ten terms with ten hosts each, names of the client, exp. */
#define ASKED_MAX	(1 + 10 * 11 + 11 + 1)

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
answer(struct spf *s, struct str *in)
{
	enum spf_answer a = SPF_VOID;
	struct str line;

	while (str_line(in, &line)) {
		if (line.n > 0 && line.p[0] == '!') {
			a = str_ends(line, "l") ? SPF_LATER :
			    str_ends(line, "v") ? SPF_VOID : SPF_FOUND;
			break;
		}
		spf_row(s, line);
	}
	spf_answered(s, a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct spf s;
	struct str in = str_mem(data, n);
	struct spf_query q = { .receiver = STR("r.example") };
	struct arena arena;
	unsigned asked = 0;

	if (!str_line(&in, &q.client) || !str_line(&in, &q.helo) ||
	    !str_line(&in, &q.sender))
		return 0;
	arena_init(&arena, SPF_ARENA);
	if (spf_begin(&s, &arena, &q) == 0) {
		while (spf_step(&s) == SPF_ASK) {
			if (++asked > ASKED_MAX ||
			    !spf_name_ok(str_mem(s.ask, s.ask_n)))
				abort();
			answer(&s, &in);
		}
		if (!str_is_print(str_of(s.explanation)) ||
		    (s.result < SPF_TEMPERROR && (s.lookups > 10 || s.voids > 2)))
			abort();
	}
	arena_free(&arena);
	return 0;
}
