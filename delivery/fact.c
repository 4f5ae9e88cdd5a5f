/* SPDX-License-Identifier: ISC */
/*
 * delivery/fact.c - what became of somebody: from a reply or its lack to a
 * row for qmgr, a line in the log and a count.  That a host has accepted it
 * goes to spoold first, for mail that is not known as sent is sent again.
 *
 * The code of a reply is taken as it stands; what its words mean is qmgr's to
 * say.
 */
#include "delivery/fact.h"

#include "base/log.h"
#include "delivery/job.h"

#include "base/banned.h"

struct counters counters;

/* --- from a session ------------------------------------------------------ */

enum remote_stage
fact_stage(enum smtp_step step)
{
	static const enum remote_stage stages[SMTP_STEPS] = {
		[SMTP_STEP_GREETING] = STAGE_GREETING,
		[SMTP_STEP_EHLO] = STAGE_EHLO, [SMTP_STEP_HELO] = STAGE_EHLO,
		[SMTP_STEP_LHLO] = STAGE_EHLO,
		[SMTP_STEP_STARTTLS] = STAGE_TLS,
		[SMTP_STEP_AUTH] = STAGE_AUTH,
		[SMTP_STEP_AUTH_USER] = STAGE_AUTH,
		[SMTP_STEP_AUTH_SECRET] = STAGE_AUTH,
		[SMTP_STEP_RSET] = STAGE_MAIL, [SMTP_STEP_MAIL] = STAGE_MAIL,
		[SMTP_STEP_RCPT] = STAGE_RCPT, [SMTP_STEP_DATA] = STAGE_DATA,
		[SMTP_STEP_DOT] = STAGE_DOT, [SMTP_STEP_QUIT] = STAGE_QUIT,
	};

	return stages[step];
}

static enum queue_result
result_of(unsigned code)
{
	return code / 100 == 2 ? QUEUE_DELIVERED :
	    code / 100 == 5 ? QUEUE_NEVER : QUEUE_LATER;
}

struct fact
fact_of_reply(const struct conn *c, enum smtp_step step,
    const struct smtp_heard *h)
{
	return (struct fact){ .result = result_of(h->code),
	    .stage = fact_stage(step), .code = h->code,
	    .status = smtp_heard_status(h), .host = str_of(c->host),
	    .address = str_of(c->address), .tls = str_of(c->tls),
	    .reply = buf_str(&h->text) };
}

/* A session that ended: by a reply or without one. */
struct fact
fact_of_end(const struct conn *c)
{
	struct fact f;

	if (c->reply_says) {
		f = fact_of_reply(c, c->stage, &c->heard);
		if (f.result == QUEUE_DELIVERED)
			f.result = QUEUE_LATER;
		return f;
	}
	return (struct fact){ .result = QUEUE_LATER,
	    .stage = fact_stage(c->stage), .status = STR("4.4.2"),
	    .host = str_of(c->host), .address = str_of(c->address),
	    .tls = str_of(c->tls), .reply = str_of(c->why) };
}

/* Of several hosts the last one that said something is the reason. */
void
fact_keep_best(struct job *j, const struct fact *f)
{
	j->any_temporary |= f->result != QUEUE_NEVER;
	if (j->has_best && j->best.code != 0 && f->code == 0)
		return;
	j->best = *f;
	j->best.status = job_kept(j, f->status);
	j->best.host = job_kept(j, f->host);
	j->best.address = job_kept(j, f->address);
	j->best.tls = job_kept(j, f->tls);
	buf_reset(&j->best_reply);	/* thousands of hosts may say much */
	buf_add(&j->best_reply, str_sub(f->reply, 0, SMTP_HEARD_KEPT));
	j->best.reply = buf_str(&j->best_reply);
	j->has_best = true;
}

/* --- to qmgr ------------------------------------------------------------- */

static const char *
stage_name(enum remote_stage stage)
{
	static const char *const names[] = {
		[STAGE_DNS] = "dns", [STAGE_CONNECT] = "connect",
		[STAGE_GREETING] = "greeting", [STAGE_EHLO] = "ehlo",
		[STAGE_TLS] = "tls", [STAGE_AUTH] = "auth",
		[STAGE_MAIL] = "mail", [STAGE_RCPT] = "rcpt",
		[STAGE_DATA] = "data", [STAGE_DOT] = "dot",
		[STAGE_QUIT] = "quit",
	};

	return names[stage];
}

static void
count_result(enum queue_result r)
{
	counters.accepted += r == QUEUE_DELIVERED;
	counters.later += r == QUEUE_LATER;
	counters.never += r == QUEUE_NEVER;
	counters.unknown += r == QUEUE_UNKNOWN;
}

static void
log_fact(const struct job *j, size_t i, const struct fact *f)
{
	static const char *const words[] = { [QUEUE_DELIVERED] = "accepted",
	    [QUEUE_LATER] = "later", [QUEUE_NEVER] = "never",
	    [QUEUE_UNKNOWN] = "unknown" };

	log_event(LOG_LEVEL_INFO, "remote-result");
	log_str("mid", j->mid);
	log_str("to", j->env.to[i].address);
	log_z("result", words[f->result]);
	log_z("stage", stage_name(f->stage));
	log_str("host", f->host);
	log_str("address", f->address);
	log_str("tls", f->tls);
	log_str("reply", f->reply);
	log_end();
}

/* R18: straight to who writes it down, whoever else dies. */
static void
tell_sent(const struct job *j, uint32_t number)
{
	struct note_remote_sent n = { .mid = j->mid, .number = number };
	struct chan *c = daemon_peer(SPOOLD, 0);

	if (chan_ok(c))		/* else qmgr remembers it */
		note_put_remote_sent(c, &n);
}

void
fact_tell(struct job *j, size_t i, const struct fact *f)
{
	struct note_remote_row n = { .number = j->rcpt[i].number,
	    .result = f->result, .stage = f->stage, .code = f->code,
	    .status = str_sub(f->status, 0, 16),
	    .host = str_sub(f->host, 0, 255), .address = f->address,
	    .tls = f->tls, .reply = str_sub(f->reply, 0, 4096) };

	if (j->rcpt[i].told)
		return;
	j->rcpt[i].told = true;
	count_result(f->result);
	log_fact(j, i, f);
	if (f->result == QUEUE_DELIVERED)
		tell_sent(j, n.number);
	if (j->qmgr != NULL)
		note_answer_remote_row(j->qmgr, j->ticket, &n);
}
