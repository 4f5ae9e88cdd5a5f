/* SPDX-License-Identifier: ISC */
/*
 * conf/conf.h - settings as C, made from conf/params.h.
 *
 * Master reads the file (conf/file.h) and sends rows of (path, value); a
 * child keeps them in a struct conf: typed members for scalar settings,
 * struct strs for lists, and options for what stands in the block of a list
 * entry.  Strings live as long as the struct conf.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/proc.h"
#include "conf/params.h"

/*
 * A list setting: one entry a statement or comma-separated value, a row
 * each.  An entry of one word is that word; one of several words ("smtp
 * *:25") is words as they would stand in the file: split it by conf_split.
 */
struct strs {
	struct str	*v;
	size_t		n, cap;
	bool		is_given;	/* false: still the default */
};

/* `domain example.org { catch-all joe@example.org }` */
struct conf_option {
	struct conf_option *next;
	struct str	list, entry, name, value;
};

#define CONF_T_flag(m)	bool m;
#define CONF_T_num(m)	uint32_t m;
#define CONF_T_size(m)	uint64_t m;
#define CONF_T_ms(m)	int64_t m;
#define CONF_T_word(m)	struct str m;
#define CONF_T_text(m)	struct str m;
#define CONF_T_list(m)	struct strs m;
#define P(member, kind, path, dflt, min, max, who, text) CONF_T_##kind(member)
#define S(section) struct { PARAMS_##section(P) } section;
struct conf {
	PARAM_SECTIONS(S)
	struct conf_option *options, *options_last;
	struct arena	arena;
};
#undef S
#undef P

/* All defaults. */
void	conf_init(struct conf *c);
void	conf_free(struct conf *c);
/*
 * One row as master sends it.  A row of a list adds an entry; the first one
 * replaces the default, an empty value leaves the list empty.  The path of
 * an option is "LIST ENTRY NAME", each a word as in the file.
 * FAIL_SYNTAX, FAIL_GONE (unknown path), FAIL_TOO_BIG.
 */
int	conf_row(struct conf *c, struct str path, struct str value,
	    struct why *why) MUST_CHECK;

/* The option of a list entry, or the empty str. */
struct str conf_option(const struct conf *c, const char *list,
	    struct str entry, const char *name);

#endif
