/* SPDX-License-Identifier: ISC */
/*
 * imapd/hello.c - before and around the login: may this address come in
 * (rated says), the greeting, CAPABILITY, STARTTLS, ID, NOOP, LOGOUT.
 *
 * The greeting names no product that clients know quirks of, and holds no
 * text in angle brackets.
 */
#include "imapd/hello.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "imapd/command.h"
#include "imapd/imapd.h"

#include "base/banned.h"

enum {
	HANDSHAKE_MS = 60 * 1000,
	ID_PAIRS_MAX = 30,		/* RFC 2971 3.3 */
	CLIENT_MAX = 200,
};

/* What each state can do; IDLE stands before the login too, for clients were
 * seen that look only there. */
static const char before[] = "IMAP4rev1 LITERAL+ SASL-IR ID IDLE NAMESPACE "
    "CHILDREN UNSELECT UIDPLUS MOVE SPECIAL-USE STATUS=SIZE";

bool
hello_may_login(const struct session *s)
{
	return stream_is_tls(&s->stream) ||
	    daemon_conf()->site.cleartext_logins;
}

void
hello_put_capabilities(struct session *s)
{
	buf_z(OUT(s), before);
	if (s->state != IN_NO_AUTH)
		return;
	if (!stream_is_tls(&s->stream) && imapd.tls != NULL)
		buf_z(OUT(s), " STARTTLS");
	buf_z(OUT(s), hello_may_login(s) ? " AUTH=PLAIN AUTH=LOGIN" :
	    " LOGINDISABLED");
}

static enum step
greet(struct session *s)
{
	s->state = IN_NO_AUTH;
	buf_z(OUT(s), "* OK [CAPABILITY ");
	hello_put_capabilities(s);
	buf_fmt(OUT(s), "] %.*s Veredus IMAP\r\n",
	    STR_ARG(daemon_conf()->site.hostname));
	stream_idle(&s->stream, daemon_conf()->imapd.timeout + HANDSHAKE_MS);
	return NEXT;
}

static bool
is_tls_port(const struct session *s)
{
	return strcmp(s->service, "imaps") == 0;
}

/* rated has let it in. */
static enum step
enter(struct session *s)
{
	if (!is_tls_port(s))
		return greet(s);
	if (imapd.tls == NULL) {
		log_event(LOG_LEVEL_WARN, "imap-no-certificate");
		log_z("sid", s->sid);
		log_end();
		return CLOSE;
	}
	stream_idle(&s->stream, HANDSHAKE_MS);
	stream_start_tls(&s->stream, imapd.tls);
	return WAIT;
}

/* No answer is as good as yes: a stopped rated must not close the door. */
static enum step
on_rate(struct session *s, const struct note *n)
{
	const struct note_rate_verdict *v = note_as_rate_verdict(n);

	if (v != NULL && v->result == RATE_REFUSE) {
		log_event(LOG_LEVEL_INFO, "imap-refused");
		log_z("sid", s->sid);
		log_z("peer", s->peer);
		log_str("text", v->text);
		log_end();
		if (!is_tls_port(s))
			buf_z(OUT(s), "* BYE Too many connections or failed "
			    "logins from your address\r\n");
		return CLOSE;
	}
	if (v != NULL && v->delay_ms > 0)
		return session_sleep(s, v->delay_ms, enter);
	return enter(s);
}

void
hello_begin(struct session *s)
{
	struct note_rate_ask ask = { .what = RATE_CONNECT,
	    .service = str_of(s->service), .peer = str_of(s->peer) };

	log_event(LOG_LEVEL_DEBUG, "imap-begin");
	log_z("sid", s->sid);
	log_z("peer", s->peer);
	log_z("service", s->service);
	log_end();
	stream_pause(&s->stream);
	s->is_busy = true;
	s->then = on_rate;
	s->is_counted = true;	/* from here on, whatever the answer */
	ask_rate_ask(daemon_peer(RATED, 0), &ask, session_on_note, s);
}

void
hello_end(struct session *s)
{
	struct note_rate_count note = { .what = RATE_DISCONNECT,
	    .service = str_of(s->service), .peer = str_of(s->peer) };

	if (s->is_counted && daemon_peer(RATED, 0) != NULL)
		note_put_rate_count(daemon_peer(RATED, 0), &note);
}

/* After the handshake of port 993, or of STARTTLS: all that was said in
 * clear is forgotten (there is no state to forget before a login). */
void
hello_on_tls(struct stream *st)
{
	struct session *s = container_of(st, struct session, stream);

	imap_cut_reset(&s->cutter);
	stream_idle(st, daemon_conf()->imapd.timeout + HANDSHAKE_MS);
	session_go(s, s->state == IN_HELLO ? greet(s) : NEXT);
}

enum step
cmd_starttls(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "STARTTLS takes no argument");
	if (stream_is_tls(&s->stream))
		return session_bad(s, "TLS is there already");
	if (imapd.tls == NULL)
		return session_no(s, "No certificate is set up");
	buf_fmt(OUT(s), "%.*s OK Begin TLS now\r\n", STR_ARG(s->tag));
	stream_idle(&s->stream, HANDSHAKE_MS);
	stream_start_tls(&s->stream, imapd.tls);
	return NEXT;
}

enum step
cmd_capability(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "CAPABILITY takes no argument");
	buf_z(OUT(s), "* CAPABILITY ");
	hello_put_capabilities(s);
	buf_z(OUT(s), "\r\n");
	return session_ok(s, "That is all");
}

enum step
cmd_noop(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "NOOP takes no argument");
	return session_ok(s, "Done");
}

enum step
cmd_logout(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "LOGOUT takes no argument");
	buf_fmt(OUT(s), "* BYE Good bye\r\n%.*s OK Logged out\r\n",
	    STR_ARG(s->tag));
	return CLOSE;
}

/* "name" and "version" of the client, for the log. */
static bool
id_pair(struct imap_args *a, struct buf *client)
{
	struct str field, value;
	bool nil;

	if (!imap_string(a, &field) || !imap_sp(a) ||
	    !imap_nstring(a, &value, &nil))
		return false;
	if (!str_is(field, "name") && !str_is(field, "version"))
		return true;
	if (client->len > 0)
		buf_c(client, ' ');
	buf_add(client, str_sub(value, 0, CLIENT_MAX / 3));
	return true;
}

static bool
id_list(struct imap_args *a, struct buf *client)
{
	unsigned n = 0;

	if (!imap_char(a, '('))
		return imap_atom(a, &(struct str){ NULL, 0 });
	if (imap_char(a, ')'))
		return true;
	do {
		if (n++ == 2 * ID_PAIRS_MAX || !id_pair(a, client))
			return false;
	} while (imap_sp(a));
	return imap_char(a, ')');
}

enum step
cmd_id(struct session *s, struct imap_args *a)
{
	struct buf client;
	bool ok;

	buf_init(&client, CLIENT_MAX);
	ok = imap_sp(a) && id_list(a, &client) && imap_end(a);
	if (ok && client.len > 0) {
		log_event(LOG_LEVEL_INFO, "imap-client");
		log_z("sid", s->sid);
		log_str("client", buf_str(&client));
		log_end();
		free(s->client);
		s->client = xstrdup(buf_cstr(&client));
	}
	buf_free(&client);
	if (!ok)
		return session_refuse(s, FAIL_SYNTAX);
	buf_z(OUT(s), "* ID (\"name\" \"Veredus\")\r\n");
	return session_ok(s, "Done");
}

enum step
cmd_namespace(struct session *s, struct imap_args *a)
{
	if (!imap_end(a))
		return session_bad(s, "NAMESPACE takes no argument");
	buf_z(OUT(s), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return session_ok(s, "Done");
}
