/* SPDX-License-Identifier: ISC */
/*
 * veredus check domain: the lines are records, dealt out to the questions in
 * turn; "!" is silence, and what begins with "=" is said by SPF.  It ends,
 * asks a bounded number of names, and what it says can go to a terminal.
 */
#include <stdlib.h>

#include "mail/zone.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct deal {
	struct str	lines;
	unsigned	asked;
	struct zone_record record;
	struct arena	arena;
};

static struct zone_answer
ask(void *arg, struct str name, enum zone_type type)
{
	struct deal *d = arg;
	struct zone_record *r = arena_get(&d->arena, sizeof(*r));
	struct zone_answer a = { .name = name, .records = r };

	(void)type;
	if (++d->asked > 500 || r == NULL)
		abort();
	if (!str_line(&d->lines, &r->data)) {
		a.found = ZONE_NOTHING;
	} else if (str_same(r->data, "!")) {
		a.found = ZONE_LATER;
	} else {
		a.found = ZONE_FOUND;
		a.n = 1;
	}
	return a;
}

static struct zone_spf
spf(void *arg, struct str address, struct str helo, struct str sender)
{
	static const char *const verdicts[] = { "none", "neutral", "pass",
	    "fail", "softfail", "temperror", "permerror" };
	struct deal *d = arg;
	struct zone_spf v = { .term = STR(""), .term_domain = STR("a.b") };

	(void)address, (void)helo, (void)sender;
	(void)str_line(&d->lines, &v.term);
	v.verdict = str_of(verdicts[v.term.n % NITEMS(verdicts)]);
	v.text = v.term;
	v.lookups = (unsigned)v.term.n % 12;
	return v;
}

static void
row(void *arg, const struct zone_row *r)
{
	(void)arg;
	if (r->text.n == 0 || !str_is_print(r->text) ||
	    !str_is_print(r->record))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct zone_source sources[] = {
		{ STR_INIT("192.0.2.1"), STR_INIT("1.2.0.192.in-addr.arpa"),
		    false },
		{ STR_INIT("2001:db8::1"), STR_INIT("1.0.8.b.d.ip6.arpa"),
		    true },
	};
	static const struct zone_key key = { STR_INIT("s"), "rsa", 2048,
	    STR_INIT("MIIB+/==") };
	struct deal d = { .lines = str_mem(data, n) };
	struct zone z = { .domain = STR("a.b"), .host = STR("m.a.b"),
	    .helo = STR("m.a.b"), .source = sources, .sources = 2,
	    .key = &key, .keys = 1, .ask = ask, .spf = spf, .row = row,
	    .arg = &d, .arena = &d.arena };

	arena_init(&d.arena, 64u << 20);
	zone_check(&z);
	arena_free(&d.arena);
	return 0;
}
