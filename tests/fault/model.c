/* SPDX-License-Identifier: ISC */
/*
 * tests/fault/model - the promise under thousands of kills, cuts and errors.
 *
 * Runs lib/journal as it is on a simulated disk (simdisk.h), with a random
 * schedule of commits, deliveries, deferrals, spills, syncs, sync errors,
 * full disks, kills in any call and power cuts, also during recovery.
 * stored, syncd, qmgr, remote, bounce and the world are a few lines each; a
 * ledger knows what was answered.
 *
 * Always true, or the run fails:
 *	lost	what was answered is delivered, or waits and can be read
 *	ghost	what was refused is never delivered (but for the named window:
 *		the ring broke twice in a row)
 *	early	an END record is durable only when its result is on the disk
 *	again	a recipient whose END is durable, or was said to be, is never
 *		handed over or sent again
 *	bounces	who was refused is in exactly one DSN, who was taken in none
 *		(but for the same window, with a kill and a cut behind it)
 *	forgets	a try that was said to be written down is counted
 *	stuck	left in peace, everything ends and new mail is taken
 *
 *	model [runs [first-seed]]	all rules kept: must pass
 *	model --broken LETTERS [runs [seed]]	must fail (VEREDUS_FAULTS)
 *	model --prove			each letter in turn must fail
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "journal/spool.h"
#include "tests/fault/simdisk.h"

#include "base/banned.h"

#ifdef VEREDUS_SANITIZE
#define RUNS		100	/* each ten times as slow, and the same ones */
#else
#define RUNS		400
#endif
#define MESSAGES	256	/* with DSNs */
#define PLAIN		60	/* then no more are brought */
#define RECIPIENTS	3
#define FLIGHTS		256
#define REPORTS		4	/* DSNs that bounce has in hand */

enum { REMOTE = 1 };
/* What the world does with a recipient elsewhere. */
enum fate { TAKES, PUTS_OFF, REFUSES, NEVER_TRIED };
enum answer { UNKNOWN, ANSWERED, REFUSED, UNSURE };

struct ledger {
	char		mid[MID_LEN + 1];
	struct buf	content;
	uint32_t	n_to;
	uint32_t	kind[RECIPIENTS];
	enum fate	fate[RECIPIENTS];
	bool		ended[RECIPIENTS];
	bool		said[RECIPIENTS];	/* its END, to be durable */
	bool		waits[RECIPIENTS];
	unsigned	sent[RECIPIENTS], bounced[RECIPIENTS];
	unsigned	put_off[RECIPIENTS];	/* the world's memory */
	unsigned	attempts[RECIPIENTS];	/* said to be durable */
	bool		failed[RECIPIENTS];	/* qmgr's memory: to bounce */
	enum answer	answer;
	int		cause;		/* ledger entry this DSN ends, or -1 */
	uint32_t	closes;		/* bits: its recipients */
	bool		there;		/* this DSN counts */
	bool		unsure;		/* it, or one about it, when the ring died */
};

/* A DSN on its way from qmgr by bounce to spoold; outlives qmgr. */
struct report {
	int		cause;
	uint32_t	numbers;	/* bits; 0: nobody's */
};

/* A hand-over that stored has not answered. */
struct flight {
	int		entry;
	uint32_t	number;
	bool		repeat, anew;
	bool		written;	/* answer not given yet */
};

struct run {
	struct sim	sim;
	struct disk	disk;
	struct spool	*spool;
	struct ledger	book[MESSAGES];
	int		entries;
	struct link	told;		/* marks that spoold owes an answer */
	struct flight	flight[FLIGHTS];
	int		flights;
	struct report	report[REPORTS];
	bool		unsynced_errors;	/* until mounted anew */
	int64_t		now;
	const char	*violation;
	char		text[300];
	unsigned	kills, cuts, errors, deaths;
	unsigned	sent, twice, bounced;
	bool		verbose;
	bool		lazy;		/* no sync begins for a while */
	struct journal_limits limits;
};


static void
violate(struct run *r, const char *what, const char *mid, uint32_t number)
{
	if (r->violation != NULL)
		return;
	r->violation = what;
	snprintf(r->text, sizeof(r->text), "%s: %s recipient %" PRIu32, what,
	    mid, number);
}

static int
entry_of(struct run *r, const char *mid)
{
	for (int i = 0; i < r->entries; i++)
		if (strcmp(r->book[i].mid, mid) == 0)
			return i;
	return -1;
}

/* A DSN is there: whom it is about has had his bounce. */
static void
counts(struct run *r, struct ledger *l)
{
	struct ledger *cause = l->cause >= 0 ? &r->book[l->cause] : NULL;

	if (cause == NULL || l->there)
		return;
	l->there = true;
	for (uint32_t n = 0; n < cause->n_to; n++)
		if ((l->closes >> n & 1) != 0 && cause->bounced[n]++ > 0 &&
		    !cause->unsure)
			violate(r, "bounced twice", cause->mid, n);
	r->bounced++;
}

/* --- what spool tells ---------------------------------------------------- */

static void
on_committed(void *arg, struct message *m, int fail)
{
	struct run *r = arg;
	struct ledger *l = &r->book[entry_of(r, m->mid)];

	if (r->sim.halted)
		return;		/* died before it could say so */
	if (fail == 0 && l->there && !l->unsure)
		violate(r, "bounced twice (the same DSN)", m->mid, 0);
	if (fail == FAIL_PERM) {
		l->unsure = true;
		if (l->cause >= 0)
			r->book[l->cause].unsure = true;
	}
	l->answer = fail == 0 ? ANSWERED : fail == FAIL_PERM ? UNSURE : REFUSED;
	if (fail == 0)
		counts(r, l);
	if (r->verbose)
		printf("  answer %s %d\n", m->mid, fail);
}

static bool
may_appear(struct run *r, struct message *m, uint32_t number)
{
	int e = entry_of(r, m->mid);
	struct buf got;
	bool same;

	if (e < 0) {
		violate(r, "ghost (never said)", m->mid, number);
		return false;
	}
	if (r->book[e].answer == REFUSED)
		violate(r, "ghost", m->mid, number);
	if (r->book[e].ended[number] || r->book[e].said[number])
		violate(r, "again", m->mid, number);
	counts(r, &r->book[e]);
	buf_init(&got, 1u << 20);
	if (spool_content(r->spool, m, &got) != 0)
		same = r->sim.halted;
	else
		same = str_eq(buf_str(&got), buf_str(&r->book[e].content));
	buf_free(&got);
	if (!same)
		violate(r, "content", m->mid, number);
	return true;
}

static void
on_deliver(void *arg, struct message *m, uint32_t number)
{
	struct run *r = arg;

	if (r->sim.halted || !may_appear(r, m, number))
		return;
	if (r->verbose)
		printf("  deliver %s %u\n", m->mid, number);
	if (r->flights == FLIGHTS)
		abort();
	r->flight[r->flights++] = (struct flight){ entry_of(r, m->mid),
	    number, m->to[number].repeat, m->to[number].anew, false };
	spool_given(r->spool, m, number);
}

static void
on_waits(void *arg, struct message *m, uint32_t number)
{
	struct run *r = arg;
	int e;

	if (r->verbose)
		printf("  waits %s %u\n", m->mid, number);
	if (r->sim.halted || !may_appear(r, m, number))
		return;
	e = entry_of(r, m->mid);
	if (m->env.to[number].attempts < r->book[e].attempts[number])
		violate(r, "forgets", m->mid, number);
	r->book[e].waits[number] = true;
}

static void
mail_name(const struct ledger *l, uint32_t number, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "mail/%s.%" PRIu32, l->mid, number);
}

static bool
mailed(struct run *r, const struct ledger *l, uint32_t number, bool platter)
{
	char name[DISK_NAME_MAX];
	struct str got;

	mail_name(l, number, name);
	return sim_get(&r->sim, name, platter, &got) &&
	    str_eq(got, buf_str(&l->content));
}

static void
on_ended(void *arg, struct message *m, uint32_t number)
{
	struct run *r = arg;
	int e = entry_of(r, m->mid);

	if (r->sim.halted || e < 0)
		return;
	if (r->verbose)
		printf("  ended %s %u\n", m->mid, number);
	if (r->book[e].kind[number] != REMOTE &&
	    !mailed(r, &r->book[e], number, true))
		violate(r, "early", m->mid, number);
	r->book[e].ended[number] = true;
	r->book[e].waits[number] = false;
}

static void
on_corrupt(void *arg, const char *name, struct str bytes, const char *what)
{
	struct run *r = arg;

	/* A batch whose flush failed, whose process died before it could
	 * make it void, is damage to whoever comes next; it was not answered. */
	(void)bytes;
	if (!r->sim.halted && r->sim.failed_syncs + r->sim.failed_writes == 0)
		violate(r, what, name, 0);
}

static const struct spool_ops ops = {
	.committed = on_committed, .deliver = on_deliver, .waits = on_waits,
	.ended = on_ended, .corrupt = on_corrupt,
};

/* --- steps --------------------------------------------------------------- */

static int
fill(void *arg, uint8_t *to, size_t n)
{
	memcpy(to, arg, n);
	return 0;
}

/* Texts of mail are what a stranger likes: also an old block of the ring. */
static void
make_content(struct run *r, struct ledger *l)
{
	struct str ring;
	char line[64];
	size_t n = sim_rand(&r->sim, 9000);

	buf_init(&l->content, 1u << 20);
	snprintf(line, sizeof(line), "message %d\r\n", r->entries);
	buf_z(&l->content, line);
	if (sim_rand(&r->sim, 4) == 0 &&
	    sim_get(&r->sim, "journal/s0000", false, &ring) && ring.n > 8192) {
		buf_add(&l->content, str_sub(ring, 4096 + 4096 *
		    sim_rand(&r->sim, 8), 4096));
		return;
	}
	while (l->content.len < n)
		buf_add(&l->content, STR("some words of a letter\r\n"));
}

static struct ledger *
new_entry(struct run *r, struct recipient *to)
{
	struct ledger *l = &r->book[r->entries];

	memset(l, 0, sizeof(*l));
	l->cause = -1;
	mid_make(1000 + r->now, 1, l->mid);
	make_content(r, l);
	l->n_to = 1 + (uint32_t)sim_rand(&r->sim, RECIPIENTS);
	for (uint32_t i = 0; i < l->n_to; i++) {
		l->kind[i] = sim_rand(&r->sim, 3) == 0 ? REMOTE : 0;
		l->fate[i] = l->kind[i] == REMOTE ?
		    (enum fate)sim_rand(&r->sim, NEVER_TRIED + 1) : TAKES;
		to[i] = (struct recipient){ .kind = l->kind[i],
		    .address = STR("joe@example.org") };
	}
	return l;
}

/* A recipient that waits and will be tried. */
static bool
find_waiting(struct run *r, int *e_out, uint32_t *number_out)
{
	int from = r->entries > 0 ? (int)sim_rand(&r->sim,
	    (uint64_t)r->entries) : 0;

	for (int i = 0; i < r->entries; i++) {
		struct ledger *l = &r->book[(from + i) % r->entries];

		for (uint32_t n = 0; n < l->n_to; n++)
			if (l->waits[n] && l->fate[n] != NEVER_TRIED) {
				*e_out = (from + i) % r->entries;
				*number_out = n;
				return true;
			}
	}
	return false;
}

static int
offer(struct run *r, enum journal_type type, struct envelope *e,
    struct ledger *l)
{
	struct message *m;
	int fail = FAIL_TEMP;

	e->mid = str_of(l->mid);
	e->n_to = l->n_to;
	e->size = l->content.len;
	for (int try = 0; try < 3 && fail == FAIL_TEMP; try++) {
		if (try > 0)
			spool_flush(r->spool);
		fail = spool_commit(r->spool, type, e, e->size, fill,
		    l->content.p, r->now, &m);
	}
	return fail;
}

static int
commit_one(struct run *r)
{
	struct recipient to[RECIPIENTS];
	struct envelope e = { .to = to, .flags = 1 };
	enum journal_type type = JOURNAL_COMMIT;
	char name[DISK_NAME_MAX];
	struct ledger *l;
	int fail;

	if (r->entries >= PLAIN)
		return 0;
	l = new_entry(r, to);
	if (l->kind[0] != REMOTE && sim_rand(&r->sim, 5) == 0) {
		type = JOURNAL_APPEND;
		l->n_to = 1;
		e.mailbox = STR("Sent");
		mail_name(l, 0, name);	/* stored has written it already */
		sim_put(&r->sim, name, buf_str(&l->content), 0);
	}
	r->entries++;
	fail = offer(r, type, &e, l);
	if (fail != 0 && !r->sim.halted)
		l->answer = REFUSED;
	return fail;
}

static void
step_commit(struct run *r)
{
	for (uint64_t n = 1 + sim_rand(&r->sim, 3); n > 0; n--)
		(void)commit_one(r);
	spool_flush(r->spool);
}

static void
step_flush(struct run *r)
{
	spool_flush(r->spool);
}

/* stored, as rule 14 asks: an equal file is adopted after a start, unless a
 * sync failed since the file system was mounted. */
static void
stored_write(struct run *r, struct flight *f)
{
	struct ledger *l = &r->book[f->entry];
	char name[DISK_NAME_MAX];
	bool adopt = f->repeat && !f->anew && !r->unsynced_errors;

	mail_name(l, f->number, name);
	if (!adopt || !mailed(r, l, f->number, false))
		sim_put(&r->sim, name, buf_str(&l->content), 0);
	f->written = true;
}

static void
step_stored(struct run *r)
{
	struct flight f;
	struct message *m;
	int i;

	if (r->flights == 0)
		return;
	i = (int)sim_rand(&r->sim, (uint64_t)r->flights);
	if (!r->flight[i].written) {
		stored_write(r, &r->flight[i]);
		if (sim_rand(&r->sim, 2) == 0)
			return;		/* the answer takes its time */
	}
	f = r->flight[i];
	r->flight[i] = r->flight[--r->flights];
	m = spool_find(r->spool, str_of(r->book[f.entry].mid));
	if (m == NULL)
		return;
	if (m->type == JOURNAL_COMMIT && sim_rand(&r->sim, 12) == 0) {
		/* says: later */
		struct mark mark = { .number = f.number, .attempts = 1,
		    .state = RECIPIENT_WAITS, .reason = STR("later") };

		spool_taken_back(r->spool, m, f.number);
		spool_mark(r->spool, m, &mark, NULL, NULL);
		r->book[f.entry].waits[f.number] = true;
		return;
	}
	spool_result(r->spool, m, f.number);
}

/* --- mail that travels: qmgr, remote, bounce and the world ---------------- */

struct told {
	struct link	link;
	struct run	*run;
	char		mid[MID_LEN + 1];
	uint32_t	number;
	unsigned	attempts;
	bool		is_end;
};

/* spoold says that a mark is durable. */
static void
on_marked(void *arg, int fail)
{
	struct told *t = arg;
	int e = entry_of(t->run, t->mid);
	struct ledger *l = e >= 0 ? &t->run->book[e] : NULL;

	if (fail == 0 && l != NULL && !t->run->sim.halted) {
		l->said[t->number] |= t->is_end;
		if (!t->is_end && t->attempts > l->attempts[t->number])
			l->attempts[t->number] = t->attempts;
		l->waits[t->number] |= !t->is_end;
	}
	list_remove(&t->link);
	free(t);
}

/* Nobody is left to be told. */
static void
forget_told(struct run *r)
{
	struct link *l;

	while ((l = list_pop(&r->told)) != NULL)
		free(container_of(l, struct told, link));
}

static void
mark(struct run *r, struct message *m, uint32_t number, bool is_end)
{
	struct told *t = malloc(sizeof(*t));
	struct mark mark = { .number = number,
	    .attempts = m->env.to[number].attempts + 1,
	    .state = is_end ? RECIPIENT_DONE : RECIPIENT_WAITS,
	    .reason = is_end ? STR("") : STR("451 later") };

	*t = (struct told){ .run = r, .number = number, .is_end = is_end,
	    .attempts = mark.attempts };
	memcpy(t->mid, m->mid, sizeof(t->mid));
	list_init(&t->link);
	list_push(&r->told, &t->link);
	spool_mark(r->spool, m, &mark, on_marked, t);
}

/* The world answers the final dot. */
static void
send_one(struct run *r, struct ledger *l, struct message *m, uint32_t number)
{
	switch (l->fate[number]) {
	case PUTS_OFF:
		if (l->put_off[number]++ < 2) {
			mark(r, m, number, false);
			return;
		}
		break;
	case REFUSES:
		l->failed[number] = true;
		return;
	case TAKES:
	case NEVER_TRIED:
		break;
	}
	if (l->ended[number] || l->said[number])
		violate(r, "again (sent)", l->mid, number);
	r->sent++;
	r->twice += l->sent[number]++ > 0;
	if (r->verbose)
		printf("  sent %s %u\n", l->mid, number);
	mark(r, m, number, true);
	if (sim_rand(&r->sim, 2) == 0)	/* remote says so, then qmgr */
		mark(r, m, number, true);
}

/* qmgr: another attempt. */
static void
step_try(struct run *r)
{
	struct message *m;
	struct ledger *l;
	uint32_t number;
	int e;

	if (!find_waiting(r, &e, &number))
		return;
	l = &r->book[e];
	m = spool_find(r->spool, str_of(l->mid));
	if (m == NULL) {
		if (!r->sim.halted && l->answer == ANSWERED)
			violate(r, "lost (cannot be found)", l->mid, number);
		return;
	}
	if (m->to[number].state != DELIVERY_WAITS)
		return;		/* its mark still gathers */
	l->waits[number] = false;
	if (l->kind[number] == REMOTE) {
		send_one(r, l, m, number);
	} else {
		m->to[number].repeat = true;
		on_deliver(r, m, number);
	}
}

/* qmgr: all who have failed in a message share a DSN, or a part of them. */
static void
step_fail(struct run *r)
{
	struct report *to = NULL;
	int from = r->entries > 0 ? (int)sim_rand(&r->sim,
	    (uint64_t)r->entries) : 0;

	for (int i = 0; i < REPORTS && to == NULL; i++)
		if (r->report[i].numbers == 0)
			to = &r->report[i];
	for (int i = 0; i < r->entries && to != NULL; i++) {
		struct ledger *l = &r->book[(from + i) % r->entries];

		for (uint32_t n = 0; n < l->n_to; n++)
			if (l->failed[n] && (to->numbers == 0 ||
			    sim_rand(&r->sim, 3) != 0)) {
				to->numbers |= 1u << n;
				to->cause = (from + i) % r->entries;
				l->failed[n] = false;
			}
		if (to->numbers != 0)
			return;
	}
}

/* Its id follows from what it is about. */
static struct ledger *
report_entry(struct run *r, const struct report *p)
{
	const struct ledger *cause = &r->book[p->cause];
	char mid[MID_LEN + 1];
	struct ledger *l;
	int e;

	memcpy(mid, cause->mid, sizeof(mid));
	mid[0] = (char)('0' + p->numbers);	/* others begin with 0 */
	e = entry_of(r, mid);
	if (e < 0 && r->entries == MESSAGES)
		return NULL;
	l = &r->book[e < 0 ? r->entries++ : e];
	if (e < 0) {
		memset(l, 0, sizeof(*l));
		memcpy(l->mid, mid, sizeof(mid));
		l->n_to = 1;
		l->cause = p->cause;
		l->closes = p->numbers;
		buf_init(&l->content, 100);
		buf_z(&l->content, "could not be delivered\r\n");
	}
	return l;
}

/* bounce: the DSN, with whom it ends, in one record (R19). */
static void
bring_report(struct run *r, struct report *p)
{
	struct closing closing[RECIPIENTS];
	struct recipient to = { .address = STR("joe@example.org") };
	struct envelope e = { .to = &to, .closes = closing };
	struct ledger *l = p->numbers != 0 ? report_entry(r, p) : NULL;
	uint32_t numbers = p->numbers;
	struct message *m;
	int fail;

	if (l == NULL)
		return;
	for (uint32_t n = 0; n < RECIPIENTS; n++)
		if ((numbers >> n & 1) != 0)
			closing[e.n_closes++] = (struct closing){
			    str_of(r->book[p->cause].mid), n, 0 };
	p->numbers = 0;
	if (!RULE('C'))
		e.n_closes = 0;
	fail = offer(r, JOURNAL_COMMIT, &e, l);
	if (r->verbose)
		printf("  report %s %d\n", l->mid, fail);
	if (fail == FAIL_DENIED || r->sim.halted)
		return;			/* it is there; or nobody is */
	if (fail != 0 && !l->there)
		l->answer = REFUSED;
	else if (fail == 0)
		l->answer = UNKNOWN;
	if (!RULE('C'))
		spool_flush(r->spool);
	m = spool_find(r->spool, str_of(r->book[l->cause].mid));
	for (uint32_t n = 0; n < RECIPIENTS && m != NULL; n++)
		if ((numbers >> n & 1) != 0 && (fail != 0 || !RULE('C'))) {
			if (fail == 0)
				mark(r, m, n, true);
			else	/* qmgr asks again, unless it hears GONE */
				r->book[l->cause].failed[n] = m->to[n].state
				    == DELIVERY_WAITS && !m->to[n].ending;
		}
}

static void
step_report(struct run *r)
{
	bring_report(r, &r->report[sim_rand(&r->sim, REPORTS)]);
}

/* qmgr dies; the next one is told of all that waits.  What bounce was asked
 * for stays asked. */
static void
step_kill_qmgr(struct run *r)
{
	if (sim_rand(&r->sim, 6) != 0)
		return;
	for (int i = 0; i < r->entries; i++) {
		memset(r->book[i].waits, 0, sizeof(r->book[i].waits));
		memset(r->book[i].failed, 0, sizeof(r->book[i].failed));
	}
	spool_scan_again(r->spool);
	while (!r->sim.halted && spool_scan(r->spool, 9))
		;
}

static void
step_sync_begin(struct run *r)
{
	if (r->lazy)
		r->lazy = sim_rand(&r->sim, 25) != 0;
	else if (sim_rand(&r->sim, 6) == 0)
		r->lazy = true;
	else if (spool_sync_begin(r->spool))
		sim_syncfs_begin(&r->sim);
}

static void
sync_end(struct run *r, bool fail)
{
	if (!r->spool->syncing)
		return;
	sim_syncfs_end(&r->sim, fail);
	r->unsynced_errors = r->unsynced_errors || fail;
	r->errors += fail;
	spool_sync_end(r->spool, fail);
}

static void
step_sync_end(struct run *r)
{
	if (r->spool->syncing && sim_rand(&r->sim, 20) == 0) {
		spool_sync_lost(r->spool);	/* syncd was killed */
		return;
	}
	sync_end(r, r->sim.fail_sync != 0 && sim_rand(&r->sim, 6) == 0);
}

static void
step_sweep(struct run *r)
{
	(void)spool_sweep(r->spool, sim_rand(&r->sim, 2) == 0 ? r->now : 0,
	    1 + (unsigned)sim_rand(&r->sim, 3));
}

/* Dies in the middle of a file, or before its name; asked again later. */
static void
half_written(struct run *r, const struct flight *f)
{
	const struct ledger *l = &r->book[f->entry];
	char name[DISK_NAME_MAX];

	mail_name(l, f->number, name);
	if (!f->written && !f->repeat && sim_rand(&r->sim, 2) == 0)
		sim_put(&r->sim, name, buf_str(&l->content),
		    1 + (int)sim_rand(&r->sim, 2));
}

/* stored dies: what it was given is open again. */
static void
step_kill_stored(struct run *r)
{
	struct flight out[FLIGHTS];
	struct message *m;
	int n = r->flights;

	if (sim_rand(&r->sim, 6) != 0)
		return;
	memcpy(out, r->flight, sizeof(out));
	r->flights = 0;
	for (int i = 0; i < n; i++) {
		m = spool_find(r->spool, str_of(r->book[out[i].entry].mid));
		if (m == NULL)
			continue;
		half_written(r, &out[i]);
		spool_taken_back(r->spool, m, out[i].number);
		if (m->to[out[i].number].state == DELIVERY_OPEN)
			on_deliver(r, m, out[i].number);
	}
}

typedef void step_fn(struct run *r);

static const struct {
	step_fn		*fn;
	unsigned	weight;
} steps[] = {
	{ step_commit, 5 }, { step_flush, 4 }, { step_stored, 12 },
	{ step_try, 6 }, { step_fail, 3 }, { step_report, 4 },
	{ step_kill_qmgr, 1 }, { step_sync_begin, 4 }, { step_sync_end, 5 },
	{ step_sweep, 3 }, { step_kill_stored, 1 },
};

static void
step(struct run *r)
{
	unsigned total = 0, pick;

	for (size_t i = 0; i < NITEMS(steps); i++)
		total += steps[i].weight;
	pick = (unsigned)sim_rand(&r->sim, total);
	for (size_t i = 0; i < NITEMS(steps); i++) {
		if (pick < steps[i].weight) {
			steps[i].fn(r);
			break;
		}
		pick -= steps[i].weight;
	}
	spool_tidy(r->spool);
	r->now++;
}

/* --- life and death ------------------------------------------------------ */

/* Opens until it works; dies in it now and then.  A ring that does not open
 * for good (a broken rule can do that) is a violation of its own. */
static void
start(struct run *r, bool faults)
{
	struct why why;

	for (int try = 0; try < 40; try++) {
		r->spool = NULL;
		if (faults && try < 3 && sim_rand(&r->sim, 3) == 0)
			r->sim.halt_at = r->sim.calls + 1 +
			    sim_rand(&r->sim, 60);
		if (spool_open(&r->spool, &r->disk, r->limits, &ops, r,
		    &why) == 0 && !r->sim.halted) {
			spool_begin(r->spool);
			while (!r->sim.halted && spool_scan(r->spool, 3))
				spool_tidy(r->spool);
			if (!r->sim.halted) {
				r->sim.halt_at = 0;
				return;
			}
		}
		if (r->spool != NULL)
			spool_close(r->spool);
		forget_told(r);
		r->flights = 0;
		if (r->sim.halted && sim_rand(&r->sim, 2) == 0) {
			sim_cut(&r->sim);
			r->unsynced_errors = false;
			r->cuts++;
		}
		sim_wake(&r->sim);
	}
	r->spool = NULL;
	violate(r, "stuck (does not start)", why.text, 0);
}

static void
restart(struct run *r, bool cut, bool faults)
{
	spool_close(r->spool);
	forget_told(r);
	r->flights = 0;
	memset(r->report, 0, sizeof(r->report));
	for (int i = 0; i < r->entries; i++) {
		memset(r->book[i].waits, 0, sizeof(r->book[i].waits));
		memset(r->book[i].failed, 0, sizeof(r->book[i].failed));
	}
	if (cut) {
		sim_cut(&r->sim);
		r->unsynced_errors = false;
		r->cuts++;
	} else {
		r->kills++;
		sim_wake(&r->sim);
	}
	if (r->verbose)
		printf("  %s\n", cut ? "POWER CUT" : "KILL");
	start(r, faults);
}

/* Done as far as the world can see; an END that became durable in the call
 * the process died in was never told. */
static bool
is_done(struct run *r, const struct ledger *l, uint32_t number)
{
	if (l->kind[number] != REMOTE)
		return l->ended[number] || mailed(r, l, number, true);
	return l->fate[number] == REFUSES ? l->bounced[number] > 0 :
	    l->fate[number] != NEVER_TRIED && l->sent[number] > 0;
}

static bool
is_over(struct run *r, const struct ledger *l)
{
	for (uint32_t n = 0; n < l->n_to; n++)
		if (!is_done(r, l, n))
			return false;
	return true;
}

static bool
to_send(const struct run *r)
{
	for (int i = 0; i < r->entries; i++)
		for (uint32_t n = 0; n < r->book[i].n_to; n++)
			if (r->book[i].failed[n] || (r->book[i].waits[n] &&
			    r->book[i].fate[n] != NEVER_TRIED))
				return true;
	for (int i = 0; i < REPORTS; i++)
		if (r->report[i].numbers != 0)
			return true;
	return false;
}

/* No more faults: everything must come to its end. */
static void
quiesce(struct run *r)
{
	bool open = true;

	r->sim.fail_sync = r->sim.fail_write = r->sim.no_space = 0;
	r->sim.halt_at = 0;
	if (journal_dead(r->spool->journal))
		restart(r, false, false);
	for (int round = 0; round < 300 && open && r->violation == NULL;
	    round++) {
		for (int i = 0; i < 30; i++) {
			step_stored(r);
			step_try(r);
			step_fail(r);
			step_report(r);
		}
		(void)spool_sweep(r->spool, r->now, 100);
		step_flush(r);
		sync_end(r, false);
		r->lazy = false;
		if (spool_sync_begin(r->spool))
			sim_syncfs_begin(&r->sim);
		sync_end(r, false);
		spool_tidy(r->spool);
		r->now++;
		open = dict_len(&r->spool->messages) > 0 || to_send(r);
	}
	if (open && r->violation == NULL)
		violate(r, "stuck", "messages in memory", (uint32_t)
		    dict_len(&r->spool->messages));
}

/* An old one that is over leaves the book; the last one takes its place. */
static bool
forget_one(struct run *r)
{
	int i, last = r->entries - 1;

	for (i = last; i >= 0; i--)
		if (is_over(r, &r->book[i]) && dict_get(&r->spool->messages,
		    str_of(r->book[i].mid)) == NULL)
			break;
	if (i < 0)
		return false;
	buf_free(&r->book[i].content);
	r->book[i] = r->book[last];
	r->entries--;
	for (int k = 0; k < r->entries; k++)
		if (r->book[k].cause == i)
			r->book[k].cause = -1;
		else if (r->book[k].cause == last)
			r->book[k].cause = i;
	return true;
}

/* The ring must take new mail, whatever happened: four times its size. */
static void
take_more(struct run *r)
{
	for (int i = 0; i < 120 && r->violation == NULL; i++) {
		while (r->entries >= PLAIN)
			if (!forget_one(r))
				return;
		if (commit_one(r) != 0 && spool_flush(r->spool) == 0)
			violate(r, "stuck (takes no mail)", "ring",
			    journal_free(r->spool->journal));
		quiesce(r);
	}
}

/* A recipient nobody ever sends to must wait, readable. */
static void
judge_waiting(struct run *r, struct ledger *l, uint32_t number)
{
	struct message *m = spool_find(r->spool, str_of(l->mid));
	struct buf got;

	buf_init(&got, 1u << 20);
	if (m == NULL || m->to[number].state != DELIVERY_WAITS)
		violate(r, "lost (waiting)", l->mid, number);
	else if (spool_content(r->spool, m, &got) != 0 ||
	    !str_eq(buf_str(&got), buf_str(&l->content)))
		violate(r, "lost (content)", l->mid, number);
	buf_free(&got);
	spool_tidy(r->spool);
}

static void
judge(struct run *r)
{
	for (int i = 0; i < r->entries && r->violation == NULL; i++) {
		struct ledger *l = &r->book[i];

		for (uint32_t n = 0; n < l->n_to; n++) {
			if (l->sent[n] > 0 && l->bounced[n] > 0)
				violate(r, "sent and bounced", l->mid, n);
			if ((l->answer != ANSWERED && !l->there) ||
			    is_done(r, l, n))
				continue;
			if (l->fate[n] == NEVER_TRIED)
				judge_waiting(r, l, n);
			else
				violate(r, "lost", l->mid, n);
		}
	}
}

static void
one_run(struct run *r, uint64_t seed)
{
	unsigned n;

	memset(r->book, 0, sizeof(r->book));
	sim_init(&r->sim, seed);
	rand_seed(seed);
	r->disk = sim_disk(&r->sim);
	r->limits = (struct journal_limits){ 3 + (uint32_t)(seed % 3),
	    (8 + 4 * (uint32_t)(seed / 3 % 3)) * SIM_BLOCK };
	r->entries = r->flights = 0;
	memset(r->report, 0, sizeof(r->report));
	list_init(&r->told);
	r->now = 1;
	r->violation = NULL;
	r->unsynced_errors = false;
	start(r, false);
	for (unsigned life = 0; life < 4 && r->violation == NULL; life++) {
		r->sim.fail_sync = seed % 3 == 1 ? 20 : 0;
		r->sim.fail_write = seed % 7 == 1 ? 30 : 0;
		r->sim.no_space = seed % 5 == 1 ? 15 : 0;
		if (sim_rand(&r->sim, 3) != 0)
			r->sim.halt_at = r->sim.calls + 1 +
			    sim_rand(&r->sim, 300);
		n = 20 + (unsigned)sim_rand(&r->sim, 150);
		while (n-- > 0 && !r->sim.halted && r->violation == NULL &&
		    !journal_dead(r->spool->journal))
			step(r);
		r->deaths += journal_dead(r->spool->journal) &&
		    !r->sim.halted;
		if (r->violation == NULL)
			restart(r, sim_rand(&r->sim, 3) != 0, true);
	}
	if (r->violation == NULL)
		quiesce(r);
	if (r->violation == NULL)
		judge(r);
	if (r->violation == NULL) {
		restart(r, true, false);	/* all was settled: nothing changes */
		if (r->violation == NULL)
			quiesce(r);
		if (r->violation == NULL)
			judge(r);
	}
	if (r->violation == NULL)
		take_more(r);
	if (r->spool != NULL)
		spool_close(r->spool);
	forget_told(r);
	for (int i = 0; i < r->entries; i++)
		buf_free(&r->book[i].content);
	sim_free(&r->sim);
}

/* --- one schedule by hand ------------------------------------------------- */

static struct ledger *
plain_entry(struct run *r)
{
	struct ledger *l = &r->book[r->entries++];

	memset(l, 0, sizeof(*l));
	l->cause = -1;
	l->n_to = 1;
	l->kind[0] = REMOTE;
	mid_make(1000 + r->now++, 1, l->mid);
	buf_init(&l->content, 100);
	buf_z(&l->content, "mail");
	return l;
}

/* A message of one travelling recipient, alone in its batch. */
static struct message *
plain_commit(struct run *r)
{
	struct ledger *l = plain_entry(r);
	struct recipient to = { .kind = REMOTE };
	struct envelope e = { .to = &to, .n_to = 1, .size = 4,
	    .mid = str_of(l->mid) };
	struct message *m = NULL;

	if (spool_commit(r->spool, JOURNAL_COMMIT, &e, 4, fill, l->content.p,
	    r->now, &m) != 0 || spool_flush(r->spool) != 0)
		violate(r, "stuck (plain commit)", l->mid, 0);
	return m;
}

static void
marks(struct run *r, struct message *m, int n)
{
	struct mark later = { .state = RECIPIENT_WAITS };

	while (n-- > 0) {
		spool_mark(r->spool, m, &later, NULL, NULL);
		spool_flush(r->spool);
	}
}

static void
begin_by_hand(struct run *r, uint64_t seed)
{
	sim_init(&r->sim, seed);
	rand_seed(seed);
	r->disk = sim_disk(&r->sim);
	r->limits = (struct journal_limits){ 3, 8 * SIM_BLOCK };
	r->entries = r->flights = 0;
	memset(r->report, 0, sizeof(r->report));
	list_init(&r->told);
	r->now = 1;
	r->violation = NULL;
	start(r, false);
}

static void
free_by_hand(struct run *r)
{
	if (r->spool != NULL)
		spool_close(r->spool);
	forget_told(r);
	for (int i = 0; i < r->entries; i++)
		buf_free(&r->book[i].content);
	sim_free(&r->sim);
}

/*
 * R3, T, P and M.  A file is settled and knows its message alone.  Its END
 * (the file is unlinked), or one more try (appended to it), lies in the oldest
 * segment, no sync has come, and marks of others fill the ring: that segment
 * must not be used again, or a cut undoes the file's change with nobody to say
 * that it was.  Random schedules find this once in a million steps.
 */
static void
ring_goes_round(struct run *r, uint64_t seed, bool ends, bool killed)
{
	struct message *m;

	begin_by_hand(r, seed);
	m = plain_commit(r);
	marks(r, m, 4);
	(void)spool_sweep(r->spool, r->now, 9);
	(void)spool_sync_begin(r->spool);
	sim_syncfs_begin(&r->sim);
	sync_end(r, false);
	mark(r, m, 0, ends);	/* fills segment 0 */
	spool_flush(r->spool);
	spool_tidy(r->spool);
	if (killed)
		restart(r, false, false);
	m = plain_commit(r);
	marks(r, m, 30);
	restart(r, true, false);
	free_by_hand(r);
}

/* R19, K.  qmgr died between two DSNs, and the second one is about more. */
static void
two_reports(struct run *r, uint64_t seed)
{
	struct report first = { .numbers = 1 }, second = { .numbers = 3 };
	struct recipient to[] = { { .kind = REMOTE }, { .kind = REMOTE } };
	struct envelope e = { .to = to };
	struct ledger *l;

	begin_by_hand(r, seed);
	l = plain_entry(r);
	l->n_to = 2;
	l->kind[1] = REMOTE;
	l->fate[0] = l->fate[1] = REFUSES;
	if (offer(r, JOURNAL_COMMIT, &e, l) != 0)
		violate(r, "stuck (two reports)", l->mid, 0);
	spool_flush(r->spool);
	bring_report(r, &first);
	spool_flush(r->spool);
	bring_report(r, &second);
	spool_flush(r->spool);
	if (r->violation == NULL && (l->bounced[0] != 1 || l->failed[0] ||
	    !l->failed[1]))
		violate(r, "a DSN about one who is over", l->mid, 0);
	free_by_hand(r);
}

/* --- maildrop, by hand ---------------------------------------------------- */

static void
drop_name(const struct ledger *l, char out[DISK_NAME_MAX])
{
	snprintf(out, DISK_NAME_MAX, "maildrop/%s", l->mid);
}

/* Whoever leaves a file there syncs it and is gone: it is a promise. */
static struct message *
take_drop(struct run *r)
{
	struct ledger *l = plain_entry(r);
	struct recipient to = { .kind = REMOTE };
	struct envelope e = { .to = &to, .n_to = 1, .size = 4, .dropped = 1,
	    .mid = str_of(l->mid) };
	struct message *m = NULL;
	char name[DISK_NAME_MAX];

	drop_name(l, name);
	sim_put(&r->sim, name, STR("mail"), 0);
	sim_settle(&r->sim, name);
	if (spool_commit(r->spool, JOURNAL_COMMIT, &e, 4, fill, l->content.p,
	    r->now, &m) != 0)
		violate(r, "stuck (maildrop)", l->mid, 0);
	return m;
}

/* A process begins, and finds what lies in maildrop: does the ring know it? */
static void
start_with_drop(struct run *r, bool cut, bool *file_out, bool *known_out)
{
	struct ledger *l = &r->book[0];
	char name[DISK_NAME_MAX];
	struct message *m;
	struct str file;
	struct why why;

	spool_close(r->spool);
	if (cut)
		sim_cut(&r->sim);
	if (spool_open(&r->spool, &r->disk, r->limits, &ops, r, &why) != 0)
		violate(r, "stuck (does not start)", why.text, 0);
	drop_name(l, name);
	m = dict_get(&r->spool->messages, str_of(l->mid));
	*file_out = sim_get(&r->sim, name, false, &file);
	*known_out = m != NULL;
	if (m != NULL && *file_out)
		spool_drop_found(r->spool, m, l->mid);
	spool_begin(r->spool);
	spool_tidy(r->spool);
}

static void
sync_all(struct run *r)
{
	(void)spool_sync_begin(r->spool);
	sim_syncfs_begin(&r->sim);
	sync_end(r, false);
}

/*
 * R19, Y.  The file of maildrop is unlinked, its commit lies in the oldest
 * segment, and everything else would let that go.  Z: the process dies
 * behind the unlink, and the next one sees no file.
 */
static void
commit_outlives_drop(struct run *r, uint64_t seed)
{
	struct mark done = { .state = RECIPIENT_DONE };
	struct message *m;
	bool file, known;

	begin_by_hand(r, seed);
	m = take_drop(r);
	spool_flush(r->spool);
	spool_drop(r->spool, m, r->book[0].mid);
	marks(r, m, 4);
	spool_mark(r->spool, m, &done, NULL, NULL);	/* fills segment 0 */
	spool_flush(r->spool);
	spool_tidy(r->spool);
	if (seed % 2 == 1)
		start_with_drop(r, false, &file, &known);
	m = plain_commit(r);
	marks(r, m, 30);
	start_with_drop(r, true, &file, &known);
	if (file && !known)
		violate(r, "doubled (maildrop)", r->book[0].mid, 0);
	free_by_hand(r);
}

/*
 * R19, G.  The batch with its commit is refused and the process dies; the
 * next one reads it from the page cache, and no sync will say that it is not
 * on the disk.  The file must outlive that.
 */
static void
drop_outlives_refusal(struct run *r, uint64_t seed)
{
	bool file, known;

	begin_by_hand(r, seed);
	(void)take_drop(r);
	r->sim.fail_sync = 1;
	spool_flush(r->spool);
	r->sim.fail_sync = 0;
	start_with_drop(r, false, &file, &known);
	sync_all(r);
	sync_all(r);
	start_with_drop(r, true, &file, &known);
	if (!file && !known)
		violate(r, "lost (maildrop)", r->book[0].mid, 0);
	free_by_hand(r);
}

/* --- main ---------------------------------------------------------------- */

static bool
all_pass(uint64_t runs, uint64_t seed, bool verbose)
{
	struct run *r = calloc(1, sizeof(*r));
	uint64_t i;

	r->verbose = verbose;
	for (i = 0; i < 80 && r->violation == NULL; i++)
		ring_goes_round(r, i / 4, (i & 1) != 0, (i & 2) != 0);
	if (r->violation == NULL)
		two_reports(r, 1);
	for (i = 0; i < 20 && r->violation == NULL; i++)
		commit_outlives_drop(r, i);
	for (i = 0; i < 20 && r->violation == NULL; i++)
		drop_outlives_refusal(r, i);
	for (i = 0; i < runs && r->violation == NULL; i++) {
		one_run(r, seed + i);
		if (r->violation != NULL)
			break;
	}
	if (r->violation != NULL)
		printf("seed %" PRIu64 ": %s\n", seed + i, r->text);
	else
		printf("%" PRIu64 " runs from seed %" PRIu64 ": %u kills, %u "
		    "cuts, %u failed syncs, %u dead rings; %u sent, %u of "
		    "them once more, %u bounces: nothing lost\n", runs, seed,
		    r->kills, r->cuts, r->errors, r->deaths, r->sent,
		    r->twice, r->bounced);
	i = r->violation == NULL;
	free(r);
	return i != 0;
}

#if VEREDUS_FAULTS
static const struct {
	char		letter[2];
	const char	*text;
	uint64_t	seed;	/* where to begin: some need a rare schedule */
} rules[] = {
	{ "1", "R1 a batch starts on its own block", 1 },
	{ "2", "R2 nonce and sequence number are believed", 1 },
	{ "H", "R2 the head is synced before the first batch", 380 },
	{ "F", "the flush before the answer", 1 },
	{ "R", "R3 a segment waits for what is settled", 1 },
	{ "O", "R3 segments are used again oldest first", 1 },
	{ "T", "R3 an END holds its segment until the unlink is settled",
	  1 },
	{ "S", "R4 what waits leaves the ring", 1 },
	{ "5", "R5 a refused batch is made void", 1 },
	{ "D", "R7 the END is written only once the result is settled",
	  1 },
	{ "B", "R8 a sync covers what was written before it began",
	  1 },
	{ "E", "R9 a failed sync unsettles everything", 1 },
	{ "X", "R9 also the writes in flight", 1 },
	{ "P", "R3 so does the END of a file that went before a kill", 1400 },
	{ "U", "R10 a file goes only when its result is settled", 1 },
	{ "N", "R10 and its END is flushed", 1 },
	{ "W", "R11 the ring wins over a file", 1 },
	{ "C", "R19 a DSN and the mark on its cause stand in one record", 1 },
	{ "J", "R19 and that is heard when the ring is read", 1 },
	{ "K", "R19 who is over is in no other DSN", 1 },
	{ "Y", "R19 a commit stays until its file of maildrop is gone", 1 },
	{ "Z", "R19 also when the process died in between", 1 },
	{ "G", "R19 a commit that a start found takes no file away", 1 },
	{ "L", "one END a recipient counts in a batch", 1 },
	{ "Q", "a mark is answered when it is durable", 1 },
	{ "M", "R3 a mark holds its segment until the file has it", 1 },
};

static bool
prove(uint64_t runs)
{
	bool all = true;

	for (size_t i = 0; i < NITEMS(rules); i++) {
		bool caught;

		journal_broken = rules[i].letter;
		printf("without %s (%s)\n    ", rules[i].text,
		    rules[i].letter);
		caught = !all_pass(runs, rules[i].seed, false);
		printf("    %s\n", caught ? "caught" : "NOT CAUGHT");
		all = all && caught;
	}
	journal_broken = "";
	return all;
}
#endif

static uint64_t
number(const char *z, uint64_t otherwise)
{
	uint64_t v;

	return z != NULL && str_u64(str_of(z), UINT64_MAX, &v) ? v : otherwise;
}

int
main(int argc, char **argv)
{
	bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;

	if (verbose)
		setvbuf(stdout, NULL, _IONBF, 0);

	/* thousands of rings are opened: keep their buffers */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
	argc -= verbose;
	argv += verbose;
#if VEREDUS_FAULTS
	if (argc > 1 && strcmp(argv[1], "--prove") == 0)
		return prove(number(argc > 2 ? argv[2] : NULL, 4000)) ? 0 : 1;
	if (argc > 2 && strcmp(argv[1], "--broken") == 0) {
		journal_broken = argv[2];
		argc -= 2;
		argv += 2;
	}
#endif
	return all_pass(number(argc > 1 ? argv[1] : NULL, RUNS),
	    number(argc > 2 ? argv[2] : NULL, 1), verbose) ? 0 : 1;
}
