/* SPDX-License-Identifier: ISC */
/*
 * conf/conf.h - settings as C, made from conf/params.h.
 *
 * Master reads the file and sends rows of (path, canonical value); a child
 * keeps them in a struct conf: typed members for scalar settings, struct
 * strs for lists.  Strings live as long as the struct conf.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"
#include "base/fail.h"
#include "base/proc.h"
#include "conf/params.h"

/* A list setting: one entry a statement or comma-separated word.  An entry
 * with a block has its options as further rows "path NAME option". */
struct strs {
	struct str	*v;
	size_t		n;
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
	struct arena	arena;
};
#undef S
#undef P

/* All defaults. */
void	conf_init(struct conf *c);
void	conf_free(struct conf *c);
/* One row as master sends it.  FAIL_SYNTAX, FAIL_GONE (unknown path). */
int	conf_row(struct conf *c, struct str path, struct str value,
	    struct why *why) MUST_CHECK;

#endif
