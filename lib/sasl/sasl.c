/* SPDX-License-Identifier: ISC */
/*
 * sasl/sasl.c - the exchange and the table of mechanisms.
 *
 * Lines of base64 in, challenges out.  Decoding is strict: a client that
 * sends a stray byte is told so, not guessed at.  Passwords are kept only in
 * s->text, which sasl_end wipes.
 *
 * RFC 4422 (SASL), RFC 4616 (PLAIN); LOGIN was never more than a draft, but
 * Outlook and many devices know nothing else.
 */
#include "sasl/sasl.h"

#include "base/enc.h"
#include "base/utf8.h"
#include "base/banned.h"

#define TEXT_MAX	(2 * SASL_NAME_MAX + SASL_SECRET_MAX + 3)

typedef enum sasl_step turn_fn(struct sasl *, struct str);

static turn_fn plain_message, login_user, login_secret;

/* What is asked in each turn, and who takes the answer.  A mechanism whose
 * client speaks first asks with an empty challenge. */
static const struct sasl_mech {
	const char	*name;
	size_t		 turns;
	struct {
		const char	*challenge;
		turn_fn		*take;
	} turn[2];
} mechs[] = {
	{ "PLAIN", 1, { { "", plain_message } } },
	{ "LOGIN", 2, { { "Username:", login_user },
			{ "Password:", login_secret } } },
};

const char *
sasl_mechs(void)
{
	return "PLAIN LOGIN";
}

static bool
is_text(struct str s, size_t max)
{
	return s.n > 0 && s.n <= max && !str_has_nul(s) && utf8_valid(s);
}

/* [authzid] NUL authcid NUL passwd */
static enum sasl_step
plain_message(struct sasl *s, struct str message)
{
	size_t first = str_chr(message, 0), second;
	struct str rest;

	if (first == message.n)
		return SASL_BAD;
	rest = str_from(message, first + 1);
	second = str_chr(rest, 0);
	if (second == rest.n)
		return SASL_BAD;
	s->authzid = str_sub(message, 0, first);
	s->user = str_sub(rest, 0, second);
	s->secret = str_from(rest, second + 1);
	if ((s->authzid.n > 0 && !is_text(s->authzid, SASL_NAME_MAX)) ||
	    !is_text(s->user, SASL_NAME_MAX) ||
	    !is_text(s->secret, SASL_SECRET_MAX))
		return SASL_BAD;
	return SASL_DONE;
}

static enum sasl_step
login_user(struct sasl *s, struct str message)
{
	s->user = message;
	return is_text(message, SASL_NAME_MAX) ? SASL_ASK : SASL_BAD;
}

static enum sasl_step
login_secret(struct sasl *s, struct str message)
{
	s->secret = message;
	/* text may have moved while it grew; the name stands at its front */
	s->user = str_sub(buf_str(&s->text), 0, s->user.n);
	return is_text(message, SASL_SECRET_MAX) ? SASL_DONE : SASL_BAD;
}

static enum sasl_step
ask(struct sasl *s, struct buf *challenge_out)
{
	buf_reset(challenge_out);
	enc_base64(challenge_out, str_of(s->mech->turn[s->turn].challenge));
	return SASL_ASK;
}

enum sasl_step
sasl_answer(struct sasl *s, struct str line, struct buf *challenge_out)
{
	size_t before = s->text.len;
	enum sasl_step step;
	struct str message;

	if (str_same(line, "*"))
		return SASL_CANCELLED;
	if (line.n > SASL_LINE_MAX || s->turn >= s->mech->turns ||
	    dec_base64(&s->text, line) != 0 || buf_failed(&s->text))
		return SASL_BAD;
	message = str_from(buf_str(&s->text), before);
	step = s->mech->turn[s->turn++].take(s, message);
	return step == SASL_ASK ? ask(s, challenge_out) : step;
}

enum sasl_step
sasl_begin(struct sasl *s, struct str mech, bool has_initial,
    struct str initial, struct buf *challenge_out)
{
	size_t i;

	*s = (struct sasl){ .mech = NULL };
	buf_init(&s->text, TEXT_MAX);
	for (i = 0; i < NITEMS(mechs) && s->mech == NULL; i++)
		if (str_is(mech, mechs[i].name))
			s->mech = &mechs[i];
	if (s->mech == NULL)
		return SASL_UNKNOWN;
	/* All room at once: a buffer that moves leaves passwords behind. */
	(void)buf_grow(&s->text, TEXT_MAX);
	if (!has_initial)
		return ask(s, challenge_out);
	if (str_same(initial, "*"))
		return SASL_BAD;	/* "*" cancels only where we asked */
	return sasl_answer(s, str_same(initial, "=") ? str_of("") : initial,
	    challenge_out);
}

void
sasl_end(struct sasl *s)
{
	buf_wipe(&s->text);
	*s = (struct sasl){ .mech = NULL };
}
