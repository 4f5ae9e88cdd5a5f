/* SPDX-License-Identifier: ISC */
/*
 * smtpd/recode.c - what was submitted and may not travel as it is, is
 * re-encoded, once, before it is signed and stored (mail/recode.h).
 *
 * Only mail of our own people (submission): what strangers send is theirs,
 * and often signed.  A small body is in memory and done at once.  A large one
 * lies in a file of spoold's: it is read three times, a step at a time so
 * that other sessions go on, and written into a second file, whose id the
 * message then has; the first is cancelled.
 *
 * What cannot be done (no structure, no memory) is left alone: the message
 * is as good as it was.
 */
#include "smtpd/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "mail/recode.h"

#include "base/banned.h"

#define SMALL_MAX	(2 * 1024 * 1024)	/* of 384 KiB, at the worst */
#define STEP		(256 * 1024)		/* octets between two turns */
#define OUT_MAX		(4 * STEP)

static const struct smtp_reply
    gone = { 451, "4.3.0", "cannot store the message now, try again later" };

enum pass { PASS_SHAPE, PASS_LOOK, PASS_WRITE };

/* A large one on its way into the second file. */
struct recoding {
	struct arena	arena;
	struct mime	mime;
	struct recode	recode;
	enum pass	pass;
	uint64_t	at, size;	/* of the first file */
	uint64_t	written;
	bool		has_8bit;
	int		file, filling;	/* the second, as in struct tx */
	char		mid[MID_LEN + 1];
	enum step	(*then)(struct smtp *);
	uint8_t		chunk[STEP];
};

static enum step	step(struct smtp *s);

static unsigned
reasons(const struct smtp *s)
{
	const struct conf *c = daemon_conf();
	unsigned why = 0;

	if (s->tx.body.has_long && str_same(c->smtpd.long_lines, "encode"))
		why |= RECODE_LONG;
	if (s->tx.body.has_8bit && str_same(c->smtpd.eight_bit, "encode"))
		why |= RECODE_8BIT;
	return s->service->is_submission ? why : 0;
}

static void
tell(const struct smtp *s, uint64_t was)
{
	smtp_log(s, LOG_LEVEL_INFO, "smtpd-recoded");
	log_str("mid", str_of(s->tx.mid));
	log_u64("was", was);
	log_u64("size", s->tx.written);
	log_end();
}

/* --- small --------------------------------------------------------------- */

static void
recode_small(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct str in = buf_str(&tx->content);
	uint64_t was = tx->written;
	struct arena a;
	struct mime m;
	struct recode r = { .why = 0 };
	struct buf out;

	arena_init(&a, MIME_ARENA_CAP);
	buf_init(&out, SMALL_MAX);
	if (mime_begin(&m, &a) == 0) {
		mime_feed(&m, in);
		mime_end(&m);
		if (recode_begin(&r, &m, reasons(s)) == 0) {
			recode_look(&r, in);
			if (recode_wanted(&r)) {
				recode_feed(&r, in, &out);
				recode_end(&r, &out);
			}
		}
	}
	recode_free(&r);
	arena_free(&a);
	if (out.len > 0 && !buf_failed(&out)) {
		buf_free(&tx->content);
		tx->content = out;
		tx->written = out.len;
		tx->body.has_8bit = !str_is_ascii(buf_str(&out));
		tell(s, was);
	} else {
		buf_free(&out);
	}
}

/* --- large --------------------------------------------------------------- */

void
tx_drop_recoding(struct tx *tx)
{
	struct recoding *g = tx->recoding;
	struct note_spool_cancel cancel = { .fd = -1 };

	if (g == NULL)
		return;
	if (g->mid[0] != '\0') {
		cancel.mid = str_of(g->mid);
		note_put_spool_cancel(daemon_peer(SPOOLD, 0), &cancel);
	}
	fd_close(&g->file);
	fd_close(&g->filling);
	recode_free(&g->recode);
	arena_free(&g->arena);
	free(g);
	tx->recoding = NULL;
}

/* Over, without or with a second file. */
static enum step
leave(struct smtp *s)
{
	enum step (*then)(struct smtp *) = s->tx.recoding->then;

	tx_drop_recoding(&s->tx);
	return then(s);
}

/* The second file takes the place of the first. */
static enum step
swap(struct smtp *s)
{
	struct tx *tx = &s->tx;
	struct recoding *g = tx->recoding;
	char mid[MID_LEN + 1];
	int file = tx->file;

	tx->file = g->file;
	g->file = file;
	memcpy(mid, tx->mid, sizeof(mid));
	memcpy(tx->mid, g->mid, sizeof(mid));
	memcpy(g->mid, mid, sizeof(mid));
	tx->written = g->written;
	tx->body.has_8bit = g->has_8bit;
	tell(s, g->size);
	return leave(s);
}

static enum step
failed(struct smtp *s)
{
	tx_drop_recoding(&s->tx);
	return smtp_data_refuse(s, &gone);
}

static bool
write_out(struct smtp *s, struct buf *out)
{
	struct recoding *g = s->tx.recoding;
	struct str all = buf_str(out);

	if (buf_failed(out) || file_write(g->filling, all) != 0)
		return false;
	digest_add(&s->tx.digest, all);
	g->written += all.n;
	g->has_8bit |= !str_is_ascii(all);
	return true;
}

static bool
write_chunk(struct smtp *s, struct str chunk)
{
	struct recoding *g = s->tx.recoding;
	struct buf out;
	bool good;

	buf_init(&out, OUT_MAX + MIME_FIELD_MAX);
	if (chunk.n > 0)
		recode_feed(&g->recode, chunk, &out);
	else
		recode_end(&g->recode, &out);
	good = write_out(s, &out);
	buf_free(&out);
	return good;
}

static void
on_file(void *session, const struct note *n)
{
	struct smtp *s = session;
	struct recoding *g = s->tx.recoding;
	const struct note_spool_file *file = note_as_spool_file(n);

	if (note_as_spool_view(n) != NULL) {
		g->file = note_take_fd(n);
		return;		/* SPOOL_FILE follows */
	}
	if (file != NULL && file->failed == 0)
		g->filling = note_take_fd(n);
	if (g->file < 0 || g->filling < 0) {
		smtp_go(s, failed(s));
		return;
	}
	digest_drop(&s->tx.digest);
	digest_begin(&s->tx.digest);
	smtp_go(s, step(s));
}

static enum step
ask_file(struct smtp *s)
{
	struct recoding *g = s->tx.recoding;
	struct note_spool_open ask = { .size = 0 };

	mid_make(clock_real_ms(), daemon_boot(), g->mid);
	ask.mid = str_of(g->mid);
	ask_spool_open(daemon_peer(SPOOLD, 0), &ask, on_file, s);
	return WAIT;
}

/* One pass is over. */
static enum step
next_pass(struct smtp *s)
{
	struct recoding *g = s->tx.recoding;

	g->at = 0;
	switch (g->pass++) {
	case PASS_SHAPE:
		mime_end(&g->mime);
		if (recode_begin(&g->recode, &g->mime, reasons(s)) != 0)
			return leave(s);
		return step(s);
	case PASS_LOOK:
		return recode_wanted(&g->recode) ? ask_file(s) : leave(s);
	default:
		return write_chunk(s, STR("")) ? swap(s) : failed(s);
	}
}

static enum step
step(struct smtp *s)
{
	struct recoding *g = s->tx.recoding;
	size_t n = g->size - g->at < STEP ? (size_t)(g->size - g->at) : STEP;
	struct str chunk = str_mem(g->chunk, n);

	if (n == 0)
		return next_pass(s);
	if (file_pread(s->tx.file, g->chunk, n, (off_t)g->at) != 0)
		return failed(s);
	g->at += n;
	if (g->pass == PASS_SHAPE)
		mime_feed(&g->mime, chunk);
	else if (g->pass == PASS_LOOK)
		recode_look(&g->recode, chunk);
	else if (!write_chunk(s, chunk))
		return failed(s);
	return smtp_delay(s, 0, step);
}

static enum step
recode_large(struct smtp *s, enum step (*then)(struct smtp *))
{
	struct recoding *g = xcalloc(1, sizeof(*g));

	s->tx.recoding = g;
	g->file = g->filling = -1;
	g->size = s->tx.written;
	g->then = then;
	arena_init(&g->arena, MIME_ARENA_CAP);
	if (mime_begin(&g->mime, &g->arena) != 0)
		return leave(s);
	return step(s);
}

/* --- both ---------------------------------------------------------------- */

enum step
smtp_recode(struct smtp *s, enum step (*then)(struct smtp *))
{
	if (reasons(s) == 0)
		return then(s);
	if (s->tx.is_large)
		return recode_large(s, then);
	recode_small(s);
	return then(s);
}
