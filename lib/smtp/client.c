/* SPDX-License-Identifier: ISC */
/*
 * smtp/client.c - the step table of a client.
 *
 *	greeting -> EHLO [-> HELO] [-> STARTTLS -> handshake -> EHLO]
 *	    [-> AUTH] -> idle
 *	idle -> [RSET] MAIL, RCPT..., DATA -> content -> dot -> idle
 *
 * With pipelining a transaction is said at once up to DATA; without it each
 * command waits for the reply before.  Either way replies are heard in the
 * order of `owed`, and nothing else knows about pipelining.
 *
 * Never: sends content to nobody, says AUTH where somebody may listen, takes
 * a reply that fits no step for consent.
 */
#include "smtp/client.h"

#include <inttypes.h>

#include "base/enc.h"
#include "base/banned.h"

typedef enum smtp_todo hear_fn(struct smtp_client *, const struct smtp_heard *);

static hear_fn step_greeting, step_ehlo, step_helo, step_starttls, step_auth,
    step_auth_user, step_auth_secret, step_rset, step_mail, step_rcpt,
    step_data, step_dot, step_quit;

static const struct step {
	const char	*name;
	hear_fn		*hear;
	unsigned	good;	/* first digit of consent */
} steps[SMTP_STEPS] = {
	[SMTP_STEP_GREETING]	= { "greeting", step_greeting,	  2 },
	[SMTP_STEP_EHLO]	= { "EHLO",	step_ehlo,	  2 },
	[SMTP_STEP_HELO]	= { "HELO",	step_helo,	  2 },
	[SMTP_STEP_LHLO]	= { "LHLO",	step_ehlo,	  2 },
	[SMTP_STEP_STARTTLS]	= { "STARTTLS",	step_starttls,	  2 },
	[SMTP_STEP_AUTH]	= { "AUTH",	step_auth,	  0 },
	[SMTP_STEP_AUTH_USER]	= { "AUTH",	step_auth_user,	  3 },
	[SMTP_STEP_AUTH_SECRET]	= { "AUTH",	step_auth_secret, 2 },
	[SMTP_STEP_RSET]	= { "RSET",	step_rset,	  2 },
	[SMTP_STEP_MAIL]	= { "MAIL",	step_mail,	  2 },
	[SMTP_STEP_RCPT]	= { "RCPT",	step_rcpt,	  2 },
	[SMTP_STEP_DATA]	= { "DATA",	step_data,	  3 },
	[SMTP_STEP_DOT]		= { "the end of the data", step_dot, 2 },
	[SMTP_STEP_QUIT]	= { "QUIT",	step_quit,	  2 },
};

const char *
smtp_step_name(enum smtp_step step)
{
	return steps[step].name;
}

/* --- replies owed -------------------------------------------------------- */

static void
owe(struct smtp_client *c, enum smtp_step step, uint32_t n)
{
	struct smtp_owed *last = c->owed + c->owes - 1;

	if (c->owes > 0 && last->step == step)
		last->n += n;
	else
		c->owed[c->owes++] = (struct smtp_owed){ (uint8_t)step, n };
}

/* Takes one off. */
static enum smtp_step
pay(struct smtp_client *c)
{
	enum smtp_step step = c->owed[0].step;

	if (--c->owed[0].n == 0) {
		c->owes--;
		for (size_t i = 0; i < c->owes; i++)
			c->owed[i] = c->owed[i + 1];
	}
	return step;
}

static enum smtp_todo
over(struct smtp_client *c, const char *fault)
{
	c->fault = fault;
	c->owes = 0;
	return SMTP_OVER;
}

enum smtp_step
smtp_client_owed(const struct smtp_client *c)
{
	return c->owes > 0 ? (enum smtp_step)c->owed[0].step : c->heard;
}

bool
smtp_client_owes_one(const struct smtp_client *c)
{
	return c->owes == 1 && c->owed[0].n == 1;
}

enum smtp_step
smtp_client_stage(const struct smtp_client *c)
{
	return c->heard;
}

bool
smtp_client_in_doubt(const struct smtp_client *c)
{
	return c->owes > 0 && c->owed[0].step == SMTP_STEP_DOT && c->taken > 0;
}

/* --- beginning ----------------------------------------------------------- */

static enum smtp_todo
say_hello(struct smtp_client *c)
{
	enum smtp_step step = c->is_lmtp ? SMTP_STEP_LHLO : SMTP_STEP_EHLO;

	c->caps = (struct smtp_caps){ .can = 0 };
	buf_fmt(c->out, "%s %.*s\r\n", steps[step].name, STR_ARG(c->name));
	owe(c, step, 1);
	return SMTP_HEAR;
}

enum smtp_todo
smtp_client_begin(struct smtp_client *c)
{
	owe(c, SMTP_STEP_GREETING, 1);
	return SMTP_HEAR;
}

static enum smtp_todo
step_greeting(struct smtp_client *c, const struct smtp_heard *h)
{
	return h->code == 220 ? say_hello(c) : over(c, NULL);
}

/* The name behind the code of a greeting or EHLO's first line. */
static bool
is_ourselves(const struct smtp_client *c, const struct smtp_heard *h)
{
	struct str text = str_from(buf_str(&h->text), 4), line;

	if (c->us.n == 0 || !str_line(&text, &line))
		return false;
	return str_ieq(str_word(&line), c->us);
}

/* Every line but the first, which is the server's name. */
static void
read_caps(struct smtp_client *c, const struct smtp_heard *h)
{
	struct str text = buf_str(&h->text), line;
	size_t i = 0;

	while (str_line(&text, &line))
		if (i++ > 0)
			smtp_caps_line(&c->caps, str_from(line, 4));
}

static enum smtp_todo	say_auth(struct smtp_client *c);

/* Greeted: what is still to be done before mail? */
static enum smtp_todo
go_on(struct smtp_client *c)
{
	c->pipelining = (c->caps.can & SMTP_CAN_PIPELINING) != 0 &&
	    !c->no_pipelining;
	if (!c->is_secure && c->tls != SMTP_TLS_NEVER && !c->tls_refused &&
	    (c->caps.can & SMTP_CAN_STARTTLS)) {
		buf_z(c->out, "STARTTLS\r\n");
		owe(c, SMTP_STEP_STARTTLS, 1);
		return SMTP_HEAR;
	}
	if (!c->is_secure && c->tls == SMTP_TLS_MUST) {
		c->heard = SMTP_STEP_STARTTLS;
		return over(c, "TLS is required and was not offered");
	}
	return c->user.n > 0 ? say_auth(c) : SMTP_IDLE;
}

static enum smtp_todo
step_ehlo(struct smtp_client *c, const struct smtp_heard *h)
{
	if (h->code / 100 == 2) {
		if (is_ourselves(c, h)) {
			c->is_loop = true;
			return over(c, "the host there is ourselves");
		}
		read_caps(c, h);
		return go_on(c);
	}
	/* Before RFC 1869.  What needs an extension cannot fall back. */
	if (h->code / 100 == 5 && !c->is_lmtp && !c->is_secure) {
		buf_fmt(c->out, "HELO %.*s\r\n", STR_ARG(c->name));
		owe(c, SMTP_STEP_HELO, 1);
		return SMTP_HEAR;
	}
	return over(c, NULL);
}

static enum smtp_todo
step_helo(struct smtp_client *c, const struct smtp_heard *h)
{
	return h->code / 100 == 2 ? go_on(c) : over(c, NULL);
}

static enum smtp_todo
step_starttls(struct smtp_client *c, const struct smtp_heard *h)
{
	if (h->code == 220)
		return SMTP_HANDSHAKE;
	c->tls_refused = true;
	return c->tls == SMTP_TLS_MUST ? over(c, NULL) : go_on(c);
}

enum smtp_todo
smtp_client_secured(struct smtp_client *c)
{
	c->is_secure = true;	/* what was said in clear is forgotten */
	return say_hello(c);
}

/* --- AUTH ---------------------------------------------------------------- */

static void
say_base64(struct smtp_client *c, struct str s)
{
	enc_base64(c->out, s);
	buf_z(c->out, "\r\n");
}

static enum smtp_todo
say_auth(struct smtp_client *c)
{
	struct buf plain;

	c->heard = SMTP_STEP_AUTH;
	if (!c->is_secure)
		return over(c, "no password is said without TLS");
	if (c->caps.can & SMTP_CAN_PLAIN) {
		buf_init(&plain, c->user.n + c->secret.n + 2);
		buf_c(&plain, 0);
		buf_add(&plain, c->user);
		buf_c(&plain, 0);
		buf_add(&plain, c->secret);
		buf_z(c->out, "AUTH PLAIN ");
		say_base64(c, buf_str(&plain));
		buf_wipe(&plain);
	} else if (c->caps.can & SMTP_CAN_LOGIN)
		buf_z(c->out, "AUTH LOGIN\r\n");
	else
		return over(c, "neither AUTH PLAIN nor LOGIN is offered");
	owe(c, SMTP_STEP_AUTH, 1);
	return SMTP_HEAR;
}

static enum smtp_todo
step_auth(struct smtp_client *c, const struct smtp_heard *h)
{
	bool is_plain = (c->caps.can & SMTP_CAN_PLAIN) != 0;

	if (is_plain)
		return h->code == 235 ? SMTP_IDLE : over(c, NULL);
	if (h->code != 334)
		return over(c, NULL);
	say_base64(c, c->user);
	owe(c, SMTP_STEP_AUTH_USER, 1);
	return SMTP_HEAR;
}

static enum smtp_todo
step_auth_user(struct smtp_client *c, const struct smtp_heard *h)
{
	if (h->code != 334)
		return over(c, NULL);
	say_base64(c, c->secret);
	owe(c, SMTP_STEP_AUTH_SECRET, 1);
	return SMTP_HEAR;
}

static enum smtp_todo
step_auth_secret(struct smtp_client *c, const struct smtp_heard *h)
{
	return h->code == 235 ? SMTP_IDLE : over(c, NULL);
}

/* --- a transaction ------------------------------------------------------- */

static bool
is_to_ask(const struct smtp_to *to)
{
	return to->fate == SMTP_OPEN || to->fate == SMTP_AGAIN;
}

static void
say_mail(struct smtp_client *c)
{
	size_t before;

	if (c->needs_rset) {
		buf_z(c->out, "RSET\r\n");
		owe(c, SMTP_STEP_RSET, 1);
		c->needs_rset = false;
	}
	buf_fmt(c->out, "MAIL FROM:<%.*s>", STR_ARG(c->env->sender));
	before = c->out->len;
	if (c->caps.can & SMTP_CAN_SIZE)
		buf_fmt(c->out, " SIZE=%" PRIu64, c->env->size);
	if (c->env->is_8bit && (c->caps.can & SMTP_CAN_8BITMIME))
		buf_z(c->out, " BODY=8BITMIME");
	c->said_params = c->out->len > before;
	buf_z(c->out, "\r\n");
	owe(c, SMTP_STEP_MAIL, 1);
}

static uint32_t
most_recipients(const struct smtp_client *c)
{
	uint32_t most = c->rcpt_max > 0 ? c->rcpt_max : 100;

	return c->caps.rcpt_max > 0 && c->caps.rcpt_max < most ?
	    c->caps.rcpt_max : most;
}

/* The next recipient, if there is one and it may be in this transaction. */
static bool
say_rcpt(struct smtp_client *c)
{
	while (c->asked < c->env->n && !is_to_ask(&c->env->to[c->asked]))
		c->asked++;
	if (c->asked == c->env->n || c->in_tx >= most_recipients(c))
		return false;
	buf_fmt(c->out, "RCPT TO:<%.*s>\r\n",
	    STR_ARG(c->env->to[c->asked].address));
	c->env->to[c->asked++].fate = SMTP_AGAIN;
	c->in_tx++;
	owe(c, SMTP_STEP_RCPT, 1);
	return true;
}

static void
say_data(struct smtp_client *c)
{
	buf_z(c->out, "DATA\r\n");
	owe(c, SMTP_STEP_DATA, 1);
}

enum smtp_todo
smtp_client_mail(struct smtp_client *c, struct smtp_envelope *env)
{
	c->env = env;
	c->asked = c->answered = 0;
	c->in_tx = c->taken = 0;
	c->is_dead = c->took_any = c->mail_again = false;
	say_mail(c);
	if (c->pipelining) {
		while (say_rcpt(c))
			;
		say_data(c);
	}
	return SMTP_HEAR;
}

/* More replies, or is the transaction over? */
static enum smtp_todo
next(struct smtp_client *c)
{
	if (c->owes > 0)
		return SMTP_HEAR;
	return c->mail_again ? smtp_client_mail(c, c->env) : SMTP_IDLE;
}

/* What it says is of the transaction before: nobody's fate in this one. */
static enum smtp_todo
step_rset(struct smtp_client *c, const struct smtp_heard *h)
{
	return h->code / 100 == 2 ? SMTP_HEAR : over(c, "RSET was refused");
}

/* One reply for all whose fate is open and who were in this transaction. */
static void
tell_all(struct smtp_client *c, enum smtp_fate which,
    const struct smtp_heard *h)
{
	for (size_t i = 0; i < c->env->n; i++)
		if (c->env->to[i].fate == which) {
			c->env->to[i].fate = SMTP_DONE;
			c->fate(c, i, c->heard, h);
		}
}

/* The message is refused: for those left for a later transaction too, they
 * would only ask for the same refusal again. */
static void
refused(struct smtp_client *c, const struct smtp_heard *h)
{
	tell_all(c, SMTP_TAKEN, h);
	tell_all(c, SMTP_AGAIN, h);
	tell_all(c, SMTP_OPEN, h);
}

/* It offers what it does not know (RFC 5321 4.1.1.11).  x.1.x, x.7.x and so
 * on are of the sender. */
static bool
is_of_params(const struct smtp_client *c, const struct smtp_heard *h)
{
	struct str status = smtp_heard_status(h);

	return c->said_params &&
	    (h->code == 501 || h->code == 504 || h->code == 555) &&
	    (status.n == 0 || str_starts(status, "5.5."));
}

static enum smtp_todo
step_mail(struct smtp_client *c, const struct smtp_heard *h)
{
	if (h->code / 100 == 2) {
		c->needs_rset = true;
		if (!c->pipelining)
			(void)say_rcpt(c);
		return SMTP_HEAR;
	}
	c->is_dead = true;
	c->mail_again = is_of_params(c, h);
	if (c->mail_again)
		c->caps.can &= ~(unsigned)(SMTP_CAN_SIZE | SMTP_CAN_8BITMIME);
	else
		refused(c, h);
	return next(c);
}

/* Whom is this reply for: the next of this transaction without answer. */
static size_t
whose(struct smtp_client *c)
{
	while (c->env->to[c->answered].fate != SMTP_AGAIN)
		c->answered++;
	return c->answered++;
}

/*
 * "Too many recipients" behind some that were taken: the rest goes in another
 * transaction (RFC 5321 4.5.3.1.10).  x.1.x and x.2.x are of the recipient.
 */
static bool
is_too_many(const struct smtp_client *c, const struct smtp_heard *h)
{
	struct str status = smtp_heard_status(h);

	if (c->taken == 0 || (h->code != 452 && h->code != 552))
		return false;
	if (status.n == 0)
		return h->code == 452;
	return h->code == 452 ? status.p[2] != '1' && status.p[2] != '2' :
	    str_ends(status, ".5.3");
}

static enum smtp_todo
after_rcpt(struct smtp_client *c)
{
	if (c->pipelining || say_rcpt(c))
		return SMTP_HEAR;
	if (c->taken == 0)
		return SMTP_IDLE;
	say_data(c);
	return SMTP_HEAR;
}

static enum smtp_todo
step_rcpt(struct smtp_client *c, const struct smtp_heard *h)
{
	struct smtp_to *to;
	size_t i;

	if (c->is_dead)
		return next(c);
	i = whose(c);
	to = &c->env->to[i];
	if (h->code / 100 == 2) {
		to->fate = SMTP_TAKEN;
		c->taken++;
	} else if (!is_too_many(c, h)) {
		to->fate = SMTP_DONE;
		c->fate(c, i, SMTP_STEP_RCPT, h);
	} else if (c->rcpt_max == 0 || c->taken < c->rcpt_max)
		c->rcpt_max = c->taken;		/* it has told us how many */
	return after_rcpt(c);
}

static enum smtp_todo
say_dot(struct smtp_client *c)
{
	buf_z(c->out, ".\r\n");
	owe(c, SMTP_STEP_DOT, c->is_lmtp && c->taken > 0 ? c->taken : 1);
	return SMTP_HEAR;
}

static enum smtp_todo
step_data(struct smtp_client *c, const struct smtp_heard *h)
{
	if (h->code == 354) {
		if (c->taken == 0)	/* RFC 2920 3.1 asks for an empty one */
			return say_dot(c);
		c->is_sending = true;
		return SMTP_CONTENT;
	}
	if (h->code / 100 != 4 && h->code / 100 != 5)
		return over(c, "the reply to DATA fits no command");
	if (c->taken > 0)
		refused(c, h);
	return next(c);
}

enum smtp_todo
smtp_client_sent(struct smtp_client *c)
{
	c->is_sending = false;
	return say_dot(c);
}

static enum smtp_todo
step_dot(struct smtp_client *c, const struct smtp_heard *h)
{
	c->took_any |= h->code / 100 == 2 && c->taken > 0;
	if (!c->is_lmtp || c->taken == 0) {
		c->needs_rset = h->code / 100 != 2;
		if (c->taken > 0 && c->needs_rset)
			refused(c, h);
		else
			tell_all(c, SMTP_TAKEN, h);
		return next(c);
	}
	/* LMTP: one reply for each that was taken, in their order */
	for (size_t i = 0; i < c->env->n; i++)
		if (c->env->to[i].fate == SMTP_TAKEN) {
			c->env->to[i].fate = SMTP_DONE;
			c->fate(c, i, SMTP_STEP_DOT, h);
			break;
		}
	c->needs_rset = false;
	return next(c);
}

static enum smtp_todo
step_quit(struct smtp_client *c, const struct smtp_heard *h)
{
	(void)h;
	return over(c, NULL);
}

enum smtp_todo
smtp_client_quit(struct smtp_client *c)
{
	buf_z(c->out, "QUIT\r\n");
	owe(c, SMTP_STEP_QUIT, 1);
	return SMTP_HEAR;
}

/* --- hearing ------------------------------------------------------------- */

/* A 2xx or 3xx that is not the one this step can mean. */
static bool
is_misplaced(const struct step *s, const struct smtp_heard *h)
{
	unsigned class = h->code / 100;

	return s->good != 0 && class < 4 && class != s->good;
}

enum smtp_todo
smtp_client_hear(struct smtp_client *c, const struct smtp_heard *h)
{
	if (c->owes == 0)	/* a refusal may come before the message is out */
		return over(c, c->is_sending && h->code >= 400 ? NULL :
		    "a reply came to no command");
	c->heard = pay(c);
	if (is_misplaced(&steps[c->heard], h))
		return over(c, "the reply fits no command");
	/* The server goes away; who is still open has that as the reason.  A
	 * refusal at the dot is an answer to it all the same. */
	if (h->code == 421 && c->heard != SMTP_STEP_DOT &&
	    c->heard != SMTP_STEP_QUIT)
		return over(c, NULL);
	return steps[c->heard].hear(c, h);
}
