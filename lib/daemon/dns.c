/* SPDX-License-Identifier: ISC */
/*
 * daemon/dns.c - a question to resolvd, its rows gathered into one answer.
 *
 * In: a name, a type, a time.  Out: one call with everything, whatever
 * happens to resolvd meanwhile.  It opens no socket and knows no packet.
 */
#include "daemon/dns.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/enc.h"
#include "daemon/daemon.h"

#include "base/banned.h"

/* resolvd gives up first: what it says is better than our silence. */
#define PATIENCE_MS	500
/* More than resolvd ever says (delivery/question.h). */
#define ANSWER_MAX	(512 * 1024)

struct dns_query {
	struct chan	*chan;		/* NULL: there was none */
	struct timer	timer;
	dns_then_fn	*then;
	void		*arg;
	struct arena	arena;
	struct dns_record *v;
	size_t		n, cap;
	bool		is_over_cap;
};

static void
end(struct dns_query *q, const struct dns_answer *a)
{
	dns_then_fn *then = q->then;
	void *arg = q->arg;

	timer_stop(&q->timer);
	then(arg, a);
	free(q->v);
	arena_free(&q->arena);
	free(q);
}

static void
end_later(struct dns_query *q, const char *text)
{
	struct dns_answer a = { .result = DNS_LATER, .text = str_of(text),
	    .name = str_of("") };

	end(q, &a);
}

static void
add(struct dns_query *q, const struct note_dns_row *row)
{
	struct str data = arena_str(&q->arena, row->data);

	if (data.p == NULL && row->data.n > 0) {
		q->is_over_cap = true;
		return;
	}
	if (q->n == q->cap) {
		q->cap = q->cap > 0 ? q->cap * 2 : 8;
		q->v = xrealloc(q->v, q->cap * sizeof(*q->v));
	}
	q->v[q->n++] = (struct dns_record){ .ttl = row->ttl,
	    .preference = row->preference, .data = data };
}

static void
finish(struct dns_query *q, const struct note_dns_done *done)
{
	struct dns_answer a = { .result = (enum dns_result)done->result,
	    .validated = done->validated != 0, .ttl = done->ttl,
	    .name = done->name, .text = done->text };

	if (done->result > DNS_BAD_ANSWER)
		a.result = DNS_LATER;
	if (q->is_over_cap)
		a.result = DNS_BAD_ANSWER;
	if (a.result == DNS_OK && q->n == 0)
		a.result = DNS_NO_DATA;
	if (a.result == DNS_OK) {
		a.records = q->v;
		a.n = q->n;
	}
	end(q, &a);
}

static void
on_answer(void *arg, const struct note *n)
{
	struct dns_query *q = arg;

	if (n == NULL)
		end_later(q, "the resolver process does not answer");
	else if (note_as_dns_row(n) != NULL)
		add(q, note_as_dns_row(n));
	else if (note_as_dns_done(n) != NULL)
		finish(q, note_as_dns_done(n));
	else
		end_later(q, "the resolver process answered something else");
}

static void
on_wait_over(struct timer *t)
{
	struct dns_query *q = container_of(t, struct dns_query, timer);

	chan_forget(q->chan, q);
	end_later(q, "the resolver process does not answer in time");
}

struct dns_query *
dns_ask(struct str name, enum dns_type type, int64_t wait_ms,
    dns_then_fn *then, void *arg)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));
	struct note_dns_ask n = { .type = (uint32_t)type,
	    .wait_ms = wait_ms > 0 && wait_ms < 60000 ? (uint32_t)wait_ms : 0 };

	/* Longer than a name can be: resolvd says so, not note.c. */
	n.name = str_sub(name, 0, DNS_NAME_TEXT);
	q->then = then;
	q->arg = arg;
	q->chan = daemon_any(RESOLVD);
	arena_init(&q->arena, ANSWER_MAX);
	timer_init(&q->timer, on_wait_over);
	if (wait_ms > 0)
		timer_set(&q->timer, wait_ms + PATIENCE_MS);
	ask_dns_ask(q->chan, &n, on_answer, q);
	return q;
}

void
dns_forget(struct dns_query *q)
{
	if (q == NULL)
		return;
	chan_forget(q->chan, q);
	timer_stop(&q->timer);
	free(q->v);
	arena_free(&q->arena);
	free(q);
}

/* --- text ---------------------------------------------------------------- */

static const struct {
	enum dns_type	type;
	const char	*name;
} types[] = {
	{ DNS_A, "A" }, { DNS_AAAA, "AAAA" }, { DNS_MX, "MX" },
	{ DNS_TXT, "TXT" }, { DNS_PTR, "PTR" }, { DNS_TLSA, "TLSA" },
};

const char *
dns_type_name(enum dns_type type)
{
	for (size_t i = 0; i < NITEMS(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

enum dns_type
dns_type_of(struct str name)
{
	for (size_t i = 0; i < NITEMS(types); i++)
		if (str_is(name, types[i].name))
			return types[i].type;
	return (enum dns_type)0;
}

const char *
dns_result_name(enum dns_result result)
{
	static const char *const names[] = {
		[DNS_OK] = "ok", [DNS_NO_NAME] = "no-name",
		[DNS_NO_DATA] = "no-data", [DNS_LATER] = "later",
		[DNS_BAD_NAME] = "bad-name", [DNS_BAD_ANSWER] = "bad-answer",
	};

	return result < NITEMS(names) ? names[result] : "unknown";
}

static void
show_quoted(struct str s, struct buf *out)
{
	buf_c(out, '"');
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 32 || s.p[i] > 126)
			buf_fmt(out, "\\%03u", s.p[i]);
		else if (s.p[i] == '"' || s.p[i] == '\\')
			buf_fmt(out, "\\%c", s.p[i]);
		else
			buf_c(out, s.p[i]);
	buf_c(out, '"');
}

static void
show_address(int family, struct str data, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	if (data.n == (family == AF_INET ? 4 : 16) &&
	    inet_ntop(family, data.p, text, sizeof(text)) != NULL)
		buf_z(out, text);
}

void
dns_show(enum dns_type type, struct str data, struct buf *out)
{
	switch (type) {
	case DNS_A:
		show_address(AF_INET, data, out);
		break;
	case DNS_AAAA:
		show_address(AF_INET6, data, out);
		break;
	case DNS_TXT:
		show_quoted(data, out);
		break;
	case DNS_TLSA:
		if (data.n < 3)
			break;
		buf_fmt(out, "%u %u %u ", data.p[0], data.p[1], data.p[2]);
		enc_hex(out, str_from(data, 3));
		break;
	case DNS_MX:
	case DNS_PTR:
		buf_add(out, data);
		break;
	}
}
