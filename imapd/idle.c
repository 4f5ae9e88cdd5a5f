/* SPDX-License-Identifier: ISC */
/*
 * imapd/idle.c - IDLE (RFC 2177), and what clients say in it.
 *
 *	DONE (any case)		ends it
 *	empty line		nothing (emailjs)
 *	"tag COMMAND ..."	ends it, both tags are answered and the command
 *				is run: iOS sends IDLE in IDLE.  The RFC
 *				forbids it, and no server before had answered
 *				the second tag; see tests/story
 *	"tag DONE"		ends it, the tag gets BAD
 *	anything else		untagged BAD, it stays; the third time ends it
 *
 * With `imap strict` only DONE is taken: other lines end it with BAD, and a
 * tag in them gets its BAD too, so that none is left without an answer.
 */
#include "imapd/idle.h"

#include "base/rand.h"
#include "daemon/daemon.h"
#include "imapd/box.h"
#include "imapd/command.h"
#include "imapd/quirks.h"
#include "imapd/sync.h"

#include "base/banned.h"

enum {
	STRAY_MAX = 3,
	LINE_MAX_IDLE = 64 * 1024,
	STILL_HERE_MS = 110 * 1000,	/* NATs forget after two minutes */
	STILL_HERE_SPREAD = 10 * 1000,
};

struct idle {
	unsigned	stray;
	bool		is_telling;	/* sync is under way */
};

static take_fn	take_idle;

static void
still_here(struct session *s)
{
	buf_z(OUT(s), "* OK Still here\r\n");
	stream_flush(&s->stream);
	timer_set(&s->tick, STILL_HERE_MS +
	    (int64_t)rand_below(STILL_HERE_SPREAD));
}

static enum step
work_news(struct session *s)
{
	struct idle *i = s->job;

	if (!sync_step(s))
		return WORK;
	if (sync_has_news(s)) {	/* more came while it was said */
		sync_begin(s);
		return WORK;
	}
	i->is_telling = false;
	s->work = NULL;
	return WAIT;
}

static enum step
tell_news(struct session *s)
{
	struct idle *i = s->job;

	i->is_telling = true;
	sync_begin(s);
	s->work = work_news;
	return WORK;
}

static enum step
end_idle(struct session *s, const char *text)
{
	s->take = NULL;
	return session_ok(s, "%s", text);
}

void
idle_on_news(struct session *s)
{
	struct idle *i = s->job;

	if (s->take != take_idle || i->is_telling || !sync_has_news(s))
		return;
	session_go(s, tell_news(s));
}

/* "tag DONE", or a command under a tag. */
enum stray { NO_TAG, TAG_DONE, TAG_COMMAND };

static enum stray
look_at(struct session *s, struct str line, struct str *tag_out)
{
	struct imap_args a = { line, &s->arena };
	struct str word;

	if (!imap_tag(&a, tag_out) || !imap_sp(&a) || !imap_atom(&a, &word))
		return NO_TAG;
	if (str_is(word, "DONE"))
		return TAG_DONE;
	return str_is(word, "UID") || command_find(word) != NULL ?
	    TAG_COMMAND : NO_TAG;
}

static enum step
stray_strict(struct session *s, enum stray kind, struct str tag)
{
	buf_fmt(OUT(s), "%.*s BAD [CLIENTBUG] Expected DONE\r\n",
	    STR_ARG(s->tag));
	if (kind != NO_TAG)
		buf_fmt(OUT(s), "%.*s BAD [CLIENTBUG] Not in IDLE\r\n",
		    STR_ARG(tag));
	return NEXT;
}

/* The line stays in the input and is read again as a command. */
static enum step
on_stray(struct session *s, struct str line, size_t *used_out)
{
	struct idle *i = s->job;
	struct str tag;
	enum stray kind = look_at(s, line, &tag);

	quirk_seen(s, "line-in-idle");
	if (daemon_conf()->imapd.strict)
		return stray_strict(s, kind, tag);
	switch (kind) {
	case TAG_COMMAND:
		*used_out = 0;
		return end_idle(s, "[CLIENTBUG] IDLE ended by a command");
	case TAG_DONE:
		buf_fmt(OUT(s), "%.*s BAD [CLIENTBUG] DONE has no tag\r\n",
		    STR_ARG(tag));
		return end_idle(s, "IDLE ended");
	case NO_TAG:
		break;
	}
	if (++i->stray == STRAY_MAX)
		return session_bad(s, "[CLIENTBUG] Expected DONE");
	buf_z(OUT(s), "* BAD [CLIENTBUG] Expected DONE\r\n");
	return WAIT;
}

static enum step
take_idle(struct session *s, struct str in, size_t *used_out)
{
	struct str rest = in, line = str_until(&rest, '\n');

	if (line.n == in.n) {
		if (in.n <= LINE_MAX_IDLE)
			return WAIT;
		*used_out = in.n;
		s->to_line_end = true;
		s->thrown = 0;
		buf_z(OUT(s), "* BAD [CLIENTBUG] Expected DONE\r\n");
		return WAIT;
	}
	*used_out = line.n + 1;
	if (!str_more(str_chomp(line)))
		return WAIT;
	if (str_is(str_trim(str_chomp(line)), "DONE"))
		return end_idle(s, "IDLE ended");
	return on_stray(s, line, used_out);
}

enum step
cmd_idle(struct session *s, struct imap_args *a)
{
	struct idle *i = session_job(s, sizeof(*i), NULL);

	if (i == NULL)
		return session_refuse(s, FAIL_TOO_BIG);
	if (!imap_end(a))
		return session_bad(s, "IDLE takes no argument");
	box_drop_body(s->box);
	buf_z(OUT(s), "+ idling\r\n");
	s->take = take_idle;
	s->on_tick = still_here;
	timer_set(&s->tick, STILL_HERE_MS +
	    (int64_t)rand_below(STILL_HERE_SPREAD));
	return sync_has_news(s) ? tell_news(s) : WAIT;
}
