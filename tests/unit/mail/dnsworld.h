/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mail/dnsworld.h - a small DNS in memory for mail/zone.h: a good
 * domain, what a case changes of it, and the rows that come of that.  SPF is
 * the real evaluator.
 *
 * The records that rows call right are then put in the place of what is
 * there, and nothing may be wrong any more.
 */
#ifndef TEST_DNSWORLD_H
#define TEST_DNSWORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>

#include "mail/zone.h"
#include "spf/spf.h"

#define RSA_KEY		"MIIBrsa+key/in=="
#define ED_KEY		"c2VjcmV0"
#define RECORDS		512
#define ROWS		64

static const char good[] =
	"example.org MX 10 mail.example.org\n"
	"mail.example.org A 192.0.2.10\n"
	"mail.example.org AAAA 2001:db8::10\n"
	"example.org TXT \"v=spf1 mx -all\"\n"
	"mail.example.org TXT \"v=spf1 a -all\"\n"
	"one._domainkey.example.org TXT \"v=DKIM1; k=rsa; p=" RSA_KEY "\"\n"
	"two._domainkey.example.org TXT \"v=DKIM1; k=ed25519; p=" ED_KEY "\"\n"
	"_dmarc.example.org TXT \"v=DMARC1; p=reject\"\n"
	"10.2.0.192.in-addr.arpa PTR mail.example.org\n"
	"0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
	".ip6.arpa PTR mail.example.org\n";

struct dns_case {
	const char	*what;
	const char	*without;	/* "NAME TYPE": not there; or NULL */
	const char	*with;		/* lines that are; or NULL */
	const char	*row;		/* "mx wrong" */
	const char	*text;		/* part of its text */
	const char	*record;	/* its record; NULL: none */
};

struct world {
	struct arena	arena;
	struct { char name[256]; char type[8]; struct zone_record r; }
			record[RECORDS];
	size_t		n;
	struct { char item[16]; enum zone_level level; struct str text,
	    record; } row[ROWS];
	size_t		rows;
	struct zone	zone;
};

static const struct zone_source both[] = {
	{ STR_INIT("192.0.2.10"), STR_INIT("10.2.0.192.in-addr.arpa"), false },
	{ STR_INIT("2001:db8::10"), STR_INIT("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
	  "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"), true },
};
static const struct str here[] = { STR_INIT("192.0.2.10"),
    STR_INIT("2001:db8::10") };
static const struct zone_key keys[] = {
	{ STR_INIT("one"), "rsa", 2048, STR_INIT(RSA_KEY) },
	{ STR_INIT("two"), "ed25519", 256, STR_INIT(ED_KEY) },
};

/* --- records ------------------------------------------------------------- */

/* "a" "b" as ab. */
static struct str
joined(struct world *w, struct str s)
{
	char text[4096];
	size_t n = 0;
	bool is_in = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			is_in = !is_in;
		else if (s.p[i] == '\\' && i + 1 < s.n)
			text[n++] = (char)s.p[++i];
		else if (is_in)
			text[n++] = (char)s.p[i];
		assert_true(n < sizeof(text));
	}
	return arena_str(&w->arena, str_mem(text, n));
}

static void
drop(struct world *w, const char *name, const char *type)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->record[i].name, name) != 0 ||
		    strcmp(w->record[i].type, type) != 0)
			w->record[kept++] = w->record[i];
	w->n = kept;
}

static struct str
without_dot(struct str s)
{
	if (s.n > 1 && str_ends(s, "."))
		s.n--;
	return s;
}

static void
add(struct world *w, struct str name, struct str type, struct str data)
{
	uint32_t preference = 0;
	size_t i = w->n++;

	assert_true(w->n <= RECORDS);
	name = without_dot(name);
	(void)snprintf(w->record[i].name, 256, "%.*s", STR_ARG(name));
	(void)snprintf(w->record[i].type, 8, "%.*s", STR_ARG(type));
	if (str_same(type, "MX"))
		assert_true(str_u32(str_word(&data), &preference));
	data = str_same(type, "TXT") ? joined(w, data) :
	    without_dot(str_trim(data));
	w->record[i].r = (struct zone_record){ .preference = preference,
	    .data = arena_str(&w->arena, data) };
}

static void
add_lines(struct world *w, const char *z)
{
	struct str text = str_of(z), line, name, type;

	while (str_line(&text, &line) || (line = text, text = STR(""),
	    line.n > 0)) {
		name = str_word(&line);
		type = str_word(&line);
		add(w, name, type, str_rest(&line));
	}
}

/* --- asking -------------------------------------------------------------- */

static const char *
word_of_type(unsigned type)
{
	return type == ZONE_A ? "A" : type == ZONE_AAAA ? "AAAA" :
	    type == ZONE_MX ? "MX" : type == ZONE_PTR ? "PTR" : "TXT";
}

/* A record "NAME LATER" makes the DNS silent about the name. */
static struct zone_answer
ask(void *arg, struct str name, enum zone_type type)
{
	struct world *w = arg;
	struct zone_answer a = { .found = ZONE_NOTHING, .name = name };
	struct zone_record *r = arena_array(&w->arena, RECORDS, sizeof(*r));

	a.records = r;
	for (size_t i = 0, turns = 0; i < w->n && turns < 8; i++) {
		if (!str_is(a.name, w->record[i].name))
			continue;
		if (strcmp(w->record[i].type, "LATER") == 0)
			a.found = ZONE_LATER;
		if (strcmp(w->record[i].type, "CNAME") == 0) {
			a.name = w->record[i].r.data;
			i = (size_t)-1;
			turns++;
		} else if (strcmp(w->record[i].type,
		    word_of_type(type)) == 0) {
			r[a.n++] = w->record[i].r;
			a.found = ZONE_FOUND;
		}
	}
	return a;
}

static void
answer(struct spf *s, const struct zone_answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		uint8_t ip[16];
		struct str data = a->records[i].data;
		char z[64] = "";

		(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(data));
		if (s->ask_type == SPF_TYPE_A && inet_pton(AF_INET, z, ip) == 1)
			spf_row(s, str_mem(ip, 4));
		else if (s->ask_type == SPF_TYPE_AAAA &&
		    inet_pton(AF_INET6, z, ip) == 1)
			spf_row(s, str_mem(ip, 16));
		else
			spf_row(s, data);
	}
	spf_answered(s, a->found == ZONE_LATER ? SPF_LATER :
	    a->n > 0 ? SPF_FOUND : SPF_VOID);
}

static struct zone_spf
spf(void *arg, struct str address, struct str helo, struct str sender)
{
	struct world *w = arg;
	struct spf_query q = { .client = address, .helo = helo,
	    .sender = sender, .receiver = STR("here") };
	struct spf *s = arena_get(&w->arena, sizeof(*s));

	assert_int_equal(spf_begin(s, &w->arena, &q), 0);
	while (spf_step(s) == SPF_ASK) {
		struct zone_answer a = ask(w, str_mem(s->ask, s->ask_n),
		    (enum zone_type)s->ask_type);

		answer(s, &a);
	}
	return (struct zone_spf){
		.verdict = str_of(spf_result_name(s->result)),
		.term = s->matched, .term_domain = s->matched_in,
		.text = str_of(s->why.text), .lookups = s->lookups,
	};
}

static void
on_row(void *arg, const struct zone_row *row)
{
	struct world *w = arg;
	size_t i = w->rows++;

	assert_true(w->rows <= ROWS);
	(void)snprintf(w->row[i].item, 16, "%s", row->item);
	w->row[i].level = row->level;
	w->row[i].text = row->text;
	w->row[i].record = row->record;
}

/* --- cases --------------------------------------------------------------- */

static const char *const levels[] = { "ok", "warn", "wrong", "unknown" };

static void
world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	arena_init(&w->arena, 64u << 20);
	add_lines(w, good);
	w->zone = (struct zone){ .domain = STR("example.org"),
	    .host = STR("mail.example.org"), .helo = STR("mail.example.org"),
	    .source = both, .sources = 2, .here = here, .heres = 2,
	    .key = keys, .keys = 2, .ask = ask, .spf = spf, .row = on_row,
	    .arg = w, .arena = &w->arena };
}

static void
print_rows(const struct world *w)
{
	for (size_t i = 0; i < w->rows; i++)
		print_error("  %s %s: %.*s | %.*s\n", w->row[i].item,
		    levels[w->row[i].level], STR_ARG(w->row[i].text),
		    STR_ARG(w->row[i].record));
}

static bool
has_row(const struct world *w, const struct dns_case *c)
{
	for (size_t i = 0; i < w->rows; i++) {
		char row[64];

		(void)snprintf(row, sizeof(row), "%s %s", w->row[i].item,
		    levels[w->row[i].level]);
		if (strcmp(row, c->row) == 0 && str_find(w->row[i].text,
		    str_of(c->text)) < w->row[i].text.n &&
		    str_same(w->row[i].record, c->record == NULL ? "" :
		    c->record))
			return true;
	}
	return false;
}

static size_t
count_of(const struct world *w, enum zone_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < w->rows; i++)
		n += w->row[i].level == level;
	return n;
}

/* Is all that is wrong a matter of records? */
static bool
can_publish(const struct world *w)
{
	static const struct str in = STR_INIT(" IN ");

	for (size_t i = 0; i < w->rows; i++)
		if (w->row[i].level == ZONE_UNKNOWN ||
		    (w->row[i].level == ZONE_WRONG &&
		    str_find(w->row[i].record, in) >= w->row[i].record.n))
			return false;
	return true;
}

/* What rows call right, in place of what is there. */
static void
publish(struct world *w)
{
	struct str name[ROWS], type[ROWS], rest[ROWS];
	size_t n = 0;
	char z[256], t[8];

	for (size_t i = 0; i < w->rows; i++) {
		struct str r = w->row[i].record, in;

		if (r.n == 0 || w->row[i].level != ZONE_WRONG)
			continue;
		for (size_t j = 0; j < i; j++)
			if (str_eq(w->row[j].record, r))
				r.n = 0;	/* said before */
		if (r.n == 0)
			continue;
		name[n] = without_dot(str_word(&r));
		in = str_word(&r);
		type[n] = str_word(&r);
		rest[n] = str_rest(&r);
		assert_true(str_same(in, "IN"));
		(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(name[n]));
		(void)snprintf(t, sizeof(t), "%.*s", STR_ARG(type[n]));
		drop(w, z, t);
		drop(w, z, "CNAME");
		n++;
	}
	for (size_t i = 0; i < n; i++)
		add(w, name[i], type[i], rest[i]);
}

static void
run_case(struct world *w, const struct dns_case *c)
{
	char name[256] = "", type[8] = "";

	if (c->without != NULL &&
	    sscanf(c->without, "%255s %7s", name, type) == 2)
		drop(w, name, type);
	if (c->with != NULL)
		add_lines(w, c->with);
	zone_check(&w->zone);
	if (!has_row(w, c)) {
		print_error("%s: no row \"%s: %s | %s\" among\n", c->what,
		    c->row, c->text, c->record);
		print_rows(w);
		fail();
	}
	if (!can_publish(w))
		return;
	publish(w);
	w->rows = 0;
	zone_check(&w->zone);
	if (count_of(w, ZONE_WRONG) > 0) {
		print_error("%s: still wrong, with all that was right\n",
		    c->what);
		print_rows(w);
		fail();
	}
}

static void
run_cases(const struct dns_case *c, size_t n)
{
	struct world w;

	for (size_t i = 0; i < n; i++) {
		world_begin(&w);
		run_case(&w, &c[i]);
		arena_free(&w.arena);
	}
}

#endif
