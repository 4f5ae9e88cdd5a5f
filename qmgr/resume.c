/* SPDX-License-Identifier: ISC */
/*
 * qmgr/resume.c - lanes that were paused when the last qmgr ended.
 *
 * Nothing of a lane is written down but what the queue says of its mail: a
 * recipient who was told *too fast* waits until the pause ends, and has the
 * receiver's words as its reason.  So when spoold tells the queue again, the
 * pause follows from the same words by the same table, and no second truth
 * can disagree with the first.  At its end goes one probe, as it would have.
 *
 * Not kept: pace and concurrency.  A lane that is new to us begins with one
 * delivery at a time and grows from there, which is the same caution.
 *
 * A queue of a million waits for many reasons: of each host only the first
 * few are read.  Until all is told nobody is sent, for the one who paused his
 * lane may be told of last; but not for longer than a few seconds, for new
 * mail must not wait for a long queue to be read.
 */
#include "qmgr/resume.h"

#include "base/clock.h"
#include "qmgr/qmgr.h"
#include "qmgr/terms.h"
#include "qmgr/where.h"

#include "base/banned.h"

enum {
	WORDS_MAX = 32,		/* reasons of one host that are read */
	PATIENCE_MS = 5000,	/* for spoold to tell all */
};

static struct {
	struct dict	read;	/* host -> how many, kept in the pointer */
	bool		is_over;	/* all was told once */
	int64_t		since_ms;
} resume;

void
resume_init(void)
{
	dict_init(&resume.read);
	resume.is_over = false;
	resume.since_ms = clock_mono_ms();
}

/* "HOST said: REPLY", as send.c writes it. */
static bool
split(struct str reason, struct str *host, unsigned *code, struct str *reply)
{
	static const char said[] = " said: ";
	size_t at = str_find(reason, str_of(said));
	uint64_t n;

	if (at == 0 || at >= reason.n)
		return false;
	*host = str_sub(reason, 0, at);
	*reply = str_from(reason, at + sizeof(said) - 1);
	if (str_chr(*host, ' ') < host->n || reply->n < 3 ||
	    !str_u64(str_sub(*reply, 0, 3), 599, &n))
		return false;
	*code = (unsigned)n;
	return true;
}

static bool
is_enough(struct str host)
{
	uintptr_t n = (uintptr_t)dict_get(&resume.read, host);

	if (n >= WORDS_MAX)
		return true;
	(void)dict_put(&resume.read, host, (void *)(n + 1));
	return false;
}

/* The verdicts that send.c pauses a lane for. */
static bool
is_too_fast(struct str host, unsigned code, struct str reply)
{
	enum verdict v = provider_verdict(&qmgr.providers,
	    provider_of_mx(&qmgr.providers, host), code, reply, NULL);

	return v == VERDICT_SLOW || (v == VERDICT_REPUTATION &&
	    code / 100 != 5);
}

void
resume_look(const struct note_queue_new *n)
{
	int64_t now = clock_real_ms();
	struct str host, reply;
	struct lane_terms terms;
	struct lane *l;
	unsigned code;

	if (resume.is_over || n->kind != ROUTE_REMOTE || n->held ||
	    n->next_ms <= now || !split(n->reason, &host, &code, &reply) ||
	    is_enough(host) || !is_too_fast(host, code, reply))
		return;
	l = where_host(host);
	terms = terms_of(l);
	if (!lane_was_paused(&qmgr.lanes, l, &terms, n->next_ms, n->reason,
	    now))
		return;
	log_event(LOG_LEVEL_INFO, "lane-still-paused");
	log_z("lane", l->key);
	log_i64("for_s", (n->next_ms - now) / 1000);
	log_z("reason", l->reason);
	log_end();
}

int64_t
resume_waits_ms(void)
{
	int64_t left = resume.since_ms + PATIENCE_MS - clock_mono_ms();

	return resume.is_over || left < 0 ? 0 : left;
}

void
resume_over(void)
{
	resume.is_over = true;
	dict_free(&resume.read);
	dict_init(&resume.read);
}
