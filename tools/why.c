/* SPDX-License-Identifier: ISC */
/*
 * tools/why.c - why a message is still here, in words; and by which lane mail
 * for an address leaves.
 */
#include "tools/why.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ipc/catalogue.h"

#include "base/banned.h"

static void
print_item(struct cli *c, const struct json_row *r)
{
	int64_t now = clock_real_ms(), next = json_num(r, "next_ms"),
	    expires = json_num(r, "expires_ms");
	struct str state = json_get(r, "state");

	printf("\n%.*s from <%.*s>, %" PRId64 "k, came %s ago\n",
	    STR_ARG(json_get(r, "mid")), STR_ARG(json_get(r, "sender")),
	    (json_num(r, "size") + 1023) / 1024,
	    cli_age(c, now - json_num(r, "received_ms")));
	printf("<%.*s> is %.*s%s after %" PRId64 " attempt%s",
	    STR_ARG(json_get(r, "address")), STR_ARG(state),
	    str_same(state, "active") ? " this moment," : ",",
	    json_num(r, "attempts"), json_num(r, "attempts") == 1 ? "" : "s");
	if (str_same(state, "held"))
		printf(" until it is released\n");
	else if (str_same(state, "in doubt"))
		printf("; tried again only if the receiver has not got it\n");
	else {
		printf("; next try %s", next > now ? "in " : "now");
		printf("%s", next > now ? cli_age(c, next - now) : "");
		printf("; returned to its sender %s%s\n", expires > now ?
		    "in " : "now", expires > now ?
		    cli_age(c, expires - now) : "");
	}
	if (json_get(r, "now").n > 0)
		printf("    now: %.*s\n",
		    STR_ARG(json_get(r, "now")));
	if (json_get(r, "reason").n > 0)
		cli_lines(json_get(r, "reason"), "    ");
	if (json_get(r, "lane").n > 0)
		printf("    in lane %.*s\n", STR_ARG(json_get(r, "lane")));
}

static void
print_attempt(struct cli *c, const struct json_row *r)
{
	struct str host = json_get(r, "host"), address = json_get(r,
	    "address"), tls = json_get(r, "tls");

	printf("  %s attempt: %.*s: %.*s, at %.*s\n",
	    cli_time(c, json_num(r, "when_ms")),
	    STR_ARG(json_get(r, "verdict")), STR_ARG(json_get(r, "meaning")),
	    STR_ARG(json_get(r, "stage")));
	if (host.n > 0)
		printf("    %.*s (%.*s) %s%.*s:\n", STR_ARG(host),
		    STR_ARG(address), tls.n > 0 ? "by " : "without TLS",
		    STR_ARG(tls));
	cli_lines(json_get(r, "reply"), "      ");
}

static void
print_lane(struct cli *c, const struct json_row *r)
{
	int64_t now = clock_real_ms(), until = json_num(r, "until_ms");
	int64_t waiting = json_num(r, "waiting");
	struct str mx = json_get(r, "mx");

	printf("\nlane %.*s: ", STR_ARG(json_get(r, "lane")));
	if (until > now)
		printf("PAUSED for %s more: %s; then one message is sent to "
		    "see\n", cli_age(c, until - now), json_num(r, "too_fast") ?
		    "we sent too fast, it says" : "nobody is there");
	else if (json_num(r, "probing"))
		printf("one message is sent to see whether it is open again\n");
	else
		printf("open\n");
	if (until > now && json_get(r, "reason").n > 0)
		cli_lines(json_get(r, "reason"), "    ");
	if (mx.n > 0)
		printf("  known by its mail host %.*s\n", STR_ARG(mx));
	printf("  %" PRId64 " recipient%s, %" PRId64 " of at most %" PRId64
	    " deliveries are out", waiting, waiting == 1 ? " waits" : "s wait",
	    json_num(r, "out"), json_num(r, "most"));
	if (json_num(r, "gap_ms") > 0)
		printf(", one every %" PRId64 " ms", json_num(r, "gap_ms"));
	printf("\n  %" PRId64 " accepted, %" PRId64 " asked to come later, %"
	    PRId64 " refused, %" PRId64 " times too fast\n",
	    json_num(r, "accepted"), json_num(r, "deferred"),
	    json_num(r, "refused"), json_num(r, "slowed"));
}

void
why_line(struct cli *c, const struct json_row *r, void *arg)
{
	static const struct {
		const char	*row;
		void		(*print)(struct cli *, const struct json_row *);
	} rows[] = {
		{ "QUEUE_ROW", print_item }, { "ATTEMPT_ROW", print_attempt },
		{ "LANE_ROW", print_lane },
	};

	(void)arg;
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (str_same(json_get(r, "row"), rows[i].row))
			rows[i].print(c, r);
}
