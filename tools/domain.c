/* SPDX-License-Identifier: ISC */
/*
 * tools/domain.c - veredus check domain: is the DNS such that a domain's mail
 * comes in here and is believed elsewhere?
 *
 * mail/zone.h judges; this file finds out for it what we send from and with
 * which keys, and asks the running suite: resolvd what the DNS says, checkd
 * what SPF makes of it, so that it is what a message would meet.
 *
 * An address we send from is what the settings say, else what the system
 * would take, else (behind NAT, or with a smarthost) what the operator names.
 */
#include "tools/cli.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/net.h"
#include "mail/addr.h"
#include "mail/zone.h"

#include "base/banned.h"

enum { SOURCES_MAX = 16, HERE_MAX = 256, KEYS_MAX = 64, RECORDS_MAX = 256 };

struct finding {
	struct cli	*c;
	struct zone	zone;
	struct zone_source source[SOURCES_MAX];
	struct str	here[HERE_MAX];
	struct zone_key	key[KEYS_MAX];
	unsigned	count[ZONE_UNKNOWN + 1];
	int		gone;		/* exit code: nobody answers any more */
};

static const char *const levels[] = {
	[ZONE_OK] = "ok", [ZONE_WARN] = "warn", [ZONE_WRONG] = "wrong",
	[ZONE_UNKNOWN] = "unknown",
};

/* --- asking the suite ---------------------------------------------------- */

struct heard {
	struct cli	*c;
	bool		is_answer;	/* a row that tells how it ended */
	struct zone_answer answer;
	struct zone_record record[RECORDS_MAX];
	struct zone_spf	spf;
};

static struct str
kept(struct heard *h, struct str s)
{
	return s.n > 0 ? arena_str(&h->c->arena, s) : STR("");
}

static bool
is_ddd(struct str s)
{
	return s.n >= 3 && s.p[0] >= '0' && s.p[0] <= '2' && s.p[1] >= '0' &&
	    s.p[1] <= '9' && s.p[2] >= '0' && s.p[2] <= '9';
}

/* What stands between quotes in a zone file, with \DDD and \" undone. */
static struct str
unquoted(struct heard *h, struct str s)
{
	struct buf b;
	struct str plain;

	if (s.n < 2 || s.p[0] != '"')
		return kept(h, s);
	buf_init(&b, s.n);
	for (s = str_sub(s, 1, s.n - 2); s.n > 0; s = str_from(s, 1)) {
		if (s.p[0] != '\\' || s.n < 2) {
			buf_c(&b, s.p[0]);
			continue;
		}
		s = str_from(s, 1);
		if (!is_ddd(s)) {
			buf_c(&b, s.p[0]);
			continue;
		}
		buf_c(&b, (uint8_t)((s.p[0] - '0') * 100 +
		    (s.p[1] - '0') * 10 + (s.p[2] - '0')));
		s = str_from(s, 2);
	}
	plain = kept(h, buf_str(&b));
	buf_free(&b);
	return plain;
}

static void
hear_record(struct heard *h, const struct json_row *r)
{
	struct zone_record *record = &h->record[h->answer.n];
	struct str data = json_get(r, "data");

	if (h->answer.n == RECORDS_MAX)
		return;
	record->preference = (uint32_t)json_num(r, "preference");
	record->data = unquoted(h, data);
	h->answer.n++;
}

static void
on_dns(struct cli *c, const struct json_row *r, void *arg)
{
	struct heard *h = arg;
	struct str result = json_get(r, "result");

	if (str_same(json_get(r, "row"), "DNS_ROW")) {
		hear_record(h, r);
	} else if (str_same(json_get(r, "row"), "DNS_DONE")) {
		h->is_answer = true;
		h->answer.name = kept(h, json_get(r, "name"));
		h->answer.found = str_same(result, "ok") ? ZONE_FOUND :
		    str_same(result, "later") ||
		    str_same(result, "bad-answer") ? ZONE_LATER : ZONE_NOTHING;
	} else {
		h->answer.text = kept(h, json_get(r, "text"));
	}
}

static struct zone_answer
ask_dns(void *arg, struct str name, enum zone_type type)
{
	static const struct { enum zone_type type; const char *word; } types[] =
	    { { ZONE_A, "A" }, { ZONE_AAAA, "AAAA" }, { ZONE_MX, "MX" },
	      { ZONE_PTR, "PTR" }, { ZONE_TXT, "TXT" } };
	struct finding *f = arg;
	struct heard *h = arena_get(&f->c->arena, sizeof(*h));
	const char *words[] = { "dns", "A", cli_z(f->c, name) };
	int code;

	if (h == NULL || f->gone != EX_OK)
		return (struct zone_answer){ .found = ZONE_LATER };
	for (size_t i = 0; i < NITEMS(types); i++)
		if (types[i].type == type)
			words[1] = types[i].word;
	h->c = f->c;
	h->answer.found = ZONE_LATER;
	h->answer.records = h->record;
	code = control_ask(f->c, words, NITEMS(words), on_dns, h);
	/* no answer to a question that was understood: nobody is there */
	if (!h->is_answer && code != EX_USAGE && code != EX_DATAERR) {
		f->gone = code == EX_OK ? EX_PROTOCOL : code;
		if (h->answer.text.n > 0)
			cli_say("%.*s", STR_ARG(h->answer.text));
	}
	return h->answer;
}

static void
on_spf(struct cli *c, const struct json_row *r, void *arg)
{
	struct heard *h = arg;

	if (json_true(r, "done"))
		return;
	h->spf = (struct zone_spf){
		.verdict = kept(h, json_get(r, "verdict")),
		.term = kept(h, json_get(r, "term")),
		.term_domain = kept(h, json_get(r, "term_domain")),
		.text = kept(h, json_get(r, "text")),
		.lookups = (unsigned)json_num(r, "lookups"),
	};
}

static struct zone_spf
ask_spf(void *arg, struct str address, struct str helo, struct str sender)
{
	struct finding *f = arg;
	struct heard h = { .c = f->c, .spf = { .verdict = STR("temperror"),
	    .text = STR("checkd does not answer") } };
	const char *words[] = { "spf", cli_z(f->c, address),
	    cli_z(f->c, helo), sender.n > 0 ? cli_z(f->c, sender) : "<>" };

	if (f->gone == EX_OK)
		(void)control_ask(f->c, words, NITEMS(words), on_spf, &h);
	return h.spf;
}

/* --- what it prints ------------------------------------------------------ */

static void
print_json(const struct zone_row *row)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_c(&b, '{');
	cli_json_pair(&b, "item", str_of(row->item));
	cli_json_pair(&b, "level", str_of(levels[row->level]));
	cli_json_pair(&b, "text", row->text);
	cli_json_pair(&b, "record", row->record);
	buf_c(&b, '}');
	printf("%s\n", buf_cstr(&b));
	buf_free(&b);
}

static void
on_row(void *arg, const struct zone_row *row)
{
	struct finding *f = arg;

	if (f->gone != EX_OK)
		return;
	f->count[row->level]++;
	if (f->c->json) {
		print_json(row);
		return;
	}
	printf("%-7s %-8s %.*s\n", row->item, levels[row->level],
	    STR_ARG(row->text));
	if (row->record.n > 0)
		printf("%17s%.*s\n", "", STR_ARG(row->record));
}

static void
say(struct finding *f, const char *item, enum zone_level level,
    struct str text, struct str record)
{
	struct zone_row row = { .item = item, .level = level, .text = text,
	    .record = record };

	on_row(f, &row);
}

/* --- what there is to be judged ------------------------------------------ */

/* As inet_ntop(3) writes it, which is how the records will be told. */
static bool
take_address(struct cli *c, struct str text, struct str *out, bool *is_ipv6)
{
	char z[INET6_ADDRSTRLEN];
	uint8_t a[16];

	if (!net_addr(text, a))
		return false;
	*is_ipv6 = !IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a);
	if (inet_ntop(*is_ipv6 ? AF_INET6 : AF_INET, *is_ipv6 ? a : a + 12, z,
	    sizeof(z)) == NULL)
		return false;
	*out = arena_str(&c->arena, str_of(z));
	return true;
}

static void
add_here(struct finding *f, struct str address)
{
	if (f->zone.heres < HERE_MAX)
		f->here[f->zone.heres++] = address;
}

static bool
add_source(struct finding *f, struct str text)
{
	struct zone_source *s = &f->source[f->zone.sources];
	struct buf b;

	if (f->zone.sources == SOURCES_MAX ||
	    !take_address(f->c, text, &s->address, &s->is_ipv6))
		return false;
	buf_init(&b, 128);
	if (net_reverse(s->address, &b)) {
		s->reverse = arena_str(&f->c->arena, buf_str(&b));
		f->zone.sources++;
		add_here(f, s->address);
	}
	buf_free(&b);
	return true;
}

/* Empty: no address of the two families. */
static struct str
text_of(struct cli *c, const struct sockaddr *sa)
{
	const void *a = sa->sa_family == AF_INET ?
	    (const void *)&((const struct sockaddr_in *)(const void *)
	    sa)->sin_addr : (const void *)&((const struct sockaddr_in6 *)
	    (const void *)sa)->sin6_addr;
	char z[INET6_ADDRSTRLEN];

	if ((sa->sa_family != AF_INET && sa->sa_family != AF_INET6) ||
	    inet_ntop(sa->sa_family, a, z, sizeof(z)) == NULL)
		return STR("");
	return arena_str(&c->arena, str_of(z));
}

/* The address the system would send from: no packet is sent for that. */
static void
add_system_source(struct finding *f, const struct sockaddr *far, socklen_t n)
{
	struct sockaddr_storage ss;
	int fd = socket(far->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (connect(fd, far, n) == 0 && (n = sizeof(ss)) > 0 &&
	    getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
		(void)add_source(f, text_of(f->c, (struct sockaddr *)&ss));
	(void)close(fd);
}

static void
add_system_sources(struct finding *f)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
	    .sin_port = htons(25) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
	    .sin6_port = htons(25) };

	if (f->c->conf.remote.source_ipv4.n == 0 &&
	    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr) == 1)
		add_system_source(f, (struct sockaddr *)&v4, sizeof(v4));
	if (f->c->conf.remote.source_ipv6.n == 0 &&
	    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr) == 1)
		add_system_source(f, (struct sockaddr *)&v6, sizeof(v6));
}

static int
find_sources(struct finding *f, int argc, char **argv)
{
	const struct conf *conf = &f->c->conf;

	for (int i = 0; i < argc; i++)
		if (!add_source(f, str_of(argv[i]))) {
			cli_say("%s is no address, or one too many", argv[i]);
			return EX_USAGE;
		}
	if (argc > 0)
		return EX_OK;
	if (conf->remote.smarthost.n > 0) {
		say(f, "source", ZONE_WARN, arena_fmt(&f->c->arena, "mail "
		    "leaves by %.*s: name the addresses it sends from behind "
		    "the domain to have SPF and PTR tried",
		    STR_ARG(conf->remote.smarthost)), STR(""));
		return EX_OK;
	}
	(void)add_source(f, conf->remote.source_ipv4);
	(void)add_source(f, conf->remote.source_ipv6);
	add_system_sources(f);
	if (f->zone.sources == 0)
		say(f, "source", ZONE_UNKNOWN, STR("this host has no way out: "
		    "name the addresses it sends from behind the domain"),
		    STR(""));
	return EX_OK;
}

/* Behind NAT others see an address that this host does not know. */
static void
doubt_sources(struct finding *f)
{
	static const char *const private[] = { "10.0.0.0/8", "172.16.0.0/12",
	    "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10" };
	struct net net;
	uint8_t a[16];

	for (size_t s = 0; s < f->zone.sources; s++)
		for (size_t i = 0; i < NITEMS(private); i++)
			if (net_parse(str_of(private[i]), &net) &&
			    net_addr(f->source[s].address, a) &&
			    net_has(&net, a))
				say(f, "source", ZONE_WARN, arena_fmt(
				    &f->c->arena, "%.*s is private: name what "
				    "others see in its place behind the "
				    "domain", STR_ARG(f->source[s].address)),
				    STR(""));
}

static void
find_here(struct finding *f)
{
	struct ifaddrs *list = NULL;
	struct str text;

	if (getifaddrs(&list) != 0)
		return;
	for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL &&
		    (text = text_of(f->c, i->ifa_addr)).n > 0)
			add_here(f, text);
	freeifaddrs(list);
}

static void
on_key(void *arg, struct str selector, const char *type, unsigned bits,
    struct str public)
{
	struct finding *f = arg;

	if (f->zone.keys < KEYS_MAX)
		f->key[f->zone.keys++] = (struct zone_key){
			.selector = selector, .type = type, .bits = bits,
			.public = public,
		};
}

static struct str
lower(struct cli *c, struct str s)
{
	struct buf b;

	buf_init(&b, ADDR_DOMAIN_MAX);
	for (size_t i = 0; i < s.n; i++)
		buf_c(&b, (uint8_t)ascii_lower(s.p[i]));
	s = arena_str(&c->arena, buf_str(&b));
	buf_free(&b);
	return s;
}

static void
look_if_ours(struct finding *f)
{
	const struct strs *domains = &f->c->conf.site.domains;

	if (str_iamong(f->zone.domain, domains->v, domains->n))
		return;
	say(f, "domain", ZONE_WARN, arena_fmt(&f->c->arena, "%.*s is not "
	    "delivered here: no setting `domain' names it",
	    STR_ARG(f->zone.domain)), STR(""));
}

static int
prepare(struct finding *f, struct str domain)
{
	const struct conf *conf = &f->c->conf;
	struct str host = lower(f->c, conf->site.hostname);

	f->zone = (struct zone){ .domain = domain, .host = host,
	    .helo = conf->remote.helo.n > 0 ?
	    lower(f->c, conf->remote.helo) : host,
	    .source = f->source, .here = f->here, .key = f->key,
	    .ask = ask_dns, .spf = ask_spf, .row = on_row, .arg = f,
	    .arena = &f->c->arena };
	find_here(f);
	return dkim_each(f->c, domain, on_key, f);
}

/* --- the verb ------------------------------------------------------------ */

static int
code_of(const struct finding *f)
{
	if (f->gone != EX_OK)
		return f->gone;
	if (f->count[ZONE_WRONG] > 0)
		return 1;
	return f->count[ZONE_UNKNOWN] > 0 ? EX_TEMPFAIL : EX_OK;
}

static int
verb_check_domain(struct cli *c, int argc, char **argv)
{
	static struct finding f;
	struct str domain = lower(c, str_of(argv[0]));
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	if (domain.n != strlen(argv[0]) || !addr_domain_valid(domain)) {
		cli_say("%s is no domain", argv[0]);
		return EX_DATAERR;
	}
	f.c = c;
	c->quiet = true;
	if ((code = prepare(&f, domain)) != EX_OK)
		return code;
	if (!control_alive(c)) {	/* says why */
		(void)ask_dns(&f, domain, ZONE_MX);
		return f.gone;
	}
	look_if_ours(&f);
	if ((code = find_sources(&f, argc - 1, argv + 1)) != EX_OK)
		return code;
	doubt_sources(&f);
	zone_check(&f.zone);
	return code_of(&f);
}

const struct verb domain_verbs[] = {
	{ "check domain", "DOMAIN [ADDRESS ...]", 1, 1 + SOURCES_MAX,
	    verb_check_domain, "are its MX, SPF, DKIM, DMARC, PTR and HELO "
	    "right, and what would be" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
