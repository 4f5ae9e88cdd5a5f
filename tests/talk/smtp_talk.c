/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/smtp_talk.c - plays SMTP transcripts against smtpd's sessions.
 */
#include "smtpd/session.h"

#include <string.h>

#include "talk.h"

#include "base/banned.h"

static bool has_tls;

/* --- smtpd.c ------------------------------------------------------------- */

struct tls_server *
smtpd_tls(void)
{
	return has_tls ? talk_tls() : NULL;
}

void
smtpd_accepted(void)
{
}

/* --- the room ------------------------------------------------------------ */

static void
begin(void)
{
	has_tls = true;
	digest_warm();
}

static bool
is_empty(void)
{
	return smtp_count() == 0;
}

static bool
act(const char *what)
{
	if (strcmp(what, "no-certificate") == 0)
		has_tls = false;
	else if (strcmp(what, "drain") == 0) {
		talk.is_draining = true;
		smtp_drain_all();
	} else
		return false;
	return true;
}

int
main(int argc, char **argv)
{
	static const char *const standing[] = {
		"RATE_ASK RATE_VERDICT result=RATE_OK", "RATE_COUNT",
		"SPOOL_CANCEL", NULL
	};
	static const struct talk_room room = {
		.me = SMTPD, .service = "smtp", .alpn = "smtp",
		.peers = BY(AUTHD) | BY(RATED) | BY(ROUTED) | BY(SPOOLD) |
		    BY(SIGND) | BY(CHECKD),
		.standing = standing, .client = smtp_client, .begin = begin,
		.is_empty = is_empty, .act = act,
	};

	return talk_main(&room, argc, argv);
}
