/* SPDX-License-Identifier: ISC */
/*
 * A place with one account in a temporary folder, on a volume that can be
 * made to die at its n-th change: that change is torn, and nothing works any
 * more until world_heal.
 */
#ifndef TEST_MAILDIR_WORLD_H
#define TEST_MAILDIR_WORLD_H

#include "maildir/deliver.h"

struct world {
	struct volume		v;
	struct account_place	place;
	struct account_ops	ops;
	struct ingest		ingest;
	char			dir[200];
	struct account		*a;
	int			left;	/* changes until death; < 0: never */
	bool			dead;
	int			changes; /* made so far */
};

void	world_init(struct world *w);
void	world_remove(int dir, const char *name);	/* with all in it */
void	world_free(struct world *w);	/* removes the folder */
/* Does that fail, in a process of its own?  Nothing is printed, and what it
 * leaves behind is removed. */
bool	world_fails(void (*fn)(const void *arg), const void *arg);
void	world_open(struct world *w);	/* the account; aborts if it cannot */
void	world_close(struct world *w);	/* as a process that ends */
void	world_power_cut(struct world *w); /* another run of the machine */
void	world_heal(struct world *w);
/* The INBOX or another; NULL when dead. */
struct box *world_box(struct world *w, const char *name);
void	world_settle(struct box *b);	/* all steps */
/* A message with that text as subject and body; fd for a delivery. */
int	world_content(const char *text);
void	world_delivery(struct delivery *d, const char *text, uint32_t key);
/* Delivered, into cur/ or new/; its UID. */
uint32_t world_deliver(struct box *b, const char *text, uint32_t key,
	    bool in_cur);
/* The text of a message; empty when it cannot be read. */
void	world_text(struct box *b, uint32_t uid, char out[64]);
/* Where its file is. */
void	world_path(struct box *b, uint32_t uid, char out[700]);
/* A file put into new/ or cur/ by somebody else. */
void	world_foreign(struct world *w, const char *folder, const char *name,
	    const char *text);

#endif
