/* SPDX-License-Identifier: ISC */
/*
 * store/stored.h - what the files of stored share.
 *
 * A **job** is one question of a peer.  It runs until it is answered; one
 * that must wait (for numbers, for a scan, for the journal, for its next
 * step of 5 ms) is copied and runs again when that may have come.
 */
#ifndef STORE_STORED_H
#define STORE_STORED_H

#include "daemon/daemon.h"
#include "maildir/deliver.h"

#define STEP_MS		5
#define IDLE_MS		(60 * 1000)	/* accounts, boxes nobody uses */
#define LOOK_MS		2000		/* for changes by others, while open */
#define DOORS_MS	(30 * 1000)	/* durability.md 16 */

/* --- faces --------------------------------------------------------------- */

struct peer {			/* one channel of a face or of spoold */
	struct chan	*c;
	struct dict	logins, views;	/* by handle */
	uint32_t	last_handle;
};

struct holding;			/* an open account, account.c */

struct login {
	uint32_t	id;
	struct peer	*peer;
	struct holding	*h;
};

struct view {			/* a mailbox that a face has open */
	struct link	link;		/* of box->watchers */
	uint32_t	id;
	struct peer	*peer;
	struct login	*login;
	struct box	*b;
	bool		read_only;
	bool		is_imap;
};

#define SYNC_STORE	(2 | 4 | 8)	/* file systems of SYNC_ASK: mail, state, index */

/* --- jobs ---------------------------------------------------------------- */

enum run {
	DONE,		/* answered */
	NUMBERS,	/* waits until numbers are synced */
	WORK,		/* waits for steps of its box, or has more itself */
	DOORS,		/* waits until replay is through */
	AGAIN,		/* tries again in 50 ms: see job_may_try_again */
	ASKED,		/* somebody else will call it */
};

struct job;
typedef enum run job_fn(struct job *j);

struct job {
	struct link	link;		/* of its waiting list */
	struct peer	*peer;		/* NULL: it is gone, nobody listens */
	const struct note *n;
	uint32_t	ticket;
	job_fn		*run;
	struct holding	*h;		/* while it waits there */
	void		*state;		/* of a long one */
	void		(*end)(struct job *j);	/* frees state */
	unsigned	tries;
	unsigned	agains;
	bool		begun;		/* its first part is done */
	struct note	copy;		/* once it waits */
	struct buf	packet;
	bool		is_copy;
};

void	job_start(struct peer *p, const struct note *n, job_fn *run);
/* One that waits elsewhere (ASKED) goes on. */
void	job_again(struct job *j);
void	jobs_of_peer_gone(struct peer *p);
void	jobs_numbers(void);		/* numbers came */
void	jobs_doors(void);
bool	jobs_work(void);		/* one round; true: some want more */
size_t	jobs_waiting(void);
/* The account it is about stays open while it waits. */
void	job_hold(struct job *j, struct holding *h);
/* A copy that outlives the handler; the job given may be on the stack. */
struct job *job_keep(struct job *j, enum run why);
/* Who is needed is away for a moment: a forerunner of ours still holds the
 * account, syncd is started anew.  True: wait AGAIN; false: 5 s were enough. */
bool	job_may_try_again(struct job *j);

/* --- accounts ------------------------------------------------------------ */

struct holding {
	struct account	*a;
	struct link	link;
	unsigned	users;		/* logins and waiting jobs */
	bool		wants_numbers;	/* reserve_write and a sync are due */
	bool		in_sync;	/* of numbers */
	bool		closing;	/* settles before it is closed */
	uint64_t	copies_in_sync;	/* account.copies when it began */
	int64_t		used_ms;
};

void	accounts_init(void);
/* FAIL_TEMP, FAIL_GONE (no Maildir, not created). */
int	account_hold(struct str name, struct str home, struct holding **out,
	    struct why *why) MUST_CHECK;
void	account_wants_numbers(struct account *a);
/* Numbers for n more messages: DONE, NUMBERS, or after a few tries in vain
 * FAIL_TEMP in *failed_out and why (may be NULL). */
enum run box_numbers(struct job *j, struct box *b, uint32_t n,
	    int *failed_out, struct why *why);
/* The same of what an account needs; is_ready: account_ready and the like. */
enum run account_numbers(struct job *j, struct account *a, bool is_ready,
	    int *failed_out, struct why *why);
/* fsync mode: its state files are to be synced. */
void	account_wrote_state(struct account *a);
void	account_wrote(struct account *a, int fd, bool is_folder);
/* The next SYNC_ASK is to cover the file system of this mailbox, too, which may
 * be a mount of its own. */
void	account_sync_box(const struct box *b);
/* Is what was written before that ask on the disk?  Counts the errors: what a
 * failed sync covered is not believed because a later one is good (R9). */
bool	account_synced(const struct note *n);
struct holding *holding_of(struct account *a);
void	account_use(struct holding *h, int by);
void	accounts_tick(void);		/* idle ones, once a second */
void	accounts_drain(int64_t within_ms);
void	accounts_each_box(void (*fn)(struct box *b));
void	accounts_stat(void);
bool	doors_open(void);
void	doors_unlock(const char *why);

/* standin.c: while the folder of indices is gone */
int	standin_make(struct account_place *p) MUST_CHECK;
void	standin_forget(struct account_place *p);

/* --- boxes --------------------------------------------------------------- */

/* Ready to be used: 0, FAIL_TEMP with why, FAIL_GONE; *wait_out: WORK when
 * it is being rebuilt. */
int	box_use(struct holding *h, struct str name, struct box **out,
	    enum run *wait_out, struct why *why) MUST_CHECK;
/* The same for a face that wants to see it: an index that somebody deleted
 * is noticed, and *wait_out is not DONE until all files were seen once. */
int	box_use_whole(struct job *j, struct holding *h, struct str name,
	    struct box **out, enum run *wait_out, struct why *why) MUST_CHECK;
/* For a face that is about to see it: with others' deliveries of this moment,
 * if they are few.  As box_fresh. */
int	box_look(struct box *b, struct why *why) MUST_CHECK;
struct view *view_of(struct peer *p, uint32_t id);
struct login *login_of(struct peer *p, uint32_t id);
void	view_close(struct view *v);
void	login_close(struct login *l);
void	box_touch(struct box *b);	/* it changed: tell, and step */
void	boxes_tell(void);		/* news of all that were touched */
bool	boxes_step(void);		/* one round; true: more is left */
unsigned work_due(const struct box *b);	/* enum box_todo */
bool	box_work(struct box *b);	/* a step; true: no more now */
void	box_busy(struct box *b);	/* has work that is due */
void	box_forget(struct box *b);	/* closes one that is idle */
void	news_tell(struct box *b);
void	boxes_look(void);		/* every LOOK_MS: others' changes */
void	box_pin(struct box *b, int by);	/* keeps it open */
bool	box_is_idle(const struct box *b);

/* Sets of UIDs in IMAP notation, sorted and merged; FAIL_SYNTAX. */
struct uid_set {
	struct log_range *v;
	size_t		n;
};
int	uid_set_parse(struct str text, struct uid_set *out) MUST_CHECK;
void	uid_set_free(struct uid_set *s);
/* Appends ranges [from, n) as text while they fit; how far it came. */
size_t	uid_set_put(struct buf *out, const struct box_set *s, size_t from);

/* --- what is asked ------------------------------------------------------- */

job_fn	on_login, on_open, on_body, on_check, on_change, on_expunge, on_copy,
	on_append, on_mailbox, on_list, on_status;
void	on_logout(struct peer *p, const struct note *n);
void	on_close(struct peer *p, const struct note *n);
void	on_torn(struct peer *p, const struct note *n);

/* STORE_DONE with a reason; failed: enum fail or 0. */
void	answer_done(struct job *j, int failed, const char *text,
	    uint32_t count, uint64_t modseq);
/* The text for a face; for TEMP it says nothing of the machine. */
const char *reason_of(int failed, const struct why *why);
/* All messages of INBOX into a new mailbox (mailbox.c asks copy.c). */
enum run rename_inbox(struct job *j, struct holding *h, struct str to);

extern struct stored {
	struct account_place place;
	struct account_ops ops;
	struct ingest	ingest;
	bool		fsync_mode;
	bool		doors, draining;
	uint64_t	sync_failures;	/* heard of; see account_synced */
} stored;

void	work_soon(void);	/* steps and waiting jobs, next pass */

#endif
