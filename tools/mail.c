/* SPDX-License-Identifier: ISC */
/*
 * tools/mail.c - verbs about mail in the suite: the queue, the trace of a
 * message, the route of an address, the spool, bans; what the DNS and SPF say.
 */
#include "tools/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ipc/catalogue.h"
#include "tools/trace.h"
#include "tools/why.h"

#include "base/banned.h"

#define WORDS_MAX	6
#define LOOK_WAIT_MS	10000	/* qmgr looks through a million in that */

/* The words of the question are the words of the command line. */
static int
ask(struct cli *c, const char *first, const char *second, int argc,
    char **argv, control_row_fn *on_row)
{
	const char *words[WORDS_MAX] = { first };
	size_t n = 1;

	if (second != NULL)
		words[n++] = second;
	for (int i = 0; i < argc && n < WORDS_MAX; i++)
		words[n++] = argv[i];
	return control_ask(c, words, n, on_row, NULL);
}

/* --- queue --------------------------------------------------------------- */

/* Nothing comes of it but the answer, so nobody need wait for a qmgr that is
 * stopped as for one that acts. */
static int
look(struct cli *c, const char *how, int argc, char **argv,
    control_row_fn *on_row)
{
	if (c->wait_ms == 0)
		c->wait_ms = LOOK_WAIT_MS;
	return ask(c, "queue", how, argc, argv, on_row);
}

static void
queue_line(struct cli *c, const struct json_row *r, void *arg)
{
	int64_t now = clock_real_ms(), next = json_num(r, "next_ms");
	struct str sender = json_get(r, "sender");

	printf("%.*s %3" PRId64 "  %-8.*s %6" PRId64 "k  %-8s  <%.*s> -> "
	    "<%.*s>\n", STR_ARG(json_get(r, "mid")), json_num(r, "number"),
	    STR_ARG(json_get(r, "state")), (json_num(r, "size") + 1023) / 1024,
	    cli_age(c, now - json_num(r, "received_ms")), STR_ARG(sender),
	    STR_ARG(json_get(r, "address")));
	if (json_get(r, "reason").n > 0)
		cli_lines(json_get(r, "reason"), "\t");
	if (next > now)
		printf("\tnext try in %s, after %" PRId64 " attempts\n",
		    cli_age(c, next - now), json_num(r, "attempts"));
}

static int
verb_queue_list(struct cli *c, int argc, char **argv)
{
	return look(c, "list", argc, argv, queue_line);
}

static int
verb_queue_why(struct cli *c, int argc, char **argv)
{
	return look(c, "why", argc, argv, why_line);
}

static int
verb_queue_retry(struct cli *c, int argc, char **argv)
{
	return ask(c, "queue", "retry", argc, argv, NULL);
}

static int
verb_queue_hold(struct cli *c, int argc, char **argv)
{
	return ask(c, "queue", "hold", argc, argv, NULL);
}

static int
verb_queue_release(struct cli *c, int argc, char **argv)
{
	return ask(c, "queue", "release", argc, argv, NULL);
}

static int
verb_queue_rm(struct cli *c, int argc, char **argv)
{
	return ask(c, "queue", "rm", argc, argv, NULL);
}

/* --- trace and route ----------------------------------------------------- */

static void
trace_line(struct cli *c, const struct json_row *r, void *arg)
{
	struct buf words;

	buf_init(&words, 8192);
	trace_words(&words, json_get(r, "line"));
	printf("%s  %s\n", cli_time(c, json_num(r, "when_ms")),
	    buf_cstr(&words));
	buf_free(&words);
}

static int
verb_trace(struct cli *c, int argc, char **argv)
{
	return ask(c, "trace", NULL, argc, argv, trace_line);
}

static void
route_line(struct cli *c, const struct json_row *r, void *arg)
{
	struct str text = json_get(r, "text");
	struct str detail = json_get(r, "detail");

	if (text.n > 0) {
		printf("  %.*s\n", STR_ARG(text));
		return;
	}
	if (json_num(r, "kind") == ROUTE_REMOTE)
		printf("-> <%.*s>, which is not here: it travels\n",
		    STR_ARG(json_get(r, "address")));
	else
		printf("-> mailbox of %.*s, %.*s%s%.*s\n",
		    STR_ARG(json_get(r, "account")),
		    STR_ARG(json_get(r, "home")), detail.n > 0 ? ", tag " : "",
		    STR_ARG(detail));
}

/* Where it would travel to, for --trace. */
static void
route_and_keep(struct cli *c, const struct json_row *r, void *arg)
{
	struct str *domain = arg, address = json_get(r, "address");
	size_t at = str_rchr(address, '@');

	route_line(c, r, NULL);
	if (json_get(r, "text").n == 0 && at < address.n &&
	    json_num(r, "kind") == ROUTE_REMOTE)
		*domain = arena_str(&c->arena, str_from(address, at + 1));
}

static int
verb_route(struct cli *c, int argc, char **argv)
{
	const char *words[WORDS_MAX] = { "route" };
	struct str domain = { NULL, 0 };
	int code;

	for (int i = 0; i < argc; i++)
		words[1 + i] = argv[i];
	code = control_ask(c, words, 1 + (size_t)argc, route_and_keep,
	    &domain);
	if (!c->trace || code != EX_OK)
		return code;
	words[0] = "lane";
	if (domain.n == 0 && c->json)	/* rows were not looked at */
		domain = str_from(str_of(argv[0]), str_rchr(str_of(argv[0]),
		    '@') + 1);
	if (domain.n == 0)
		return code;
	words[1] = cli_z(c, domain);
	return control_ask(c, words, 2, why_line, NULL);
}

/* --- dns ----------------------------------------------------------------- */

static void
dns_line(struct cli *c, const struct json_row *r, void *arg)
{
	if (str_same(json_get(r, "row"), "DNS_ROW")) {
		printf("%-5.*s %8" PRId64 "  ", STR_ARG(json_get(r, "type")),
		    json_num(r, "ttl"));
		if (str_same(json_get(r, "type"), "MX"))
			printf("%" PRId64 " ", json_num(r, "preference"));
		printf("%.*s\n", STR_ARG(json_get(r, "data")));
		return;
	}
	if (json_get(r, "name").n > 0)
		printf("of %.*s%s\n", STR_ARG(json_get(r, "name")),
		    json_num(r, "validated") ? ", validated by DNSSEC" : "");
}

static int
verb_dns(struct cli *c, int argc, char **argv)
{
	return ask(c, "dns", NULL, argc, argv, dns_line);
}

/* --- spf ----------------------------------------------------------------- */

/* A script asks, and branches: pass is true, a fail is false, all else has a
 * number of its own. */
static const struct {
	const char	*verdict;
	int		code;
} spf_codes[] = {
	{ "pass", 0 }, { "fail", 1 }, { "softfail", 2 }, { "neutral", 3 },
	{ "none", 4 }, { "permerror", EX_DATAERR }, { "temperror", EX_TEMPFAIL },
};

static void
spf_code(const struct json_row *r, int *code)
{
	for (size_t i = 0; i < NITEMS(spf_codes); i++)
		if (str_same(json_get(r, "verdict"), spf_codes[i].verdict))
			*code = spf_codes[i].code;
}

static void
spf_line(struct cli *c, const struct json_row *r, void *arg)
{
	spf_code(r, arg);
	if (c->json)
		return;
	printf("%.*s\n", STR_ARG(json_get(r, "verdict")));
}

static int
verb_spf(struct cli *c, int argc, char **argv)
{
	const char *words[] = { "spf", argv[0], argv[1], argv[2] };
	int verdict = EX_UNAVAILABLE;
	int code = control_ask(c, words, NITEMS(words), spf_line, &verdict);

	return code == EX_OK ? verdict : code;
}

/* --- spool and bans ------------------------------------------------------ */

static void
finding_line(struct cli *c, const struct json_row *r, void *arg)
{
	printf("%.*s: %.*s\n", STR_ARG(json_get(r, "item")),
	    STR_ARG(json_get(r, "text")));
}

static int
verb_spool_check(struct cli *c, int argc, char **argv)
{
	return ask(c, "spool", "check", argc, argv, finding_line);
}

static int
verb_spool_collect(struct cli *c, int argc, char **argv)
{
	return ask(c, "spool", "collect", argc, argv, NULL);
}

static void
ban_line(struct cli *c, const struct json_row *r, void *arg)
{
	printf("%-40.*s %3" PRId64 " failures, until %s  %.*s\n",
	    STR_ARG(json_get(r, "peer")), json_num(r, "failures"),
	    cli_time(c, json_num(r, "until_ms")),
	    STR_ARG(json_get(r, "text")));
}

static int
verb_bans_list(struct cli *c, int argc, char **argv)
{
	return ask(c, "bans", "list", argc, argv, ban_line);
}

static int
verb_bans_rm(struct cli *c, int argc, char **argv)
{
	return ask(c, "bans", "rm", argc, argv, NULL);
}

static int
verb_bans_add(struct cli *c, int argc, char **argv)
{
	return ask(c, "bans", "add", argc, argv, NULL);
}

const struct verb mail_verbs[] = {
	{ "queue list", "[MID | ADDRESS]", 0, 1, verb_queue_list,
	    "what waits or travels, and why" },
	{ "queue show", "MID", 1, 1, verb_queue_list, "one message of it" },
	{ "queue why", "MID | ADDRESS | DOMAIN", 1, 1, verb_queue_why,
	    "each attempt, what was said, the lane, and what comes next" },
	{ "queue retry", "MID | ADDRESS | all", 1, 1, verb_queue_retry,
	    "try now" },
	{ "queue hold", "MID | ADDRESS | all [REASON]", 1, 2, verb_queue_hold,
	    "leave alone until released" },
	{ "queue release", "MID | ADDRESS | all", 1, 1, verb_queue_release,
	    "let go what was held" },
	{ "queue rm", "MID | ADDRESS | all [REASON]", 1, 2, verb_queue_rm,
	    "remove without a bounce" },
	{ "trace", "MID", 1, 1, verb_trace,
	    "all events of a message, in words; with --json as logged" },
	{ "route", "[--trace] ADDRESS [SENDER]", 1, 2, verb_route,
	    "where mail for an address goes, --trace: and by which lane" },
	{ "dns", "TYPE NAME", 2, 2, verb_dns,
	    "what resolvd sees: A AAAA MX TXT PTR TLSA" },
	{ "spf", "IP HELO MAILFROM", 3, 3, verb_spf,
	    "may that address send so, in one word: pass is exit 0, fail 1, "
	    "softfail 2, neutral 3, none 4" },
	{ "spool check", "", 0, 0, verb_spool_check,
	    "compare journal, files and folders" },
	{ "spool collect", "", 0, 0, verb_spool_collect,
	    "take in now what waits in maildrop (sendmail -q)" },
	{ "bans list", "", 0, 0, verb_bans_list, "who is refused now" },
	{ "bans rm", "ADDRESS", 1, 1, verb_bans_rm, "forget a ban" },
	{ "bans add", "ADDRESS SECONDS", 2, 2, verb_bans_add, "refuse" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
