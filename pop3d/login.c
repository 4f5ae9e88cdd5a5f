/* SPDX-License-Identifier: ISC */
/*
 * pop3d/login.c - USER, PASS, AUTH, and the way into the mailbox: authd says
 * who it is and gives a grant, stored is shown it and opens INBOX, the index
 * is read once.  What comes later is not seen in this session (RFC 1939 5).
 *
 * A wrong password is answered late, each time later; after some the
 * connection ends.
 *
 * RFC 1939 7, RFC 5034 (AUTH), RFC 3206 (AUTH and SYS/TEMP).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/login.h"
#include "mail/index.h"
#include "pop3d/session.h"

#include "base/banned.h"

enum {
	FAILED_MAX = 5,
	PAGE_RECORDS = 256,
	TORN_TRIES = 5,
};

bool
pop3_may_login(const struct pop3 *s)
{
	return s->state == IN_AUTH && (stream_is_tls(&s->stream) ||
	    daemon_conf()->site.cleartext_logins);
}

void
pop3_forget_user(struct pop3 *s)
{
	free(s->user);
	s->user = NULL;
}

static struct login_who
who(const struct pop3 *s)
{
	return (struct login_who){ .service = STR("pop3"),
	    .peer = str_of(s->peer), .sid = str_of(s->sid) };
}

static enum step
later(struct pop3 *s)
{
	return pop3_say(s, "-ERR [SYS/TEMP] cannot do that now, try again");
}

/* --- the mailbox --------------------------------------------------------- */

/* Torn: stored is writing this very record; a dead one is left out. */
static bool
take_record(struct pop3 *s, int fd, uint32_t i, const uint8_t *bytes)
{
	uint8_t again[INDEX_RECORD_SIZE];
	struct index_record r;
	int rc = index_record_get(bytes, &r);

	for (int t = 0; rc != 0 && t < TORN_TRIES; t++)
		rc = file_pread(fd, again, sizeof(again), (off_t)
		    INDEX_HEADER_SIZE + (off_t)i * INDEX_RECORD_SIZE) != 0 ?
		    FAIL_GONE : index_record_get(again, &r);
	if (rc != 0)
		return false;
	if ((r.flags & INDEX_EXPUNGED) == 0)
		s->mail[s->mails++] = (struct mail){ .uid = r.uid,
		    .size = r.wire_size };
	return true;
}

/* *torn_out: the record that could not be read. */
static bool
read_index(struct pop3 *s, int fd, uint32_t records, uint32_t *torn_out)
{
	static uint8_t page[PAGE_RECORDS * INDEX_RECORD_SIZE];
	bool ok = true;

	s->mail = xcalloc(records > 0 ? records : 1, sizeof(*s->mail));
	for (uint32_t i = 0; ok && i < records; i++) {
		uint32_t at = i % PAGE_RECORDS, left = records - i;
		size_t n = left < PAGE_RECORDS ? left : PAGE_RECORDS;

		if (at == 0)
			ok = file_pread(fd, page, n * INDEX_RECORD_SIZE,
			    (off_t)INDEX_HEADER_SIZE +
			    (off_t)i * INDEX_RECORD_SIZE) == 0;
		ok = ok && take_record(s, fd, i, page + at * INDEX_RECORD_SIZE);
		*torn_out = i;
	}
	return ok;
}

static enum step
on_open(struct pop3 *s, const struct note *n)
{
	const struct note_store_opened *o = note_as_store_opened(n);
	struct note_store_torn torn = { 0 };
	int fd;

	if (note_as_store_cache(n) != NULL) {	/* envelopes: not for POP3 */
		s->then = on_open;
		return WAIT;
	}
	fd = o != NULL && o->failed == 0 ? note_take_fd(n) : -1;
	if (fd < 0 || !read_index(s, fd, o->records, &torn.record)) {
		if (fd >= 0) {
			(void)close(fd);
			torn.box = o->box;
			note_put_store_torn(s->stored, &torn);
			note_put_store_close(s->stored,
			    &(struct note_store_close){ .box = o->box });
		}
		free(s->mail);
		s->mail = NULL;
		s->mails = 0;
		return later(s);
	}
	(void)close(fd);
	s->box = o->box;
	s->uidvalidity = o->uidvalidity;
	s->state = IN_TRANS;
	s->errors = 0;
	log_event(LOG_LEVEL_INFO, "pop3-login");
	log_z("sid", s->sid);
	log_z("account", s->account);
	log_z("peer", s->peer);
	log_u64("messages", s->mails);
	log_u64("tls", stream_is_tls(&s->stream));
	log_end();
	return pop3_say(s, "+OK mailbox is open");
}

static enum step
on_logged(struct pop3 *s, const struct note *n)
{
	const struct note_store_logged *g = note_as_store_logged(n);
	struct note_store_open ask = { .mailbox = STR("INBOX") };

	s->show = NULL;
	if (g == NULL || g->failed != 0)
		return later(s);
	s->stored = daemon_stored_of(str_of(s->account));
	s->login = ask.login = g->login;
	s->then = on_open;
	ask_store_open(s->stored, &ask, pop3_on_note, s);
	return WAIT;
}

/* --- who is it ----------------------------------------------------------- */

static enum step
say_wrong(struct pop3 *s, const struct note *n)
{
	(void)n;
	pop3_say(s, "-ERR [AUTH] wrong user name or password");
	return ++s->bad_logins < FAILED_MAX ? NEXT : CLOSE;
}

static enum step
refuse_login(struct pop3 *s)
{
	struct login_who w = who(s);
	int64_t ms = login_failed(&w, "pop3-login-failed", str_of(s->user),
	    s->bad_logins);

	pop3_forget_user(s);
	return pop3_sleep(s, ms, say_wrong);
}

static enum step
on_verdict(struct pop3 *s, const struct note *n)
{
	const struct note_auth_verdict *v = note_as_auth_verdict(n);
	struct login_who w = who(s);

	if (v == NULL || v->result == AUTH_LATER)
		return later(s);
	if (v->result != AUTH_OK)
		return refuse_login(s);
	free(s->account);
	s->account = xmemdupz(v->account.p, v->account.n);
	login_count(&w, RATE_AUTH_OK, v->account);
	s->then = on_logged;
	s->show = login_show(&w, v, pop3_on_note, s);
	return WAIT;
}

static enum step
check(struct pop3 *s, struct str user, struct str secret, struct str authzid)
{
	struct login_who w = who(s);

	s->then = on_verdict;
	login_check(&w, user, secret, authzid, pop3_on_note, s);
	return WAIT;
}

static enum step
only_with_tls(struct pop3 *s)
{
	return pop3_refuse(s, "-ERR passwords only with TLS: say STLS first");
}

enum step
cmd_user(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argc;
	if (!pop3_may_login(s))
		return only_with_tls(s);
	if (argv[0].n > SASL_NAME_MAX)
		return pop3_refuse(s, "-ERR no such name");
	pop3_forget_user(s);	/* the last one counts */
	s->user = xmemdupz(argv[0].p, argv[0].n);
	return pop3_say(s, "+OK");
}

enum step
cmd_pass(struct pop3 *s, const struct str *argv, size_t argc)
{
	(void)argc;
	if (!pop3_may_login(s))
		return only_with_tls(s);
	if (s->user == NULL)
		return pop3_refuse(s, "-ERR USER comes first");
	if (argv[0].n > SASL_SECRET_MAX)
		return refuse_login(s);
	return check(s, str_of(s->user), argv[0], STR(""));
}

/* --- AUTH ---------------------------------------------------------------- */

static enum step
on_sasl(struct pop3 *s, enum sasl_step step, const struct buf *challenge)
{
	s->is_in_sasl = step == SASL_ASK;
	switch (step) {
	case SASL_ASK:
		buf_fmt(&s->stream.out, "+ %.*s\r\n",
		    STR_ARG(buf_str(challenge)));
		return NEXT;
	case SASL_DONE:
		pop3_forget_user(s);
		s->user = xmemdupz(s->sasl.user.p, s->sasl.user.n);
		(void)check(s, s->sasl.user, s->sasl.secret, s->sasl.authzid);
		sasl_end(&s->sasl);
		return WAIT;
	case SASL_CANCELLED:
		sasl_end(&s->sasl);
		return pop3_refuse(s, "-ERR cancelled");
	case SASL_UNKNOWN:
		sasl_end(&s->sasl);
		return pop3_refuse(s, "-ERR no such mechanism");
	case SASL_BAD:
		break;
	}
	sasl_end(&s->sasl);
	return pop3_refuse(s, "-ERR that is no answer to the challenge");
}

enum step
pop3_sasl_line(struct pop3 *s, struct str line)
{
	struct buf challenge;
	enum step step;

	buf_init(&challenge, SASL_LINE_MAX);
	step = on_sasl(s, sasl_answer(&s->sasl, line, &challenge), &challenge);
	buf_free(&challenge);
	return step;
}

/* Bare AUTH lists the mechanisms (Outlook asks so before it sends USER). */
static enum step
list_mechs(struct pop3 *s)
{
	struct str all = str_of(sasl_mechs()), one;

	pop3_say(s, "+OK mechanisms follow");
	while (pop3_may_login(s) && str_more(all)) {
		one = str_word(&all);
		buf_fmt(&s->stream.out, "%.*s\r\n", STR_ARG(one));
	}
	return pop3_say(s, ".");
}

enum step
cmd_auth(struct pop3 *s, const struct str *argv, size_t argc)
{
	struct buf challenge;
	enum step step;

	if (argc == 0)
		return list_mechs(s);
	if (!pop3_may_login(s))
		return only_with_tls(s);
	buf_init(&challenge, SASL_LINE_MAX);
	step = on_sasl(s, sasl_begin(&s->sasl, argv[0], argc == 2,
	    argc == 2 ? argv[1] : STR(""), &challenge), &challenge);
	buf_free(&challenge);
	return step;
}
