/* SPDX-License-Identifier: ISC */
/*
 * smtpd/sender.c - lib/spf fed by resolvd.
 *
 * Two evaluations of one client run side by side: MAIL FROM, which decides,
 * and HELO, which is only written down (RFC 7208 2.3).  Each waits for one
 * answer at a time; the number of questions is bounded by lib/spf, and their
 * time by one deadline over all of them.
 */
#include "smtpd/sender.h"

#include <stdlib.h>

#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/dns.h"
#include "event/loop.h"
#include "smtpd/second.h"

#include "base/banned.h"

enum { FACTS_MAX = 4096, NAME_TEXT = 4 * SPF_NAME_MAX };

struct run {
	struct sender	*sender;
	struct spf	spf;
	struct arena	arena;
	struct dns_query *query;	/* NULL: none is out */
	bool		is_on;
	struct buf	facts;		/* for second.c */
};

enum { MAIL_FROM, HELO, RUNS };

struct sender {
	struct arena	arena;
	struct str	peer, helo, mail;
	int64_t		until_ms;	/* clock_mono_ms */
	sender_then_fn	*then;
	void		*arg;
	struct timer	over;
	struct run	run[RUNS];
	unsigned	open;
};

static void
on_over(struct timer *t)
{
	struct sender *s = container_of(t, struct sender, over);

	s->then(s->arg);
}

/* --- one evaluation ------------------------------------------------------ */

/* A macro can put any octet into a name (RFC 1035 5.1). */
static void
put_name(struct buf *out, const struct spf *spf)
{
	for (size_t i = 0; i < spf->ask_n; i++) {
		uint8_t c = (uint8_t)spf->ask[i];
		bool is_plain = (c >= '0' && c <= '9') || c == '-' ||
		    c == '_' || c == '.' || ((c | 0x20) >= 'a' &&
		    (c | 0x20) <= 'z');

		if (is_plain)
			buf_c(out, c);
		else
			buf_fmt(out, "\\%03u", c);
	}
}

static enum spf_answer
heard(enum dns_result r)
{
	switch (r) {
	case DNS_OK:
		return SPF_FOUND;
	case DNS_NO_NAME:
	case DNS_NO_DATA:
	case DNS_BAD_NAME:
		return SPF_VOID;
	case DNS_LATER:
	case DNS_BAD_ANSWER:
		break;
	}
	return SPF_LATER;
}

static void	go(struct run *r);

static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct run *r = arg;

	r->query = NULL;
	if (second_wanted())
		second_add(&r->facts, &r->spf, heard(a->result), a->n);
	for (size_t i = 0; i < a->n; i++) {
		if (second_wanted())
			second_row(&r->facts, a->records[i].data);
		spf_row(&r->spf, a->records[i].data);
	}
	spf_answered(&r->spf, heard(a->result));
	go(r);
}

static void
ask(struct run *r, int64_t wait_ms)
{
	struct buf name;

	buf_init(&name, NAME_TEXT);
	put_name(&name, &r->spf);
	r->query = dns_ask(buf_str(&name), (enum dns_type)r->spf.ask_type,
	    wait_ms, on_answer, r);
	buf_free(&name);
}

static void
go(struct run *r)
{
	int64_t left = r->sender->until_ms - clock_mono_ms();

	while (spf_step(&r->spf) == SPF_ASK) {
		if (left > 0) {
			ask(r, left);
			return;
		}
		spf_answered(&r->spf, SPF_LATER);
	}
	if (r == &r->sender->run[MAIL_FROM] && r->is_on)
		second_ask(r->sender->peer, r->sender->helo, r->sender->mail,
		    &r->spf, &r->facts);
	if (--r->sender->open == 0)
		timer_set(&r->sender->over, 0);
}

static void
begin(struct sender *s, int which, struct str peer, struct str mail)
{
	struct run *r = &s->run[which];
	struct spf_query q = {
		.client = peer, .helo = s->helo, .sender = mail,
		.receiver = daemon_conf()->site.hostname,
		.now_s = clock_real_ms() / 1000,
	};

	r->sender = s;
	arena_init(&r->arena, SPF_ARENA);
	buf_init(&r->facts, SECOND_FACTS);
	r->is_on = spf_begin(&r->spf, &r->arena, &q) == 0;
	s->open++;
}

/* --- both ---------------------------------------------------------------- */

struct sender *
sender_new(struct str peer, struct str helo, struct str mail,
    int64_t wait_ms, sender_then_fn *then, void *arg)
{
	struct sender *s = xcalloc(1, sizeof(*s));

	arena_init(&s->arena, FACTS_MAX);
	s->peer = arena_str(&s->arena, peer);
	s->helo = arena_str(&s->arena, helo);
	s->mail = arena_str(&s->arena, mail);
	s->until_ms = clock_mono_ms() + wait_ms;
	s->then = then;
	s->arg = arg;
	timer_init(&s->over, on_over);
	begin(s, MAIL_FROM, peer, s->mail);
	if (s->mail.n > 0)
		begin(s, HELO, peer, STR(""));
	for (int i = 0; i < RUNS; i++)
		if (s->run[i].sender != NULL)
			go(&s->run[i]);
	return s;
}

void
sender_free(struct sender *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < RUNS; i++) {
		dns_forget(s->run[i].query);
		arena_free(&s->run[i].arena);
		buf_free(&s->run[i].facts);
	}
	timer_stop(&s->over);
	arena_free(&s->arena);
	free(s);
}

const struct spf *
sender_spf(const struct sender *s)
{
	return &s->run[MAIL_FROM].spf;
}

static void
put_run(const struct run *r, struct authres *out)
{
	authres_result(out, "spf", spf_result_name(r->spf.result));
	if (r->spf.why.text[0] != '\0')
		authres_reason(out, r->spf.why.text);
}

void
sender_put(const struct sender *s, struct authres *out)
{
	const struct run *helo = &s->run[HELO];

	put_run(&s->run[MAIL_FROM], out);
	authres_prop(out, "smtp", "mailfrom", s->mail);
	if (s->mail.n == 0)
		authres_prop(out, "smtp", "helo", s->helo);
	if (!helo->is_on || helo->spf.result == SPF_NONE)
		return;
	put_run(helo, out);
	authres_prop(out, "smtp", "helo", s->helo);
}
