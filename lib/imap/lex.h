/* SPDX-License-Identifier: ISC */
/*
 * imap/lex.h - where an IMAP command ends, and the words in it.
 *
 * First imap_cut: it finds the end of a command in the bytes that came, and
 * stops at each literal header, so that the room decides about its size
 * before one octet of it is taken.  Then imap_args: a cursor over one whole
 * command (RFC 3501 9).  Both look at each byte once.
 *
 * Words are borrowed from the command; a quoted string with escapes is
 * copied into the arena.
 */
#ifndef IMAP_LEX_H
#define IMAP_LEX_H

#include "base/arena.h"
#include "base/str.h"

enum imap_cut {
	IMAP_MORE,	/* no whole command yet */
	IMAP_COMMAND,	/* bytes [0, at) are one, with its last line end */
	IMAP_LITERAL,	/* a line ended in {literal}; at: first octet of it */
	IMAP_LONG,	/* the text outside of literals is over its limit */
};

struct imap_cutter {
	size_t		at;		/* bytes that are decided about */
	size_t		seen;		/* looked at for a line end */
	size_t		text;		/* octets outside of literals */
	size_t		literals;	/* octets of literals taken */
	uint64_t	literal;	/* the one just announced; UINT64_MAX:
					 * or more */
	size_t		header;		/* where its '{' stands */
	bool		is_sync;	/* it waits for our "+" */
};

void	imap_cut_reset(struct imap_cutter *c);
/* in: all bytes since the command began.  After IMAP_LITERAL either
 * imap_cut_take, or the room goes its own way and resets. */
enum imap_cut imap_cut(struct imap_cutter *c, struct str in, size_t text_max);
void	imap_cut_take(struct imap_cutter *c);

struct imap_args {
	struct str	rest;
	struct arena	*arena;
};

/* a command as imap_cut gave it; its last line end is dropped */
void	imap_args_init(struct imap_args *a, struct str command,
	    struct arena *arena);

/* Each takes one thing and returns true, or returns false and leaves the
 * cursor somewhere in the broken thing. */
bool	imap_tag(struct imap_args *a, struct str *tag_out);
bool	imap_sp(struct imap_args *a);		/* exactly one blank */
bool	imap_end(struct imap_args *a);		/* only blanks are left */
bool	imap_char(struct imap_args *a, uint8_t c);
bool	imap_next_is(const struct imap_args *a, uint8_t c);
bool	imap_atom(struct imap_args *a, struct str *out);
bool	imap_string(struct imap_args *a, struct str *out);	/* quoted, literal */
bool	imap_astring(struct imap_args *a, struct str *out);
/* NIL gives an empty str with p == NULL and *nil_out true */
bool	imap_nstring(struct imap_args *a, struct str *out, bool *nil_out);
bool	imap_list_mailbox(struct imap_args *a, struct str *out);
bool	imap_number(struct imap_args *a, uint32_t *out);
/* the run of bytes that an atom may hold and those of also */
struct str imap_run(struct imap_args *a, const char *also);

bool	imap_is_atom_char(uint8_t c);

#endif
