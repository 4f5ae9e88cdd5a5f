/* SPDX-License-Identifier: ISC */
/*
 * spf/spf.c - check_host() of RFC 7208.
 *
 * A machine that stops at every question.  Includes are frames on a stack of
 * fixed depth: each costs one of the ten lookups, so it cannot overflow; a
 * redirect takes the place of its frame.  The names of the client (ptr and
 * %{p}) are looked up once, when first wanted; then the term that wanted them
 * is tried again.
 *
 *	state		waits for		then
 *	ST_RECORD	TXT of the frame's domain	ST_TERM
 *	ST_TERM		-			takes the next term
 *	ST_TRY		-			tries it (again)
 *	ST_ADDRESS	A, AAAA: a, exists	ST_MATCH or ST_TERM
 *	ST_HOSTS	MX			ST_HOST
 *	ST_HOST		A, AAAA of one host	ST_HOST, ST_MATCH, ST_TERM
 *	ST_NAMES	PTR			ST_NAME
 *	ST_NAME		A, AAAA of one name	ST_NAME, resume
 *	ST_REDIRECT	-			ST_RECORD
 *	ST_MATCH	-			ST_RETURN by the qualifier
 *	ST_RETURN	-			to the include, or the end
 *	ST_EXP		-			ST_EXP_TEXT
 *	ST_EXP_TEXT	TXT			ST_EXPLAIN
 *	ST_EXPLAIN	-			ST_OVER
 *
 * Bounded work: ten terms that ask, ten hosts each, ten names; two answers
 * that say "nothing there".
 */
#include "spf/spf.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/banned.h"

enum state { ST_OVER, ST_RECORD, ST_TERM, ST_TRY, ST_ADDRESS, ST_HOSTS,
    ST_HOST, ST_NAMES, ST_NAME, ST_REDIRECT, ST_MATCH, ST_RETURN, ST_EXP,
    ST_EXP_TEXT, ST_EXPLAIN, ST_MAX };

const char *
spf_result_name(enum spf_result r)
{
	static const char *const names[] = {
		[SPF_NONE] = "none", [SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass", [SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return names[r];
}

static struct spf_frame *
top(struct spf *s)
{
	return &s->frame[s->depth];
}

/* --- the end ------------------------------------------------------------- */

static void
end(struct spf *s, enum spf_result result)
{
	s->result = result;
	s->state = ST_OVER;
	s->is_asking = false;
	if (result != SPF_FAIL)
		s->explanation[0] = '\0';
}

static void
error(struct spf *s, enum spf_result result, const char *what)
{
	struct str domain = top(s)->domain;

	if (s->is_explaining) {		/* the verdict stands (6.2) */
		end(s, SPF_FAIL);
		return;
	}
	s->matched = s->matched_in = STR("");
	(void)why_set(&s->why, 0, "%s: %.*s", what, STR_ARG(domain));
	end(s, result);
}

static struct str
keep(struct spf *s, struct str text)
{
	struct str copy = text.n > 0 ? arena_str(s->arena, text) : STR("");

	s->is_full |= copy.p == NULL;
	return copy;
}

/* --- asking -------------------------------------------------------------- */

/* A name that cannot be one is not asked for: nothing is there (4.8). */
static void
ask(struct spf *s, struct str name, enum spf_type type, enum state then)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	s->state = then;
	s->rows = 0;
	s->is_hit = false;
	s->text = STR("");
	s->answer = SPF_VOID;
	s->is_asking = spf_name_ok(name);
	if (!s->is_asking)
		return;
	memmove(s->ask, name.p, name.n);
	s->ask[name.n] = '\0';
	s->ask_n = name.n;
	s->ask_type = type;
}

static enum spf_type
address_type(const struct spf *s)
{
	return s->is_ipv4 ? SPF_TYPE_A : SPF_TYPE_AAAA;
}

/* false: one too many, and it is over. */
static bool
count_lookup(struct spf *s)
{
	if (s->is_explaining)
		return true;
	if (++s->lookups <= SPF_LOOKUPS_MAX)
		return true;
	error(s, SPF_PERMERROR, "more than 10 DNS lookups");
	return false;
}

/* false: it is over. */
static bool
count_void(struct spf *s)
{
	if (s->is_explaining || s->answer != SPF_VOID ||
	    ++s->voids <= SPF_VOID_MAX)
		return true;
	error(s, SPF_PERMERROR, "more than 2 lookups that found nothing");
	return false;
}

/* The client's names first; then `resume'.  true: they are known already. */
static bool
want_names(struct spf *s, enum state resume)
{
	char name[SPF_NAME_MAX + 1];
	size_t n;

	if (s->knows_names)
		return true;
	n = spf_expand_name(&s->values, STR("%{ir}.%{v}.arpa"), name);
	s->resume = (int)resume;
	ask(s, str_mem(name, n), SPF_TYPE_PTR, ST_NAMES);
	return false;
}

/* For a term's %{p}, which costs a lookup when it is the first (4.6.4). */
static bool
ready_for(struct spf *s, struct str spec, enum state again)
{
	if (s->knows_names || !spf_macro_wants_name(spec))
		return true;
	if (count_lookup(s))
		(void)want_names(s, again);
	return false;
}

/* --- names --------------------------------------------------------------- */

static bool
is_below(struct str name, struct str domain)
{
	size_t n = name.n - domain.n;

	return name.n > domain.n && name.p[n - 1] == '.' &&
	    str_ieq(str_from(name, n), domain);
}

/* %{p} (7.3): the domain itself, else one below it, else any. */
static struct str
best_name(const struct spf *s, struct str domain)
{
	struct str best = STR("unknown");
	unsigned rank = 0;

	for (size_t i = 0; i < s->names_n; i++) {
		struct str name = s->names[i].name;
		unsigned r = str_ieq(name, domain) ? 3 :
		    is_below(name, domain) ? 2 : 1;

		if (s->names[i].is_valid && r > rank) {
			best = name;
			rank = r;
		}
	}
	return best;
}

static void
set(struct spf *s, char letter, struct str v)
{
	s->values.v[letter - 'a'] = v;
	s->is_full |= v.p == NULL;
}

static struct str
expand_name(struct spf *s, struct str spec, char out[SPF_NAME_MAX + 1])
{
	struct str domain = top(s)->domain;

	if (spec.n == 0)
		return domain;
	set(s, 'd', domain);
	set(s, 'p', best_name(s, domain));
	return str_mem(out, spf_expand_name(&s->values, spec, out));
}

/* --- addresses ----------------------------------------------------------- */

static bool
in_net(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned n = bits / 8, rest = bits % 8;

	return memcmp(a, b, n) == 0 && (rest == 0 ||
	    ((unsigned)(a[n] ^ b[n]) >> (8 - rest)) == 0);
}

static bool
is_client(const struct spf *s, const uint8_t *addr, const struct spf_term *t)
{
	return in_net(s->client, addr, s->is_ipv4 ? t->bits4 : t->bits6);
}

/* Is one of the answer's addresses the client's, within the term's prefix?
 * exists is content with any; a name of the client is its own exactly. */
static bool
hits(struct spf *s, struct str data)
{
	static const struct spf_term whole = { .bits4 = 32, .bits6 = 128 };
	bool is_exists = s->state == ST_ADDRESS &&
	    top(s)->term.what == SPF_EXISTS;

	if (is_exists)
		return true;
	if (data.n != (s->is_ipv4 ? 4 : 16))
		return false;
	return is_client(s, data.p, s->state == ST_NAME ? &whole :
	    &top(s)->term);
}

/* --- rows ---------------------------------------------------------------- */

static void
row_txt(struct spf *s, struct str data)
{
	if (s->state == ST_RECORD && !spf_is_record(data))
		return;
	if (s->rows++ == 0)
		s->text = keep(s, data);
}

static void
row_host(struct spf *s, struct str data)
{
	if (s->rows++ < SPF_NAMES_MAX)
		s->hosts[s->rows - 1] = keep(s, data);
}

static void
row_name(struct spf *s, struct str data)
{
	if (data.n > 0 && data.p[data.n - 1] == '.')
		data.n--;
	if (s->rows++ < SPF_NAMES_MAX)
		s->names[s->names_n++].name = keep(s, data);
}

void
spf_row(struct spf *s, struct str data)
{
	if (!s->is_asking)
		return;
	switch (s->ask_type) {
	case SPF_TYPE_TXT:
		row_txt(s, data);
		break;
	case SPF_TYPE_MX:
		row_host(s, data);
		break;
	case SPF_TYPE_PTR:
		row_name(s, data);
		break;
	case SPF_TYPE_A:
	case SPF_TYPE_AAAA:
		s->rows++;
		s->is_hit |= hits(s, data);
		break;
	}
}

void
spf_answered(struct spf *s, enum spf_answer answer)
{
	s->answer = answer;
	s->is_asking = false;
}

/* --- a record ------------------------------------------------------------ */

static void
fetch(struct spf *s, struct str domain, bool is_target)
{
	*top(s) = (struct spf_frame){ .is_target = is_target };
	top(s)->domain = keep(s, domain);
	ask(s, top(s)->domain, SPF_TYPE_TXT, ST_RECORD);
}

static void
on_record(struct spf *s)
{
	struct spf_frame *f = top(s);
	struct why why;

	if (s->answer == SPF_LATER)
		error(s, SPF_TEMPERROR, "the DNS does not say its record");
	else if (s->rows > 1)
		error(s, SPF_PERMERROR, "more than one SPF record");
	else if (s->rows == 0 && f->is_target)
		error(s, SPF_PERMERROR, "referred to, and has no SPF record");
	else if (s->rows == 0)
		end(s, SPF_NONE);
	else if (spf_record_parse(s->text, &f->rest, &f->redirect, &f->exp,
	    &why) != 0)
		error(s, SPF_PERMERROR, why.text);
	else
		s->state = ST_TERM;
}

static void
on_term(struct spf *s)
{
	struct spf_frame *f = top(s);

	if (spf_term_next(&f->rest, &f->term) == 1) {
		if (f->term.what < SPF_REDIRECT)
			s->state = ST_TRY;
		return;
	}
	s->result = SPF_NEUTRAL;	/* 4.7 */
	s->matched = s->matched_in = STR("");
	s->state = ST_RETURN;
	if (f->redirect.n > 0 && count_lookup(s))
		s->state = ST_REDIRECT;
}

static void
on_redirect(struct spf *s)
{
	struct str spec = top(s)->redirect;
	char name[SPF_NAME_MAX + 1];

	if (ready_for(s, spec, ST_REDIRECT))
		fetch(s, expand_name(s, spec, name), true);
}

/* --- mechanisms ---------------------------------------------------------- */

typedef void try_fn(struct spf *s, const struct spf_term *t, struct str name);

static void
match_if(struct spf *s, bool is_match)
{
	s->state = is_match ? ST_MATCH : ST_TERM;
}

static void
try_all(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)t;
	(void)name;
	match_if(s, true);
}

static void
try_ip4(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)name;
	match_if(s, s->is_ipv4 && is_client(s, t->addr, t));
}

static void
try_ip6(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)name;
	match_if(s, !s->is_ipv4 && is_client(s, t->addr, t));
}

static void
try_a(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)t;
	ask(s, name, address_type(s), ST_ADDRESS);
}

/* An A record, whatever the client's family (5.7). */
static void
try_exists(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)t;
	ask(s, name, SPF_TYPE_A, ST_ADDRESS);
}

static void
try_mx(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)t;
	ask(s, name, SPF_TYPE_MX, ST_HOSTS);
}

static void
try_ptr(struct spf *s, const struct spf_term *t, struct str name)
{
	bool is_match = false;

	(void)t;
	if (!want_names(s, ST_TRY))
		return;
	for (size_t i = 0; i < s->names_n; i++)
		is_match |= s->names[i].is_valid &&
		    (str_ieq(s->names[i].name, name) ||
		    is_below(s->names[i].name, name));
	match_if(s, is_match);
}

static void
try_include(struct spf *s, const struct spf_term *t, struct str name)
{
	(void)t;
	if (s->depth + 1 == SPF_DEPTH_MAX) {
		error(s, SPF_PERMERROR, "includes lie too deep");
		return;
	}
	s->depth++;
	fetch(s, name, true);
}

static const struct {
	try_fn	*try;
	bool	asks;
} mechanisms[] = {
	[SPF_ALL] = { try_all, false },
	[SPF_IP4] = { try_ip4, false },
	[SPF_IP6] = { try_ip6, false },
	[SPF_A] = { try_a, true },
	[SPF_MX] = { try_mx, true },
	[SPF_PTR] = { try_ptr, true },
	[SPF_EXISTS] = { try_exists, true },
	[SPF_INCLUDE] = { try_include, true },
};

/* Counted once, though names of the client bring it here twice. */
static void
on_try(struct spf *s)
{
	struct spf_frame *f = top(s);
	char name[SPF_NAME_MAX + 1];
	bool was_resumed = s->resume == ST_TRY;

	s->resume = ST_OVER;
	if (mechanisms[f->term.what].asks && !was_resumed && !count_lookup(s))
		return;
	if (!ready_for(s, f->term.spec, ST_TRY))
		return;
	mechanisms[f->term.what].try(s, &f->term,
	    expand_name(s, f->term.spec, name));
}

/* --- answers to mechanisms ----------------------------------------------- */

static void
on_address(struct spf *s)
{
	if (s->answer == SPF_LATER)
		error(s, SPF_TEMPERROR, "the DNS does not say an address");
	else if (count_void(s))
		match_if(s, s->is_hit);
}

static void
ask_host(struct spf *s)
{
	if (s->host == s->hosts_n)
		match_if(s, false);
	else
		ask(s, s->hosts[s->host], address_type(s), ST_HOST);
}

static void
on_hosts(struct spf *s)
{
	if (s->answer == SPF_LATER)
		error(s, SPF_TEMPERROR, "the DNS does not say the MX");
	else if (s->rows > SPF_NAMES_MAX)
		error(s, SPF_PERMERROR, "more than 10 MX hosts");
	else if (count_void(s)) {
		s->hosts_n = s->rows;
		s->host = 0;
		ask_host(s);
	}
}

static void
on_host(struct spf *s)
{
	if (s->answer == SPF_LATER)
		error(s, SPF_TEMPERROR, "the DNS does not say an MX's address");
	else if (!count_void(s))
		return;
	else if (s->is_hit)
		match_if(s, true);
	else {
		s->host++;
		ask_host(s);
	}
}

static void
ask_name(struct spf *s)
{
	if (s->name < s->names_n) {
		ask(s, s->names[s->name].name, address_type(s), ST_NAME);
		return;
	}
	s->knows_names = true;
	s->state = s->resume;
}

/* An error is as if there were no names (5.5). */
static void
on_names(struct spf *s)
{
	if (!count_void(s))
		return;
	if (s->answer != SPF_FOUND)
		s->names_n = 0;
	s->name = 0;
	ask_name(s);
}

static void
on_name(struct spf *s)
{
	s->names[s->name++].is_valid = s->is_hit && s->answer == SPF_FOUND;
	ask_name(s);
}

/* --- verdicts ------------------------------------------------------------ */

static void
on_match(struct spf *s)
{
	s->result = top(s)->term.qualifier;
	s->matched = top(s)->term.text;
	s->matched_in = top(s)->domain;
	s->state = ST_RETURN;
}

/* An include matches when its target passes; its fail is no fail (5.2). */
static void
on_return(struct spf *s)
{
	if (s->depth > 0) {
		s->depth--;
		match_if(s, s->result == SPF_PASS);
	} else if (s->result == SPF_FAIL && top(s)->exp.n > 0) {
		s->is_explaining = true;
		s->state = ST_EXP;
	} else {
		end(s, s->result);
	}
}

static void
on_exp(struct spf *s)
{
	char name[SPF_NAME_MAX + 1];

	if (ready_for(s, top(s)->exp, ST_EXP))
		ask(s, expand_name(s, top(s)->exp, name), SPF_TYPE_TXT,
		    ST_EXP_TEXT);
}

static void
on_exp_text(struct spf *s)
{
	if (s->answer == SPF_FOUND && s->rows == 1 &&
	    spf_macro_ok(s->text, true)) {
		s->exp_text = s->text;
		s->state = ST_EXPLAIN;
	} else {
		end(s, SPF_FAIL);
	}
}

static void
on_explain(struct spf *s)
{
	if (!ready_for(s, s->exp_text, ST_EXPLAIN))
		return;
	set(s, 'd', top(s)->domain);
	set(s, 'p', best_name(s, top(s)->domain));
	(void)spf_expand_text(&s->values, s->exp_text, s->explanation,
	    SPF_EXPLAIN_MAX);
	end(s, SPF_FAIL);
}

/* --- beginning ----------------------------------------------------------- */

static void
set_address_values(struct spf *s)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[INET6_ADDRSTRLEN], nibbles[64];
	size_t n = 0;

	(void)inet_ntop(s->is_ipv4 ? AF_INET : AF_INET6, s->client, text,
	    sizeof(text));
	set(s, 'c', keep(s, str_of(text)));
	set(s, 'i', s->values.v['c' - 'a']);
	set(s, 'v', STR("in-addr"));
	if (s->is_ipv4)
		return;
	for (size_t i = 0; i < 32; i++) {
		if (i > 0)
			nibbles[n++] = '.';
		nibbles[n++] = hex[(i % 2 == 0 ? s->client[i / 2] >> 4 :
		    s->client[i / 2]) & 15];
	}
	set(s, 'i', keep(s, str_mem(nibbles, n)));
	set(s, 'v', STR("ip6"));
}

/* An IPv4 client is one however its socket calls it (5). */
static int
set_client(struct spf *s, struct str client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (client.n >= sizeof(text) || str_has_nul(client))
		return FAIL_SYNTAX;
	if (client.n > 0)
		memcpy(text, client.p, client.n);
	text[client.n] = '\0';
	s->is_ipv4 = inet_pton(AF_INET, text, s->client) == 1;
	if (!s->is_ipv4 && inet_pton(AF_INET6, text, s->client) != 1)
		return FAIL_SYNTAX;
	if (!s->is_ipv4 && memcmp(s->client, mapped, sizeof(mapped)) == 0) {
		memmove(s->client, s->client + 12, 4);
		s->is_ipv4 = true;
	}
	set_address_values(s);
	return 0;
}

/* The null sender, and one without local part: postmaster (2.4, 4.3). */
static void
set_sender(struct spf *s, const struct spf_query *q)
{
	size_t at = str_rchr(q->sender, '@');
	struct str local = STR("postmaster"), domain = q->helo;

	if (q->sender.n > 0) {
		domain = at < q->sender.n ? str_from(q->sender, at + 1) :
		    q->sender;
		if (at > 0 && at < q->sender.n)
			local = str_sub(q->sender, 0, at);
	}
	if (str_ends(domain, "."))
		domain.n--;
	s->domain = keep(s, domain);
	set(s, 'o', s->domain);
	set(s, 'l', keep(s, local));
	set(s, 's', arena_fmt(s->arena, "%.*s@%.*s", STR_ARG(local),
	    STR_ARG(domain)));
}

int
spf_begin(struct spf *s, struct arena *a, const struct spf_query *q)
{
	memset(s, 0, sizeof(*s));
	s->arena = a;
	s->matched = s->matched_in = STR("");
	if (set_client(s, q->client) != 0)
		return FAIL_SYNTAX;
	set_sender(s, q);
	set(s, 'h', keep(s, q->helo));
	set(s, 'r', q->receiver.n > 0 ? keep(s, q->receiver) :
	    STR("unknown"));
	set(s, 't', arena_fmt(a, "%lld", (long long)q->now_s));
	if (s->is_full)
		error(s, SPF_PERMERROR, "too much to evaluate");
	else if (!spf_name_ok(s->domain) ||
	    str_chr(s->domain, '.') == s->domain.n)
		end(s, SPF_NONE);	/* 4.3 */
	else
		fetch(s, s->domain, false);
	return 0;
}

enum spf_step
spf_step(struct spf *s)
{
	static void (*const steps[ST_MAX])(struct spf *) = {
		[ST_RECORD] = on_record, [ST_TERM] = on_term,
		[ST_TRY] = on_try, [ST_ADDRESS] = on_address,
		[ST_HOSTS] = on_hosts, [ST_HOST] = on_host,
		[ST_NAMES] = on_names, [ST_NAME] = on_name,
		[ST_REDIRECT] = on_redirect, [ST_MATCH] = on_match,
		[ST_RETURN] = on_return, [ST_EXP] = on_exp,
		[ST_EXP_TEXT] = on_exp_text, [ST_EXPLAIN] = on_explain,
	};

	while (s->state != ST_OVER && !s->is_asking)
		if (s->is_full)
			error(s, SPF_PERMERROR, "too much to evaluate");
		else
			steps[s->state](s);
	return s->state == ST_OVER ? SPF_DONE : SPF_ASK;
}
