/* SPDX-License-Identifier: ISC */
/*
 * table/alias.h - the text of aliases(5).
 *
 *	# comment
 *	name: target, target,
 *		target on a continuation line
 *
 * name: a local part, an address, or @domain for all else of a domain.
 * target: a local part or an address.  Commands, files and includes of other
 * alias programs are refused.  Names and targets come out in lower case.
 */
#ifndef TABLE_ALIAS_H
#define TABLE_ALIAS_H

#include "base/arena.h"
#include "base/fail.h"
#include "table/table.h"

struct alias_sink {
	/* value: targets, comma-separated; alias_targets takes it apart */
	void	(*entry)(void *arg, uint32_t line, struct str name,
		    struct str value);
	void	(*error)(void *arg, uint32_t line, const char *text);
	/* This name has an entry, but a wrong one; or, with an empty name, a
	 * line does not even say whose it is.  After its errors; may be NULL. */
	void	(*spoilt)(void *arg, struct str name);
	void	*arg;
};

/* All entries and all errors.  0 or FAIL_SYNTAX; strings live in a. */
int	alias_parse(struct str text, const struct alias_sink *sink,
	    struct arena *a) MUST_CHECK;

/* The entries as rows for table_build, or the errors as lines
 * "NAME:LINE: what" in errors_out. */
int	alias_rows(struct str text, const char *name, struct arena *a,
	    struct table_row **rows_out, size_t *n_out,
	    struct buf *errors_out) MUST_CHECK;

/* The targets of a value, which may be another program's.  FAIL_SYNTAX: a
 * target that is no address; FAIL_TOO_BIG: more than max. */
int	alias_targets(struct str value, struct arena *a, struct str *target,
	    size_t max, size_t *n_out, struct why *why) MUST_CHECK;

#endif
