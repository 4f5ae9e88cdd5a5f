/* SPDX-License-Identifier: ISC */
/*
 * tests/lib/fakedns.h - daemon/dns.h as a test plays it: questions stay open
 * until fakedns_pump answers them by a zone in one line of text,
 *
 *	"name text|name text|name !|name +|"
 *
 * a TXT record, or for an A question an address; "!" is a server that does
 * not answer, "+" a name that has only an MX.  What is not there is no name.
 */
#ifndef TESTS_FAKEDNS_H
#define TESTS_FAKEDNS_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "daemon/dns.h"
#include "event/loop.h"

#define FAKEDNS_OPEN	64

struct dns_query {
	char		name[300];
	enum dns_type	type;
	dns_then_fn	*then;
	void		*arg;
};

static struct {
	struct dns_query *open[FAKEDNS_OPEN];
	size_t		opens, asked;
} fakedns;

struct dns_query *
dns_ask(struct str name, enum dns_type type, int64_t wait_ms,
    dns_then_fn *then, void *arg)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));

	assert_true(fakedns.opens < FAKEDNS_OPEN && wait_ms > 0);
	(void)snprintf(q->name, sizeof(q->name), "%.*s", STR_ARG(name));
	q->type = type;
	q->then = then;
	q->arg = arg;
	fakedns.open[fakedns.opens++] = q;
	fakedns.asked++;
	return q;
}

static void
fakedns_take_out(size_t i)
{
	memmove(&fakedns.open[i], &fakedns.open[i + 1],
	    (--fakedns.opens - i) * sizeof(fakedns.open[0]));
}

void
dns_forget(struct dns_query *q)
{
	for (size_t i = 0; i < fakedns.opens; i++)
		if (fakedns.open[i] == q) {
			fakedns_take_out(i);
			free(q);
			return;
		}
	assert_null(q);
}

/* False: no such record for this type. */
static bool
fakedns_data(const struct dns_query *q, struct str text, uint8_t ip[4],
    struct str *out)
{
	char z[32];

	*out = text;
	if (q->type != DNS_A)
		return q->type == DNS_TXT;
	(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(text));
	*out = str_mem(ip, 4);
	return inet_pton(AF_INET, z, ip) == 1;
}

static void
fakedns_answer(struct dns_query *q, const char *zone)
{
	struct str z = str_of(zone), line, name;
	struct dns_record r[8];
	uint8_t ip[8][4];
	struct dns_answer a = { .result = DNS_NO_NAME, .records = r };

	while (z.n > 0) {
		line = str_until(&z, '|');
		name = str_until(&line, ' ');
		if (!str_is(name, q->name))
			continue;
		if (str_same(line, "!"))
			a.result = DNS_LATER;
		else if (str_same(line, "+"))
			a.result = q->type == DNS_MX ? DNS_OK : DNS_NO_DATA;
		else if (fakedns_data(q, line, ip[a.n], &r[a.n].data)) {
			a.result = DNS_OK;
			r[a.n].ttl = r[a.n].preference = 0;
			a.n++;
		} else if (a.n == 0)
			a.result = DNS_NO_DATA;
	}
	q->then(q->arg, &a);
	free(q);
}

/* All that is open and what follows from it, oldest or newest first. */
static void
fakedns_pump(const char *zone, bool backwards)
{
	while (fakedns.opens > 0) {
		size_t i = backwards ? fakedns.opens - 1 : 0;
		struct dns_query *q = fakedns.open[i];

		fakedns_take_out(i);
		fakedns_answer(q, zone);
	}
	loop_run_timers();
}

#endif
