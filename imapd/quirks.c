/* SPDX-License-Identifier: ISC */
/*
 * imapd/quirks.c - the list of what clients were seen to do, and where the
 * answer to it stands.
 *
 *	iOS		IDLE under a new tag in IDLE		idle.c
 *	iOS		slices past the end of a section;	fetch.c
 *			waits for ever on {0}
 *	iOS		loops over EXISTS that tells nothing	sync.c
 *	Thunderbird	misses EXISTS during UID FETCH		command.c, NO_NEWS
 *	Thunderbird	CREATE "a/"				mailbox.c
 *	Outlook		IDLE with nothing selected		command.c
 *	Outlook		very long commands			session.c
 *	K-9		LIST (SPECIAL-USE) without		list.c
 *			LIST-EXTENDED
 *	BlackBerry	looks for IDLE in the greeting		hello.c
 *	emailjs		empty lines				command.c, idle.c
 *	mutt		STORE ... FLAGS.SILENT ()		imap/flag.c
 *	several		COPY of UIDs that are gone, again and	copy.c
 *			again when told NO
 *	several		8-bit passwords in quoted strings	imap/lex.c
 */
#include "imapd/quirks.h"

#include "base/log.h"
#include "imapd/imapd.h"

#include "base/banned.h"

void
quirk_seen(struct session *s, const char *what)
{
	imapd.quirks++;
	if (s->had_quirk)
		return;
	s->had_quirk = true;
	log_event(LOG_LEVEL_INFO, "imap-quirk");
	log_z("sid", s->sid);
	log_z("what", what);
	if (s->client != NULL)
		log_z("client", s->client);
	log_end();
}
