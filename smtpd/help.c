/* SPDX-License-Identifier: ISC */
/*
 * smtpd/help.c - what another process is asked about a message, between its
 * last octet and the spool, and how long we bear with it.
 *
 * checkd or signd is away for a moment (a restart, a reload) more often than
 * for long: it is asked again for GIVE_UP_MS.  One that dies of this very
 * message must not take all others of its kind along: after DEATHS_MAX it is
 * not asked any more.  What then happens to the message is for the asker.
 */
#include "smtpd/session.h"

#include "base/clock.h"

#include "base/banned.h"

#define GIVE_UP_MS	10000
#define AGAIN_MS	250
#define DEATHS_MAX	3	/* over one message */

enum step
smtp_help(struct smtp *s, smtp_step_fn *ask, smtp_step_fn *then)
{
	s->tx.help = (struct help){ .ask = ask, .then = then,
	    .until_ms = clock_mono_ms() + GIVE_UP_MS };
	return ask(s);
}

struct chan *
smtp_helper(struct smtp *s, enum proc kind)
{
	struct chan *c = daemon_any(kind);

	s->tx.help.is_asked = chan_ok(c);
	return c;
}

bool
smtp_help_again(struct smtp *s, bool has_answered)
{
	struct help *h = &s->tx.help;

	h->deaths += !has_answered && h->is_asked;
	return clock_mono_ms() < h->until_ms && h->deaths < DEATHS_MAX;
}

enum step
smtp_help_later(struct smtp *s)
{
	return smtp_delay(s, AGAIN_MS, s->tx.help.ask);
}
