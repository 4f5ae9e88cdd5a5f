/* SPDX-License-Identifier: ISC */
/*
 * The bytes are a file of maildrop: smtpd/drop.c reads it and plays the
 * session of its writer, with all peers answering.  The first byte says what
 * these answer.  Whatever stands in the file, DROP_DONE comes once, and says
 * success when one message was committed; what is committed has CRLF and no
 * NUL, has the size, the recipients and the id that were said, and nothing is
 * left when it is over.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "event/loop.h"
#include "tests/fuzz/smtpd.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

size_t replay_cuts = 128;	/* each a whole session: see replay.c */

#define PASSES	20000
#define MID	"01arz3ndektsv4rrffq69g5fav"

/* What the first byte says. */
enum {
	IS_LAST = 1, ROUTE_IS_GONE = 2, SPOOL_IS_FULL = 4, SPOOL_IS_GONE = 8,
	SIGND_IS_AWAY = 16,
};

static struct {
	bool		is_begun;
	unsigned	mood;
	unsigned	recipients;	/* SPOOL_RCPTs since the last commit */
	unsigned	committed, done;
	uint32_t	failed;		/* of DROP_DONE */
	int		large;
} w;

static const enum proc kinds[] = { ROUTED, SPOOLD, SIGND };

/* --- smtpd.c as the session sees it --------------------------------------- */

void
smtpd_accepted(void)
{
}

/* --- the peers ------------------------------------------------------------ */

static void
answer_commit(const struct note *n, struct note *out)
{
	const struct note_spool_commit *c = note_as_spool_commit(n);

	if (c->recipients != w.recipients || c->recipients == 0 ||
	    !str_same(c->mid, MID) || (c->flags & SPOOL_AUTHED) != 0)
		abort();
	check_content((c->flags & SPOOL_LARGE) != 0 ? w.large : n->fd,
	    c->size);
	w.recipients = 0;
	note_init(out, NOTE_SPOOL_DONE);
	out->u.spool_done.failed = w.mood & SPOOL_IS_FULL ? -FAIL_TOO_BIG : 0;
	w.committed += out->u.spool_done.failed == 0;
}

/* Names decide, so that one file has recipients of each fate. */
static void
answer_route(struct fake *f, const struct note *n)
{
	struct str to = note_as_route_ask(n)->address;
	struct note row, done;

	note_init(&done, NOTE_ROUTE_DONE);
	done.ticket = n->ticket;
	done.u.route_done.result = w.mood & ROUTE_IS_GONE &&
	    str_starts(to, "l") ? ROUTE_LATER : str_starts(to, "u") ?
	    ROUTE_UNKNOWN : ROUTE_OK;
	if (done.u.route_done.result == ROUTE_OK) {
		note_init(&row, NOTE_ROUTE_ROW);
		row.ticket = n->ticket;
		row.u.route_row.address = row.u.route_row.account = to;
		done.u.route_done.targets = 1;
		fake_say(f, &row);
	}
	fake_say(f, &done);
}

static void
open_large(struct fake *f, const struct note *n, struct note *out)
{
	note_init(out, NOTE_SPOOL_FILE);
	if (w.mood & SPOOL_IS_GONE) {
		out->u.spool_file.failed = -FAIL_TEMP;
		return;
	}
	give_view(f, n->ticket, &w.large);
	note_set_fd(out, w.large);
}

static void
serve(struct fake *f, const struct note *n)
{
	struct note out;
	int fd = n->fd;

	switch (n->kind) {
	case NOTE_ROUTE_ASK:
		answer_route(f, n);
		return;
	case NOTE_SIGN_ASK:
		note_init(&out, NOTE_SIGN_DONE);
		out.u.sign_done.failed = w.mood & SIGND_IS_AWAY ?
		    -FAIL_TEMP : 0;
		break;
	case NOTE_SPOOL_OPEN:
		open_large(f, n, &out);
		break;
	case NOTE_SPOOL_COMMIT:
		answer_commit(n, &out);
		break;
	case NOTE_SPOOL_RCPT:
		w.recipients++;
		return;
	case NOTE_SPOOL_CANCEL:
		w.recipients = 0;
		return;
	case NOTE_DROP_DONE:
		w.done++;
		w.failed = n->u.drop_done.failed;
		return;
	default:
		abort();
	}
	fd_close(&fd);
	out.ticket = n->ticket;
	fake_say(f, &out);
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	if (n->kind == NOTE_DROP_MAIL)
		drop_note(c, n);
}

static void
begin(void)
{
	struct why why;

	if (w.is_begun)
		return;
	w.is_begun = true;
	w.large = -1;
	log_set_sink(no_log, NULL);
	loop_init();
	digest_warm();
	conf_init(&fakes.conf);
	if (conf_row(&fakes.conf, STR("hostname"), STR("mx.example.org"),
	    &why) != 0 || conf_row(&fakes.conf, STR("domain"),
	    STR("example.org"), &why) != 0 || conf_row(&fakes.conf,
	    STR("smtp size-limit"), STR("300k"), &why) != 0)
		abort();
	fakes_begin(SMTPD, kinds, NITEMS(kinds), on_note);
}

/* --- the file ------------------------------------------------------------- */

static void
settle(void)
{
	struct note n;

	for (size_t pass = 0, quiet = 0; quiet < 3; pass++) {
		if (pass == PASSES)
			abort();
		quiet++;
		loop_once(0);
		for (size_t i = 0; i < NITEMS(kinds); i++)
			while (fake_next(&fakes.peer[i], &n)) {
				serve(&fakes.peer[i], &n);
				quiet = 0;
			}
	}
}

static void
bring(struct str file)
{
	struct note n;
	int fd = fd_memory("drop");

	if (fd < 0 || file_write(fd, file) != 0 || !fd_seal(fd))
		abort();
	note_init(&n, NOTE_DROP_MAIL);
	n.ticket = 7;
	n.u.drop_mail.mid = STR(MID);
	n.u.drop_mail.uid = 1000;
	n.u.drop_mail.is_last = w.mood & IS_LAST;
	note_set_fd(&n, fd);
	fake_say(fakes_of(SPOOLD), &n);
	(void)close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 600000)
		return 0;
	clock_freeze(1700000000000);
	begin();
	w.mood = data[0];
	w.recipients = w.committed = w.done = 0;
	bring(str_from(str_mem(data, size), 1));
	for (int i = 0; i < 30 && w.done == 0; i++) {
		settle();
		clock_turn(i < 20 ? 1000 : 400000);
		loop_run_timers();
	}
	settle();
	if (w.done != 1 || drop_count() != 0 ||
	    w.committed != (w.failed == 0))
		abort();
	return 0;
}
