/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a hostile server against our client: octets as replies, in
 * pieces.  The first octet chooses TLS, AUTH, LMTP and the size of pieces.
 *
 * Held: nobody is told two fates, what we say and keep is bounded, and the
 * session is over or waits for a reply.
 */
#include <stdlib.h>

#include "base/fail.h"
#include "smtp/client.h"

#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEOPLE = 5, ROUNDS = 4 };

struct run {
	struct smtp_client	c;
	struct smtp_heard	h;
	struct smtp_to		to[PEOPLE];
	struct smtp_envelope	env;
	struct buf		out;
	unsigned		told[PEOPLE], rounds;
};

static void
on_fate(struct smtp_client *c, size_t i, enum smtp_step step,
    const struct smtp_heard *h)
{
	struct run *r = c->arg;

	if (i >= PEOPLE || r->told[i]++ > 0)
		bug("a fate is told twice");
	if (step > SMTP_STEP_QUIT || h->code < 200)
		bug("a fate without a reply");
}

static void
prepare(struct run *r)
{
	r->env = (struct smtp_envelope){ .sender = STR("a@x.example"),
	    .size = 100, .is_8bit = true, .to = r->to, .n = PEOPLE };
	for (size_t i = 0; i < PEOPLE; i++) {
		r->to[i] = (struct smtp_to){ .address = STR("b@y.example") };
		r->told[i] = 0;
	}
}

static bool
is_any_left(const struct run *r)
{
	for (size_t i = 0; i < PEOPLE; i++)
		if (r->to[i].fate == SMTP_OPEN || r->to[i].fate == SMTP_AGAIN)
			return true;
	return false;
}

/* What the owner of a socket would do; false: it is over. */
static bool
act(struct run *r, enum smtp_todo todo)
{
	for (;;)
		switch (todo) {
		case SMTP_HEAR:
			if (r->c.owes == 0)
				bug("waits for a reply that nobody owes");
			return true;
		case SMTP_HANDSHAKE:
			todo = smtp_client_secured(&r->c);
			break;
		case SMTP_CONTENT:
			todo = smtp_client_sent(&r->c);
			break;
		case SMTP_IDLE:
			if (++r->rounds > ROUNDS)
				todo = smtp_client_quit(&r->c);
			else {
				if (!is_any_left(r) || !r->c.took_any)
					prepare(r);
				todo = smtp_client_mail(&r->c, &r->env);
			}
			break;
		case SMTP_OVER:
			return false;
		}
}

static bool
feed(struct run *r, struct str *in)
{
	size_t used;
	int rc = smtp_heard_feed(&r->h, *in, &used);

	*in = str_from(*in, used);
	if (rc != 0)
		return rc == 1;
	if (r->h.text.len > SMTP_HEARD_KEPT)
		bug("kept too much");
	buf_reset(&r->out);
	if (!act(r, smtp_client_hear(&r->c, &r->h)))
		return false;
	if (buf_failed(&r->out))
		bug("said too much");
	return feed(r, in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = { .rounds = 0 };
	struct str in = str_mem(data, size);
	unsigned how = size > 0 ? data[0] : 0;

	in = str_from(in, 1);
	buf_init(&r.out, 8000);
	smtp_heard_init(&r.h);
	prepare(&r);
	r.c = (struct smtp_client){ .name = STR("me.example"),
	    .us = STR("me.example"), .is_lmtp = (how & 1) != 0,
	    .tls = (how >> 1 & 3) % 3, .out = &r.out, .fate = on_fate,
	    .arg = &r, .rcpt_max = how >> 4 & 3 };
	if (how & 8) {
		r.c.user = STR("user");
		r.c.secret = STR("pass");
	}
	(void)smtp_client_begin(&r.c);
	while (in.n > 0) {
		size_t n = how & 128 ? 7 : in.n;
		struct str piece = str_sub(in, 0, n), left = piece;

		if (!feed(&r, &left))
			break;
		/* a line that has not ended comes again, longer */
		while (left.n > 0 && piece.n < in.n) {
			piece = str_sub(in, 0, piece.n + 7);
			left = str_from(piece, (size_t)(left.p - in.p));
			if (!feed(&r, &left))
				goto out;
		}
		in = str_from(in, piece.n);
	}
out:
	buf_free(&r.out);
	smtp_heard_free(&r.h);
	return 0;
}
