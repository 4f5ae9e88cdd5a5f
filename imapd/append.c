/* SPDX-License-Identifier: ISC */
/*
 * imapd/append.c - APPEND: a literal into a memfd, sealed, to stored.
 *
 * The size is compared with the limit before one octet is taken.  What is
 * refused although the client sends it unasked (LITERAL+) is read and thrown
 * away, so that its lines are never taken for commands; when it is far too
 * large for that, the session ends.  A connection that ends in the middle
 * stores nothing.
 *
 * RFC 3501 6.3.11, RFC 4315 (APPENDUID), RFC 7888 4.
 */
#include "imapd/append.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/num.h"
#include "daemon/daemon.h"
#include "imap/flag.h"
#include "imap/name.h"
#include "imapd/command.h"
#include "imapd/imapd.h"
#include "imapd/mailbox.h"
#include "mail/date.h"

#include "base/banned.h"

enum {
	END_LINE_MAX = 1024,
	STALL_MS = 5 * 60 * 1000,
	STORE_MS = 55 * 1000,		/* less than the note's deadline */
	IN_FLIGHT_MAX = 256 * 1024 * 1024,	/* memory for all of them */
};

struct append {
	struct str	name;
	struct imap_flags flags;
	int64_t		date_s;
	int		fd;
	uint64_t	size, left;
	const char	*refusal;	/* "NO ..." or "BAD ..."; then thrown
					 * away as it comes */
	bool		has_nul;
};

static take_fn	take_octets, take_end;

static void
append_end(struct session *s)
{
	struct append *j = s->job;

	if (j->fd >= 0)
		imapd.appending -= j->size;
	fd_close(&j->fd);
}

/* --- arguments ----------------------------------------------------------- */

static int
date_arg(struct imap_args *a, int64_t *out)
{
	struct str text;
	int zone;

	return imap_string(a, &text) && imap_sp(a) ?
	    date_imap_parse(text, out, &zone) : FAIL_SYNTAX;
}

/* " mailbox [(flags)] ["date"] " up to the literal.  FAIL_PERM: the name. */
static int
arguments(struct session *s, struct imap_args *a, struct append *j)
{
	int name_rc = mailbox_arg(s, a, &j->name), rc = 0;

	j->date_s = clock_real_s();
	if (name_rc == FAIL_SYNTAX || !imap_sp(a))
		return FAIL_SYNTAX;
	if (imap_next_is(a, '(')) {
		rc = imap_flag_list(a, false, &j->flags);
		if (rc == 0 && !imap_sp(a))
			rc = FAIL_SYNTAX;
	}
	if (rc == 0 && imap_next_is(a, '"'))
		rc = date_arg(a, &j->date_s);
	if (rc == 0 && a->rest.n > 0)
		rc = FAIL_SYNTAX;
	return rc < 0 ? rc : name_rc;
}

/* Behind the name anything but a broken line: the next literal is the
 * message, even when its flags or date are wrong. */
bool
append_is_due(struct session *s, struct str head)
{
	struct imap_args a = { head, &s->arena };
	struct str tag, name;

	return command_is(head, "APPEND", &a, &tag) && imap_sp(&a) &&
	    imap_astring(&a, &name) && imap_next_is(&a, ' ');
}

static const char *
refusal_of(int rc, uint64_t size)
{
	if (rc == FAIL_TOO_BIG)
		return "NO [LIMIT] Too many or too long keywords";
	if (rc == FAIL_PERM)
		return "NO [CANNOT] No mailbox is called so";
	if (rc < 0)
		return "BAD Syntax error in APPEND";
	if (size > daemon_conf()->smtpd.size_limit)
		return "NO [TOOBIG] That message is too large";
	if (size == 0)
		return "NO That message is empty";
	if (imapd.appending + size > IN_FLIGHT_MAX)
		return "NO [LIMIT] Too much is being stored now, try again";
	return NULL;
}

/* --- the message --------------------------------------------------------- */

static void
say_refusal(struct session *s, const char *refusal)
{
	buf_fmt(OUT(s), "%.*s %s\r\n", STR_ARG(s->tag), refusal);
}

static enum step
begin_file(struct session *s, struct append *j)
{
	j->fd = fd_memory("append");
	if (j->fd < 0) {
		log_event(LOG_LEVEL_WARN, "imap-no-memfd");
		log_errno();
		log_end();
		j->refusal = "NO [UNAVAILABLE] No room for it now";
		return WAIT;
	}
	imapd.appending += j->size;
	return WAIT;
}

static void
stalled(struct session *s)
{
	session_bye(s, "The message did not come");
}

static void
expect(struct session *s, take_fn *take)
{
	s->take = take;
	s->on_tick = stalled;
	timer_set(&s->tick, STALL_MS);
}

enum step
append_begin(struct session *s, uint64_t size, bool is_sync)
{
	struct str head = arena_str(&s->arena, str_sub(
	    buf_str(&s->stream.in), 0, s->cutter.header));
	struct append *j = session_job(s, sizeof(*j), append_end);
	struct imap_args a = { head, &s->arena };
	uint64_t most = 2 * daemon_conf()->smtpd.size_limit;

	buf_consume(&s->stream.in, s->cutter.at);
	imap_cut_reset(&s->cutter);
	if (j == NULL || head.p == NULL)
		return CLOSE;
	j->fd = -1;
	if (!command_is(head, "APPEND", &a, &s->tag))
		bug("append_begin for another command");
	s->command = command_find(STR("APPEND"));
	j->size = j->left = size;
	j->refusal = refusal_of(arguments(s, &a, j), size);
	if (j->refusal == NULL)
		begin_file(s, j);
	if (j->refusal != NULL && (is_sync || size > most)) {
		say_refusal(s, j->refusal);
		if (is_sync)
			return NEXT;
		buf_z(OUT(s), "* BYE Too large a message\r\n");
		return CLOSE;
	}
	if (is_sync)
		buf_z(OUT(s), "+ OK\r\n");
	expect(s, size > 0 ? take_octets : take_end);
	return WAIT;
}

static enum step
take_octets(struct session *s, struct str in, size_t *used_out)
{
	struct append *j = s->job;
	struct str part = str_sub(in, 0, (size_t)num_min(in.n, j->left));

	*used_out = part.n;
	j->left -= part.n;
	if (j->refusal == NULL) {
		j->has_nul |= str_has_nul(part);
		if (file_write(j->fd, part) < 0)
			j->refusal = "NO [UNAVAILABLE] No room for it now";
	}
	expect(s, j->left > 0 ? take_octets : take_end);
	return WAIT;
}

static enum step
on_appended(struct session *s, const struct note *n)
{
	const struct note_store_appended *d = note_as_store_appended(n);

	if (d == NULL)
		return session_unavailable(s);
	if (d->failed == (uint32_t)-FAIL_GONE && d->text.n == 0)
		return session_no(s, "[TRYCREATE] There is no such mailbox");
	if (d->failed != 0)
		return session_failed(s, d->failed, d->text);
	return session_ok(s, "[APPENDUID %u %u] Stored", d->uidvalidity,
	    d->uid);
}

static enum step
hand_over(struct session *s, struct append *j)
{
	char mid[MID_LEN + 1];
	struct note_store_append ask = { .login = s->login,
	    .account = str_of(s->account), .mailbox = j->name,
	    .flags = j->flags.bits, .keywords = j->flags.keywords,
	    .date_s = j->date_s, .size = j->size, .fd = j->fd,
	    .deadline_ms = clock_mono_ms() + STORE_MS };

	/* Nothing on the way may make it another than what was hashed,
	 * measured and journalled. */
	if (!fd_seal(j->fd))
		return session_no(s, "[SERVERBUG] That failed, by our fault");
	mid_make(clock_real_ms(), daemon_boot(), mid);
	ask.mid = str_of(mid);
	s->then = on_appended;
	ask_store_append(s->stored, &ask, session_on_note, s);
	return WAIT;
}

/* The line that ends the command: nothing may stand on it. */
static enum step
take_end(struct session *s, struct str in, size_t *used_out)
{
	struct append *j = s->job;
	struct str rest = in, line = str_until(&rest, '\n');

	if (line.n == in.n) {
		if (in.n < END_LINE_MAX)
			return WAIT;
		say_refusal(s, "BAD One message at a time");
		return CLOSE;
	}
	*used_out = line.n + 1;
	s->take = NULL;
	timer_stop(&s->tick);
	if (str_more(str_chomp(line))) {
		say_refusal(s, "BAD One message at a time");
		/* another literal may stand behind it, sent unasked */
		return str_ends(str_chomp(line), "+}") ? CLOSE : NEXT;
	}
	if (j->refusal == NULL && j->has_nul)
		j->refusal = "NO [CANNOT] A message cannot hold NUL octets";
	if (j->refusal != NULL) {
		say_refusal(s, j->refusal);
		return NEXT;
	}
	return hand_over(s, j);
}

/* Only an APPEND without a literal comes here. */
enum step
cmd_append(struct session *s, struct imap_args *a)
{
	return session_refuse(s, FAIL_SYNTAX);
}
