/* SPDX-License-Identifier: ISC */
/*
 * imapd/box.h - the selected mailbox as this client sees it.
 *
 * A view over the index file: the first `records` records, less those in
 * `dead`, are the messages the client knows of; message numbers are
 * arithmetic over the two.  What has changed since is kept as sets of UIDs
 * until sync.c may say it.  Nothing costs memory by the message.
 */
#ifndef IMAPD_BOX_H
#define IMAPD_BOX_H

#include "imap/set.h"
#include "imapd/session.h"
#include "mail/index.h"

struct ranges {
	struct imap_range *v;
	size_t		n, cap;
};

struct body;

struct box {
	struct session	*session;
	uint32_t	handle;		/* at stored; 0: not there any more */
	unsigned	worker;		/* which stored */
	bool		read_only;
	uint32_t	generation, uidvalidity, uidnext, recent_uid;
	int		index_fd, cache_fd;
	bool		torn;		/* the answer in the making is not whole */
	bool		torn_told;	/* stored knows; for this generation */
	uint32_t	records;	/* known to the client */
	uint32_t	told_uidnext;	/* their UIDs are below */
	uint32_t	*dead;		/* of them, those not counted; sorted */
	size_t		dead_n, dead_cap;
	uint32_t	recent;		/* messages said as RECENT */
	uint64_t	modseq;		/* flags are known up to this one */
	uint64_t	own_modseq;	/* of this client's last STORE */
	struct buf	keywords;	/* names by bit */

	/* not yet said */
	uint32_t	new_records;
	uint64_t	new_modseq;
	struct ranges	gone;		/* UIDs */
	bool		gone_look;	/* the index says which others ... */
	struct imap_range look;		/* ... from here on */
	struct ranges	changed;	/* UIDs; meaningless when must_scan */
	bool		must_scan, new_keywords;
	/* a new generation that is not looked at yet */
	int		next_index_fd, next_cache_fd;
	uint32_t	next_generation;
	uint64_t	next_modseq;	/* expunges up to it are said */
	struct ranges	gone_since;	/* after it came */
	bool		gone_look_next;

	/* sync.c */
	struct {
		unsigned	phase;
		bool		may_expunge, may_exist;
		struct ranges	set;
		size_t		at;
		uint32_t	record;
		uint64_t	modseq;
	} sync;
	struct body	*body;		/* the message read last, or NULL */
};

struct box *box_new(struct session *s);
void	box_free(struct box **b);
/* Closes it at stored too. */
void	box_close(struct session *s);

uint32_t box_exists(const struct box *b);
/* Number of a record that is not dead. */
uint32_t box_seq(const struct box *b, uint32_t record);
uint32_t box_at_seq(const struct box *b, uint32_t seq);
bool	box_is_dead(const struct box *b, uint32_t record);
/* First record whose UID is not below uid, in [from, to). */
uint32_t box_lower_uid(struct box *b, uint32_t uid, uint32_t from,
	    uint32_t to);
/* How many of the records in [0, record) are dead. */
size_t	box_dead_before(const struct box *b, uint32_t record);
/* Ascending records, none dead before, are dead from now on. */
void	box_bury(struct box *b, const uint32_t *record, size_t n);
/* False: it cannot be read (torn again and again, or cut); the command that
 * needs it ends with NO. */
bool	box_record(struct box *b, uint32_t record, struct index_record *out);
/* The header of the index file; false: torn again and again. */
bool	box_header(const struct box *b, struct index_header *out);
void	box_forget_page(void);
/* Items of the record's cache blob; false: there are none.  Valid until the
 * next call. */
bool	box_cache(const struct box *b, const struct index_record *r,
	    struct buf *spare, struct str *items_out);
bool	box_is_recent(const struct box *b, const struct index_record *r);
uint32_t box_count_recent(struct box *b);
uint32_t box_last_uid(struct box *b);

/* "* 5 FETCH (FLAGS (...))" with its line end. */
void	box_put_flags(struct session *s, const struct index_record *r,
	    uint32_t record, bool with_uid);
/* Flags that can be set, keywords included. */
void	box_put_flag_names(struct session *s);

void	ranges_add(struct ranges *r, uint32_t first, uint32_t last);
void	ranges_add_text(struct ranges *r, struct str set);
void	ranges_free(struct ranges *r);

/* Over the messages of a set, in the order of their numbers. */
struct walk {
	const struct imap_set	*set;	/* resolved */
	bool			by_uid;
	size_t			range;
	uint32_t		next;	/* record */
	uint32_t		end;	/* first record past the range */
	size_t			dead_at;
};
void	walk_begin(struct walk *w, const struct imap_set *set, bool by_uid);
/* False: no more. */
bool	walk_next(struct box *b, struct walk *w, uint32_t *record_out);

bool	box_has_body(const struct box *b);
bool	box_drop_body(struct box *b);	/* true: there was one */

/* Notes of stored that are no answers. */
/* From now on its news find it. */
void	box_register(struct box *b);
void	box_on_note(struct chan *c, const struct note *n);

#endif
