/* SPDX-License-Identifier: ISC */
/*
 * mail/zone.c - the names and addresses of a domain's mail: MX, HELO, PTR.
 * What stands in TXT records is zonetxt.c's.
 *
 * RFC 5321 2.3.5 and 4.1.4 (HELO), 5.1 (MX); RFC 2181 10.3 (an MX is no
 * alias); RFC 7505.
 */
#include "mail/zone.h"

#include "base/buf.h"

#include "base/banned.h"

#define ADDRESSES_MAX	64	/* of a host: printed */
#define NAMES_MAX	10	/* of an address: looked up, as RFC 7208 5.5 */
#define TXT_STRING	255

/* --- rows ---------------------------------------------------------------- */

/* What strangers put into the DNS is going to a terminal. */
static struct str
printable(struct zone *z, struct str s)
{
	uint8_t *p = arena_get(z->arena, s.n + 1);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = s.p[i] >= 32 && s.p[i] <= 126 ? s.p[i] : '?';
	return str_mem(p, p == NULL ? 0 : s.n);
}

void
zone_say(struct zone *z, const char *item, enum zone_level level,
    struct str text, struct str record)
{
	struct zone_row row = { .item = item, .level = level,
	    .text = printable(z, text), .record = printable(z, record) };

	z->row(z->arg, &row);
}

void
zone_say_later(struct zone *z, const char *item, struct str name,
    const struct zone_answer *a)
{
	zone_say(z, item, ZONE_UNKNOWN, arena_fmt(z->arena, "the DNS does not "
	    "say what %.*s has%s%.*s", STR_ARG(name), a->text.n > 0 ? ": " : "",
	    STR_ARG(a->text)), STR(""));
}

static void
put_string(struct buf *b, struct str s)
{
	buf_c(b, '"');
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 32 || s.p[i] > 126)
			buf_fmt(b, "\\%03u", s.p[i]);
		else if (s.p[i] == '"' || s.p[i] == '\\')
			buf_fmt(b, "\\%c", s.p[i]);
		else
			buf_c(b, s.p[i]);
	buf_c(b, '"');
}

struct str
zone_txt(struct zone *z, struct str name, struct str text)
{
	struct buf b;
	struct str record;

	buf_init(&b, 1 << 18);
	buf_fmt(&b, "%.*s. IN TXT", STR_ARG(name));
	for (size_t at = 0; at < text.n; at += TXT_STRING) {
		buf_c(&b, ' ');
		put_string(&b, str_sub(text, at, TXT_STRING));
	}
	record = arena_str(z->arena, buf_str(&b));
	buf_free(&b);
	return record;
}

static struct str
mx_record(struct zone *z, struct str host)
{
	return arena_fmt(z->arena, "%.*s. IN MX 10 %.*s.", STR_ARG(z->domain),
	    STR_ARG(host));
}

static struct str
address_record(struct zone *z, struct str name, struct str address)
{
	return arena_fmt(z->arena, "%.*s. IN %s %.*s", STR_ARG(name),
	    str_chr(address, ':') < address.n ? "AAAA" : "A",
	    STR_ARG(address));
}

/* --- hosts --------------------------------------------------------------- */

static bool
is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

bool
zone_is_full(struct str name)
{
	size_t dot = str_rchr(name, '.');

	return dot > 0 && dot < name.n && str_chr(name, ':') == name.n &&
	    name.p[0] != '[' && !is_digits(str_from(name, dot + 1));
}

static bool
has(const struct zone_answer *a, struct str data)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_ieq(a->records[i].data, data))
			return true;
	return false;
}

/* A name's addresses. */
struct host {
	struct str	name;
	struct zone_answer v4, v6;
};

static struct host
host_of(struct zone *z, struct str name)
{
	return (struct host){ .name = name,
	    .v4 = z->ask(z->arg, name, ZONE_A),
	    .v6 = z->ask(z->arg, name, ZONE_AAAA) };
}

static bool
is_later(const struct host *h)
{
	return h->v4.n + h->v6.n == 0 && (h->v4.found == ZONE_LATER ||
	    h->v6.found == ZONE_LATER);
}

/* The name it is an alias of, or the empty str. */
static struct str
alias_of(const struct host *h)
{
	struct str name = h->v4.n > 0 ? h->v4.name : h->v6.name;

	return str_ieq(name, h->name) ? STR("") : name;
}

static bool
is_here(const struct zone *z, const struct host *h)
{
	for (size_t i = 0; i < h->v4.n; i++)
		if (str_iamong(h->v4.records[i].data, z->here, z->heres))
			return true;
	for (size_t i = 0; i < h->v6.n; i++)
		if (str_iamong(h->v6.records[i].data, z->here, z->heres))
			return true;
	return str_ieq(h->name, z->host);
}

static void
put_addresses(struct buf *b, const struct zone_answer *a)
{
	for (size_t i = 0; i < a->n; i++)
		buf_fmt(b, "%s%.*s", b->len > 0 ? ", " : "",
		    STR_ARG(a->records[i].data));
}

static struct str
addresses_of(struct zone *z, const struct host *h)
{
	struct buf b;
	struct str s;

	buf_init(&b, ADDRESSES_MAX * 64);
	put_addresses(&b, &h->v4);
	put_addresses(&b, &h->v6);
	s = arena_str(z->arena, buf_str(&b));
	buf_free(&b);
	return s;
}

/* --- MX ------------------------------------------------------------------ */

/* The address an MX of ours should have: one we send from, for want of a
 * better guess. */
static struct str
missing_address(struct zone *z, struct str name)
{
	if (z->sources == 0)
		return mx_record(z, z->host);
	return address_record(z, name, z->source[0].address);
}

static void
judge_exchanger(struct zone *z, const struct zone_record *mx)
{
	struct host h = host_of(z, mx->data);
	struct str name = mx->data, alias = alias_of(&h);
	struct str where = addresses_of(z, &h);
	unsigned preference = mx->preference;

	if (is_later(&h))
		zone_say_later(z, "mx", name, h.v4.found == ZONE_LATER ?
		    &h.v4 : &h.v6);
	else if (!zone_is_full(name))
		zone_say(z, "mx", ZONE_WRONG, arena_fmt(z->arena,
		    "%u %.*s: a host's full name belongs there",
		    preference, STR_ARG(name)), mx_record(z, z->host));
	else if (where.n == 0)
		zone_say(z, "mx", ZONE_WRONG, arena_fmt(z->arena,
		    "%u %.*s has no address", preference, STR_ARG(name)),
		    missing_address(z, name));
	else if (alias.n > 0)
		zone_say(z, "mx", ZONE_WRONG, arena_fmt(z->arena,
		    "%u %.*s is an alias of %.*s, which some senders refuse",
		    preference, STR_ARG(name), STR_ARG(alias)),
		    mx_record(z, alias));
	else if (is_here(z, &h))
		zone_say(z, "mx", ZONE_OK, arena_fmt(z->arena,
		    "%u %.*s (%.*s), which is here", preference,
		    STR_ARG(name), STR_ARG(where)), STR(""));
	else
		zone_say(z, "mx", ZONE_WARN, arena_fmt(z->arena,
		    "%u %.*s (%.*s) is another host: its mail does not come "
		    "here first hand", preference, STR_ARG(name),
		    STR_ARG(where)), mx_record(z, z->host));
}

static void
check_mx(struct zone *z)
{
	struct zone_answer a = z->ask(z->arg, z->domain, ZONE_MX);
	bool is_null = false;

	if (a.found == ZONE_LATER) {
		zone_say_later(z, "mx", z->domain, &a);
		return;
	}
	if (a.n == 0)
		zone_say(z, "mx", ZONE_WRONG, STR("there is none: what comes "
		    "goes to the address of the domain itself, if it has one"),
		    mx_record(z, z->host));
	for (size_t i = 0; i < a.n; i++)
		is_null |= str_same(a.records[i].data, ".");
	if (is_null)
		zone_say(z, "mx", ZONE_WRONG, STR("a null MX (RFC 7505): it "
		    "says that the domain takes no mail at all"),
		    mx_record(z, z->host));
	for (size_t i = 0; i < a.n; i++)
		if (!str_same(a.records[i].data, "."))
			judge_exchanger(z, &a.records[i]);
}

/* --- HELO ---------------------------------------------------------------- */

static void
judge_helo(struct zone *z, const struct zone_source *s, const struct host *h)
{
	const struct zone_answer *a = s->is_ipv6 ? &h->v6 : &h->v4;

	if (has(a, s->address))
		zone_say(z, "helo", ZONE_OK, arena_fmt(z->arena,
		    "%.*s has the address %.*s", STR_ARG(z->helo),
		    STR_ARG(s->address)), STR(""));
	else if (a->found == ZONE_LATER)
		zone_say_later(z, "helo", z->helo, a);
	else
		zone_say(z, "helo", ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s has not the address %.*s that we send from",
		    STR_ARG(z->helo), STR_ARG(s->address)),
		    address_record(z, z->helo, s->address));
}

static void
check_helo(struct zone *z)
{
	struct host h;

	if (!zone_is_full(z->helo)) {
		zone_say(z, "helo", ZONE_WRONG, arena_fmt(z->arena,
		    "`%.*s' is no full host name, and is refused as one",
		    STR_ARG(z->helo)), arena_fmt(z->arena,
		    "remote helo mail.%.*s", STR_ARG(z->domain)));
		return;
	}
	h = host_of(z, z->helo);
	if (alias_of(&h).n > 0)
		zone_say(z, "helo", ZONE_WARN, arena_fmt(z->arena,
		    "%.*s is an alias: RFC 5321 2.3.5 wants a name with "
		    "addresses of its own", STR_ARG(z->helo)),
		    arena_fmt(z->arena, "remote helo %.*s",
		    STR_ARG(alias_of(&h))));
	for (size_t i = 0; i < z->sources; i++)
		judge_helo(z, &z->source[i], &h);
}

/* --- PTR ----------------------------------------------------------------- */

/* What a provider writes for whom it knows nothing better of. */
static const char *const generic[] = { "adsl", "broadband", "cable", "client",
    "cust", "customer", "customers", "dhcp", "dial", "dialup", "dsl", "dyn",
    "dynamic", "ip", "pool", "ppp", "static", "unassigned", "user", "vps" };

static bool
is_letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The next run of letters, or of digits. */
static struct str
token(struct str *s)
{
	bool (*is_of)(uint8_t) = is_digit;
	struct str t;
	size_t n = 0;

	while (s->n > 0 && !is_letter(s->p[0]) && !is_digit(s->p[0]))
		*s = str_from(*s, 1);
	if (s->n > 0 && is_letter(s->p[0]))
		is_of = is_letter;
	while (n < s->n && is_of(s->p[n]))
		n++;
	t = str_sub(*s, 0, n);
	*s = str_from(*s, n);
	return t;
}

/* How many of an IPv4 address's numbers stand in the name? */
static unsigned
numbers_in(struct str name, struct str address)
{
	unsigned n = 0;

	while (address.n > 0) {
		struct str number = str_until(&address, '.'), at = name, t;

		while ((t = token(&at)).n > 0 && !str_eq(t, number))
			;
		n += t.n > 0;
	}
	return n;
}

static bool
is_generic(struct str name, const struct zone_source *s)
{
	struct str at = name, t;
	size_t dot;

	if (!s->is_ipv6 && numbers_in(name, s->address) >= 3)
		return true;
	/* the organisation may well be called cable.example */
	dot = str_rchr(name, '.');
	at = str_sub(name, 0, str_rchr(str_sub(name, 0, dot), '.'));
	if (dot == name.n || at.n == dot)
		return false;
	while ((t = token(&at)).n > 0)
		for (size_t i = 0; i < NITEMS(generic); i++)
			if (str_is(t, generic[i]))
				return true;
	return false;
}

static bool
leads_back(struct zone *z, const struct zone_source *s, struct str name,
    struct zone_answer *a)
{
	*a = z->ask(z->arg, name, s->is_ipv6 ? ZONE_AAAA : ZONE_A);
	return has(a, s->address);
}

/* The name that leads back to the address; of several our HELO name. */
static struct str
forward_name(struct zone *z, const struct zone_source *s,
    const struct zone_answer *names, struct zone_answer *late)
{
	struct str found = STR("");
	struct zone_answer a;

	for (size_t i = 0; i < names->n && i < NAMES_MAX; i++) {
		struct str name = names->records[i].data;

		if (leads_back(z, s, name, &a) && (found.n == 0 ||
		    str_ieq(name, z->helo)))
			found = name;
		if (a.found == ZONE_LATER)
			*late = a;
	}
	return found;
}

static struct str
ptr_record(struct zone *z, const struct zone_source *s)
{
	return arena_fmt(z->arena, "%.*s. IN PTR %.*s.", STR_ARG(s->reverse),
	    STR_ARG(zone_is_full(z->helo) ? z->helo : z->host));
}

static void
judge_name(struct zone *z, const struct zone_source *s, struct str name)
{
	if (str_ieq(name, z->helo))
		zone_say(z, "ptr", ZONE_OK, arena_fmt(z->arena,
		    "%.*s is %.*s, and that leads back", STR_ARG(s->address),
		    STR_ARG(name)), STR(""));
	else if (is_generic(name, s))
		zone_say(z, "ptr", ZONE_WARN, arena_fmt(z->arena,
		    "%.*s is %.*s, which looks like a customer's line",
		    STR_ARG(s->address), STR_ARG(name)), ptr_record(z, s));
	else
		zone_say(z, "ptr", ZONE_WARN, arena_fmt(z->arena,
		    "%.*s is %.*s, and we say %.*s", STR_ARG(s->address),
		    STR_ARG(name), STR_ARG(z->helo)), ptr_record(z, s));
}

static void
judge_source(struct zone *z, const struct zone_source *s)
{
	struct zone_answer a = z->ask(z->arg, s->reverse, ZONE_PTR);
	struct zone_answer late = { .found = ZONE_NOTHING };
	struct str name;

	if (a.found == ZONE_LATER) {
		zone_say_later(z, "ptr", s->address, &a);
		return;
	}
	if (a.n == 0) {
		zone_say(z, "ptr", ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s has no name: ask who gave you the address for one",
		    STR_ARG(s->address)), ptr_record(z, s));
		return;
	}
	name = forward_name(z, s, &a, &late);
	if (name.n > 0)
		judge_name(z, s, name);
	else if (late.found == ZONE_LATER)
		zone_say_later(z, "ptr", s->address, &late);
	else
		zone_say(z, "ptr", ZONE_WRONG, arena_fmt(z->arena,
		    "%.*s is %.*s, which does not lead back",
		    STR_ARG(s->address), STR_ARG(a.records[0].data)),
		    ptr_record(z, s));
}

/* --- all ----------------------------------------------------------------- */

void
zone_check(struct zone *z)
{
	check_mx(z);
	zone_check_spf(z);
	zone_check_dkim(z);
	zone_check_dmarc(z);
	for (size_t i = 0; i < z->sources; i++)
		judge_source(z, &z->source[i]);
	check_helo(z);
}
