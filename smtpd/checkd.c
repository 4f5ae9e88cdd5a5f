/* SPDX-License-Identifier: ISC */
/*
 * smtpd/checkd.c - whom a message may be believed to come from.
 *
 * In: CHECK_ASK from smtpd: client, HELO, MAIL FROM, and the content on a
 * descriptor; SPF_ASK from ctld.  Out: one Authentication-Results line, and
 * whether to accept, mark or refuse (verdict.c).  SPF is sender.c, DKIM and
 * DMARC are author.c, the client's name is client.c; they ask resolvd, and run
 * side by side.
 *
 * Many checks are under way at once and none waits for another.  `check
 * timeout' bounds each: what is not known by then is temperror.  checkd
 * opens nothing, and what it is told it tells nobody but who asked.
 *
 * RFC 7208, 6376, 9989, 8601; 7372 for the codes of refusals.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "event/loop.h"
#include "smtpd/author.h"
#include "smtpd/client.h"
#include "smtpd/second.h"
#include "smtpd/sender.h"
#include "smtpd/verdict.h"

#include "base/banned.h"

enum {
	RECYCLE_AT = 10000,	/* checks; what the libraries keep is given back */
	CHECKS_MAX = 1000,	/* under way; more are refused: later */
	ADDED_MAX = 8192,	/* of the note */
	GRACE_MS = 1000,	/* sender.c has its own deadline: it is first */
	FACTS_MAX = 4096,
	NAME_WAIT_MS = 5000,	/* reverse zones are often dead, and decide
				 * least */
};

struct check {
	struct link	link;
	struct chan	*chan;
	uint32_t	ticket;
	int		fd;		/* -1: only SPF is asked for */
	struct arena	arena;
	struct str	mid, sid, peer, helo, mail;
	struct sender	*sender;
	struct author	*author;
	struct client	*client;	/* NULL: not asked for */
	bool		has_sender, has_author, has_client;
	struct timer	deadline;
};

static struct {
	struct link	checks;
	unsigned	open;
	uint64_t	checked, asked, late, refused, marked;
	uint64_t	spf[SPF_PERMERROR + 1], dmarc[DMARC_PERMERROR + 1];
} checkd;

/* --- one check ----------------------------------------------------------- */

static void
check_free(struct check *c)
{
	list_remove(&c->link);
	timer_stop(&c->deadline);
	sender_free(c->sender);
	author_free(c->author);
	client_free(c->client);
	fd_close(&c->fd);
	arena_free(&c->arena);
	free(c);
	checkd.open--;
}

static struct check *
check_new(struct chan *chan, uint32_t ticket, timer_fn *deadline)
{
	struct check *c = xcalloc(1, sizeof(*c));

	c->chan = chan;
	c->ticket = ticket;
	c->fd = -1;
	arena_init(&c->arena, FACTS_MAX);
	timer_init(&c->deadline, deadline);
	timer_set(&c->deadline, daemon_conf()->check.timeout + GRACE_MS);
	list_push(&checkd.checks, &c->link);
	checkd.open++;
	return c;
}

/* --- the answer ---------------------------------------------------------- */

static struct verdict_facts
facts_of(const struct check *c)
{
	static const struct author_verdict late = {
		.result = DMARC_TEMPERROR, .domain = { NULL, 0 },
	};
	const struct spf *spf = sender_spf(c->sender);
	const struct author_verdict *a = c->has_author ?
	    author_verdict(c->author) : &late;

	return (struct verdict_facts){
		.peer = c->peer,
		.spf = c->has_sender ? spf->result : SPF_TEMPERROR,
		.spf_domain = spf->domain,
		.explanation = str_of(spf->explanation),
		.dmarc = a->result, .policy = a->policy,
		.dmarc_domain = a->domain,
		.client = c->client == NULL ? CLIENT_NONE : c->has_client ?
		    client_result(c->client) : CLIENT_TEMPERROR,
	};
}

static void
put_late(struct authres *a, const char *method)
{
	authres_result(a, method, "temperror");
	authres_reason(a, "no answer in time");
}

static void
put_results(const struct check *c, struct buf *out)
{
	const struct conf *conf = daemon_conf();
	struct authres a;

	authres_begin(&a, out, conf->check.authserv_id.n > 0 ?
	    conf->check.authserv_id : conf->site.hostname);
	if (c->has_sender)
		sender_put(c->sender, &a);
	else
		put_late(&a, "spf");
	if (c->has_author) {
		author_put(c->author, &a);
	} else {
		put_late(&a, "dkim");
		put_late(&a, "dmarc");
	}
	if (c->client != NULL && c->has_client)
		client_put(c->client, &a);
	else if (c->client != NULL)
		put_late(&a, "iprev");
	authres_end(&a);
}

static void
count(const struct verdict_facts *f, const struct verdict *v)
{
	checkd.checked++;
	checkd.spf[f->spf]++;
	checkd.dmarc[f->dmarc]++;
	checkd.refused += v->action == CHECK_REJECT || v->action == CHECK_LATER;
	checkd.marked += v->action == CHECK_MARK;
}

static void
log_check(const struct check *c, const struct verdict_facts *f,
    const struct verdict *v)
{
	static const char *const actions[] = {
		[CHECK_ACCEPT] = "accept", [CHECK_MARK] = "mark",
		[CHECK_REJECT] = "reject", [CHECK_LATER] = "later",
	};

	log_event(LOG_LEVEL_INFO, "checkd-verdict");
	log_str("sid", c->sid);
	log_str("mid", c->mid);
	log_str("peer", c->peer);
	log_str("sender", c->mail);
	log_z("spf", spf_result_name(f->spf));
	log_str("spf-domain", f->spf_domain);
	log_z("iprev", client_result_name(f->client));
	log_z("dmarc", dmarc_result_name(f->dmarc));
	log_z("policy", dmarc_policy_name(f->policy));
	log_str("author", f->dmarc_domain);
	log_z("action", actions[v->action]);
	if (v->action != CHECK_ACCEPT)
		log_z("rule", v->mark);
	log_end();
}

static void
answer(struct check *c)
{
	struct verdict_facts f = facts_of(c);
	struct verdict v = verdict_of(daemon_conf(), &f);
	struct note_check_done done = { .action = v.action };
	struct buf added, text;

	buf_init(&added, ADDED_MAX);
	buf_init(&text, TEXT_MAX);
	put_results(c, &added);
	if (v.action == CHECK_MARK)
		buf_fmt(&added, "X-Veredus-Suspect: %s\r\n", v.mark);
	if (v.action == CHECK_REJECT || v.action == CHECK_LATER) {
		done.code = v.code;
		done.status = str_of(v.status);
		verdict_text(&v, &f, &text);
		done.text = buf_str(&text);
	}
	done.added = buf_str(&added);
	done.failed = buf_failed(&added) ? -FAIL_TOO_BIG : 0;
	count(&f, &v);
	log_check(c, &f, &v);
	note_answer_check_done(c->chan, c->ticket, &done);
	buf_free(&added);
	buf_free(&text);
	check_free(c);
	/* What has been asked meanwhile smtpd asks again; where some check is
	 * always open, so is what that one asked. */
	if (checkd.checked >= RECYCLE_AT && (checkd.open == 0 ||
	    checkd.checked >= 2 * RECYCLE_AT))
		daemon_renew();
}

/* --- its parts ----------------------------------------------------------- */

static void
answer_if_all(struct check *c)
{
	if (c->has_sender && c->has_author && (c->has_client ||
	    c->client == NULL))
		answer(c);
}

static void
on_client(void *arg)
{
	struct check *c = arg;

	c->has_client = true;
	answer_if_all(c);
}

static void
on_author(void *arg)
{
	struct check *c = arg;

	c->has_author = true;
	answer_if_all(c);
}

static void
on_sender(void *arg)
{
	struct check *c = arg;
	const struct spf *spf = sender_spf(c->sender);

	c->has_sender = true;
	author_spf(c->author, spf->result, spf->domain);
	answer_if_all(c);
}

static void
on_deadline(struct timer *t)
{
	struct check *c = container_of(t, struct check, deadline);

	checkd.late++;
	answer(c);
}

static void
ask_name(struct check *c)
{
	int64_t wait_ms = daemon_conf()->check.timeout;

	if (!str_same(daemon_conf()->check.iprev, "no"))
		c->client = client_new(c->peer, wait_ms < NAME_WAIT_MS ?
		    wait_ms : NAME_WAIT_MS, on_client, c);
}

static void
on_check(struct chan *chan, const struct note *n)
{
	const struct note_check_ask *ask = note_as_check_ask(n);
	struct note_check_done busy = { .failed = -FAIL_TEMP };
	struct check *c;

	if (n->fd < 0 || checkd.open >= CHECKS_MAX) {
		note_answer_check_done(chan, n->ticket, &busy);
		return;
	}
	c = check_new(chan, n->ticket, on_deadline);
	c->fd = note_take_fd(n);
	c->mid = arena_str(&c->arena, ask->mid);
	c->sid = arena_str(&c->arena, ask->sid);
	c->peer = arena_str(&c->arena, ask->peer);
	c->helo = arena_str(&c->arena, ask->helo);
	c->mail = arena_str(&c->arena, ask->sender);
	c->sender = sender_new(c->peer, c->helo, c->mail,
	    daemon_conf()->check.timeout, on_sender, c);
	c->author = author_new(c->fd, 0, ask->size, on_author, c);
	ask_name(c);
}

/* --- veredus spf --------------------------------------------------------- */

static void
answer_spf(struct check *c)
{
	const struct spf *spf = sender_spf(c->sender);
	struct note_spf_done done = {
		.verdict = str_of(c->has_sender ?
		    spf_result_name(spf->result) : "temperror"),
		.lookups = spf->lookups, .voids = spf->voids,
		.domain = spf->domain, .term = str_sub(spf->matched, 0, 1024),
		.term_domain = spf->matched_in,
		.explanation = str_of(spf->explanation),
		.text = str_of(spf->why.text),
	};

	checkd.asked++;
	note_answer_spf_done(c->chan, c->ticket, &done);
	check_free(c);
}

static void
on_spf_deadline(struct timer *t)
{
	answer_spf(container_of(t, struct check, deadline));
}

static void
on_spf_sender(void *arg)
{
	struct check *c = arg;

	c->has_sender = true;
	answer_spf(c);
}

static void
on_spf(struct chan *chan, const struct note *n)
{
	const struct note_spf_ask *ask = note_as_spf_ask(n);
	struct check *c = check_new(chan, n->ticket, on_spf_deadline);

	c->sender = sender_new(ask->peer, ask->helo, ask->sender,
	    daemon_conf()->check.timeout, on_spf_sender, c);
}

/* --- the process --------------------------------------------------------- */

static void
on_note(struct chan *c, const struct note *n)
{
	if (note_as_check_ask(n) != NULL)
		on_check(c, n);
	else if (note_as_spf_ask(n) != NULL)
		on_spf(c, n);
}

/* Nobody waits any more for what this peer asked. */
static void
on_peer_gone(struct chan *chan)
{
	struct link *at, *next;

	list_each_safe(at, next, &checkd.checks) {
		struct check *c = container_of(at, struct check, link);

		if (c->chan == chan)
			check_free(c);
	}
}

static void
on_stat(void)
{
	static const char *const spf[] = { "spf-none", "spf-neutral",
	    "spf-pass", "spf-fail", "spf-softfail", "spf-temperror",
	    "spf-permerror" };
	static const char *const dmarc[] = { "dmarc-none", "dmarc-pass",
	    "dmarc-fail", "dmarc-temperror", "dmarc-permerror" };

	daemon_stat("checked", checkd.checked);
	daemon_stat("open", checkd.open);
	daemon_stat("late", checkd.late);
	daemon_stat("refused", checkd.refused);
	daemon_stat("marked", checkd.marked);
	daemon_stat("spf-asked", checkd.asked);
	for (size_t i = 0; i < NITEMS(spf); i++)
		daemon_stat(spf[i], checkd.spf[i]);
	for (size_t i = 0; i < NITEMS(dmarc); i++)
		daemon_stat(dmarc[i], checkd.dmarc[i]);
	second_stat();
}

static bool
start(void)
{
	second_watch();
	return true;
}

int
main(int argc, char **argv)
{
	static const struct daemon_ops ops = {
		.kind = CHECKD, .before_cage = author_init,
		.before_lock = second_fork, .start = start,
		.on_note = on_note, .on_peer_gone = on_peer_gone,
		.on_stat = on_stat,
	};

	list_init(&checkd.checks);
	daemon_main(&ops, argc, argv);
}
