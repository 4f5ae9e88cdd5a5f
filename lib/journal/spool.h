/* SPDX-License-Identifier: ISC */
/*
 * journal/spool.h - messages between the answer and their end.
 *
 * Stands on the ring (journal.h) and knows what is settled: which sync
 * covered which result, when a message's place in the ring may be used
 * again, when a spool file may go.  The owner (spoold, or the model test)
 * does the talking: it hands recipients over, brings results, and runs the
 * syncs.  Nothing here talks to a process; the only sync it makes itself is
 * the ring's.
 *
 *	commit	record gathers -> spool_flush -> answered -> deliver
 *	result	written -> covered (a sync began) -> settled (it ended well)
 *		-> END record rides in the next flush -> ended
 *	waits	STATE record; the message leaves the ring for a file of cur/
 *
 * Files: spool.c (messages, flush), file.c (cur/), settle.c (syncs),
 * start.c (replay and scan).  One owner, one thread.
 */
#ifndef JOURNAL_SPOOL_H
#define JOURNAL_SPOOL_H

#include "base/dict.h"
#include "base/list.h"
#include "base/rand.h"
#include "journal/journal.h"
#include "journal/record.h"

/* Where a recipient stands, in memory. */
enum delivery_state {
	DELIVERY_OPEN,		/* to be handed over */
	DELIVERY_GIVEN,		/* a hand-over is out */
	DELIVERY_WAITS,		/* qmgr's: deferred, travelling or held */
	DELIVERY_WRITTEN,	/* done, in somebody's page cache */
	DELIVERY_COVERED,	/* a sync that began after that is running */
	DELIVERY_SETTLED,	/* on the disk; its END record gathers */
	DELIVERY_ENDED,		/* END record durable */
};

struct delivery {
	enum delivery_state state;
	bool	repeat;		/* may have been handed over in another life */
	bool	anew;		/* a sync failed: adopt nothing, write again */
	bool	tainted;	/* a sync failed while the hand-over was out */
	bool	ending;		/* an END mark is queued */
	bool	asked;		/* the owner's: who asked for it is answered */
	bool	gathers;	/* an END of it is in the batch that gathers */
	unsigned deaths;	/* the owner's: stored died of it, in a row */
	char	*reason;	/* owns what the recipient's reason points to */
};

enum file_state { FILE_NONE, FILE_WRITTEN, FILE_COVERED, FILE_SETTLED };

/* Spool messages.  Members are for reading; the user pointer is the owner's. */
struct message {
	struct link	young;	/* in the ring, not in a file: oldest first */
	struct link	gather;	/* in the batch that gathers */
	struct link	doubt;	/* may be forgotten */
	char		mid[MID_LEN + 1];
	enum journal_type type;	/* JOURNAL_COMMIT or JOURNAL_APPEND */
	struct arena	arena;
	uint8_t		*bytes;	/* the envelope as journalled */
	struct envelope	env;
	struct delivery	*to;	/* env.n_to of them */
	size_t		open;	/* recipients not ended */
	size_t		ending;	/* of these, with an END in this batch */
	struct journal_place place;	/* use 0: not in the ring */
	uint64_t	held;	/* use its commit holds, 0: none */
	uint64_t	end_use;	/* newest use with an END of it */
	enum file_state	file;
	uint32_t	file_number;	/* counts rewrites of the file */
	bool		file_there;	/* a name in cur/ exists */
	bool		file_went;	/* its END says: there was one */
	bool		large;		/* body in tmp/ */
	bool		unlinked;
	char		*drop;		/* its file in maildrop/, or NULL */
	bool		drop_due;	/* goes when the commit is released */
	bool		drop_unlinked;
	unsigned	pins;		/* settles, jobs and hand-overs */
	int64_t		since_ms;	/* committed, on the owner's clock */
	void		*user;
	int		fd;		/* the owner's: body in memory, or -1 */
};

struct spool;

struct spool_ops {
	/* The batch with m is durable (0) or refused (enum fail; m is freed
	 * after the call).  Called for all of a batch before any deliver. */
	void	(*committed)(void *arg, struct message *m, int fail);
	/* Hand this recipient over now; then spool_given. */
	void	(*deliver)(void *arg, struct message *m, uint32_t number);
	/* This one waits; told once after commit or start. */
	void	(*waits)(void *arg, struct message *m, uint32_t number);
	/* Its END record is durable. */
	void	(*ended)(void *arg, struct message *m, uint32_t number);
	/* Put aside; bytes may be empty. */
	void	(*corrupt)(void *arg, const char *name, struct str bytes,
		    const char *what);
	/* That name changed (exists: the file itself, too); a sync by fsync
	 * must be told of file and folder.  May be NULL. */
	void	(*wrote)(void *arg, const char *name, bool exists);
	/* m leaves the memory. */
	void	(*forget)(void *arg, struct message *m);
};

/* A mark that waits for the next batch. */
typedef void spool_marked_fn(void *arg, int fail);

struct spool {
	const struct disk	*disk;
	struct journal		*journal;
	const struct spool_ops	*ops;
	void			*arg;
	struct dict		messages;	/* by mid */
	struct link		young, gathering, doubtful;
	struct link		jobs;		/* marks for the next batch */
	struct link		fresh;		/* written, no sync began since */
	struct link		covered;	/* the running sync covers these */
	struct link		redo;		/* file work that failed: again */
	struct link		orphans;	/* marks of files, at start */
	bool			syncing;
	unsigned		scanned;	/* folders of cur/ listed */
	struct buf		scan_names;	/* ids of the last one */
};

/* --- life ---------------------------------------------------------------- */

/* Reads the ring and what belongs to it.  Nothing is delivered before
 * spool_begin. */
int	spool_open(struct spool **s_out, const struct disk *d,
	    struct journal_limits limits, const struct spool_ops *ops,
	    void *arg, struct why *why) MUST_CHECK;
void	spool_begin(struct spool *s);
/* Up to `most` more files of cur/; false when all are through. */
bool	spool_scan(struct spool *s, unsigned most);
/* From the beginning: a new qmgr knows nothing. */
void	spool_scan_again(struct spool *s);
/* Folders under the spool that are there from set-up on. */
int	spool_lay_out(const struct disk *d, struct why *why) MUST_CHECK;
void	spool_close(struct spool *s);

/* --- commit -------------------------------------------------------------- */

/* Fills `to` with the n octets of the content. */
typedef int spool_fill_fn(void *arg, uint8_t *to, size_t n);

/* An APPEND counts as written from its commit on: stored has written it
 * before it asked.
 *
 * Puts a message into the batch that gathers (sets `last` in e's closes);
 * content n is 0 for a large
 * body, which was synced under tmp/MID before.  Fails as journal_record, or
 * FAIL_DENIED: such an id is here already, or all whom it closes are over;
 * FAIL_TEMP also where that is not durable yet, or true of some only. */
int	spool_commit(struct spool *s, enum journal_type type,
	    const struct envelope *e, size_t n, spool_fill_fn *fill,
	    void *arg, int64_t now_ms, struct message **m_out) MUST_CHECK;
/* Gathered marks and commits in one write and one flush; results come by
 * ops.  As journal_flush. */
int	spool_flush(struct spool *s);
bool	spool_gathers(const struct spool *s);

/* --- results ------------------------------------------------------------- */

void	spool_given(struct spool *s, struct message *m, uint32_t number);
/* The hand-over came to nothing: open again, nobody is called. */
void	spool_taken_back(struct spool *s, struct message *m, uint32_t number);
/* It is written (and nothing more is known). */
void	spool_result(struct spool *s, struct message *m, uint32_t number);
/* Deferred, held, released, done by bounce or hand.  fn (or NULL) is called
 * when that is durable.  DONE is for what needs no settling. */
void	spool_mark(struct spool *s, struct message *m, const struct mark *mark,
	    spool_marked_fn *fn, void *arg);

/* m is the message of maildrop/NAME, and durable: the file goes.  R19: m's
 * place in the ring stays until that is on the disk, so that a file that
 * returns is known. */
void	spool_drop(struct spool *s, struct message *m, const char *name);
/* The same for a message that a start has found: the ring may be believed
 * because it is in the page cache only (a sync of the last process failed).
 * The file goes when this process has settled what became of m. */
void	spool_drop_found(struct spool *s, struct message *m,
	    const char *name);

struct message *spool_find(struct spool *s, struct str mid);
/* The content again, from ring or file: env.size octets. */
int	spool_content(struct spool *s, struct message *m, struct buf *out)
	    MUST_CHECK;

/* --- settling ------------------------------------------------------------ */

/* Is there anything a sync would settle?  Then the caller starts one. */
bool	spool_sync_begin(struct spool *s);
void	spool_sync_end(struct spool *s, bool failed);
/* Nobody knows how it ended (syncd died): as if it had not begun. */
void	spool_sync_lost(struct spool *s);

/* Writes to cur/ what is older than that, or holds a ring that fills up, and
 * tries failed file work again; at most `most` files a call.  Returns how
 * many were written. */
unsigned spool_sweep(struct spool *s, int64_t older_than_ms, unsigned most);
/* Forgets what needs no memory.  Called from the loop, never inside ops. */
void	spool_tidy(struct spool *s);

/* --- between the files of spool.h only ----------------------------------- */

enum settle_kind { SETTLE_RESULT, SETTLE_FILE, SETTLE_MARK, SETTLE_UNLINK,
    SETTLE_DROP		/* a file of maildrop/ is unlinked */
};

/* A piece of work and the segment it holds (0: none).  done: it lies in
 * `fresh` until a sync has covered it; else it failed and is tried again. */
void	settle_add(struct spool *s, enum settle_kind kind, struct message *m,
	    uint32_t number, uint64_t use, bool done);
void	spool_file_name(const char *mid, char out[DISK_NAME_MAX]);
int	spool_file_write(struct spool *s, struct message *m);
int	spool_file_append(struct spool *s, struct message *m, uint32_t number);
void	spool_file_mark(struct spool *s, struct message *m, uint32_t number,
	    uint64_t use);
bool	spool_is_aside(const char *name);
void	spool_file_stray(struct spool *s, const char *folder,
	    struct str name);
struct message *spool_file_load(struct spool *s, const char *mid);
int	spool_file_content(struct spool *s, struct message *m,
	    struct buf *out) MUST_CHECK;
int	spool_file_remove(struct spool *s, struct message *m);
void	spool_file_unlink(struct spool *s, struct message *m, uint64_t use);
int	spool_drop_remove(struct spool *s, struct message *m);
void	spool_drop_due(struct spool *s, struct message *m);

struct message *message_new(struct spool *s, enum journal_type type,
	    struct str envelope);
void	message_free(struct spool *s, struct message *m);
void	message_doubt(struct spool *s, struct message *m);
void	message_release(struct spool *s, struct message *m);
void	message_apply(struct spool *s, struct message *m,
	    const struct mark *mark);
void	message_end(struct spool *s, struct message *m, uint32_t number,
	    uint64_t use);

#endif
