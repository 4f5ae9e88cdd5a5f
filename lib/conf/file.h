/* SPDX-License-Identifier: ISC */
/*
 * conf/file.h - the configuration file: text to rows, or to all its errors.
 *
 *	file  = "version" N end { stmt | end }
 *	stmt  = word { word } ( end | block )
 *	end   = ";" | end of line
 *	block = "{" { stmt | end } "}"	(no end needed before the "}")
 *	word  = bare | "quoted"		(\" and \\ inside quotes)
 *
 * `#' begins a comment where a word could begin; a comma separates the
 * values of a list.  A setting of two words may also stand in a block of
 * its first word: `tls { cert a; key b }' is `tls cert a' and `tls key b'.
 *
 * Usage: read the file (base/file.h), conf_file_parse, then either
 * conf_file_errors for people (and exit code 78) or send each row to whom
 * its mask says, and keep them by conf_row.
 */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

#define CONF_FILE_MAX	(16 * 1024 * 1024)	/* bytes of text */
#define CONF_VERSION	1
#define CONF_EXIT	78			/* sysexits: EX_CONFIG */

/* One setting as given, in the order of the file. */
struct conf_set {
	struct conf_set	*next;
	struct str	path, value;	/* as conf_row takes them */
	unsigned	who;		/* BY() mask: who is told */
	uint32_t	line, col;
};

struct conf_error {
	struct conf_error *next;
	uint32_t	line, col;	/* 0: of the file as a whole */
	struct str	text;
};

struct conf_file {
	struct conf_set	*rows, *rows_last;
	struct conf_error *errors, *errors_last;
	size_t		error_count;	/* at most 100 are kept */
	struct arena	arena;
};

/* 0, or FAIL_SYNTAX: errors has at least one.  Free in both cases. */
int	conf_file_parse(struct conf_file *f, struct str text) MUST_CHECK;
void	conf_file_free(struct conf_file *f);

/* One more error, found by somebody who knows more than the text (a file
 * that cannot be read).  line 0: of the file as a whole. */
void	conf_file_error(struct conf_file *f, uint32_t line, uint32_t col,
	    const char *fmt, ...) PRINTF(4, 5);
/* The first row of a setting, NULL when it was not given. */
const struct conf_set *conf_file_find(const struct conf_file *f,
	    const char *path);

/* "NAME:LINE:COL: what" a line. */
void	conf_file_errors(const struct conf_file *f, const char *name,
	    struct buf *out);

/* The settings in canonical form, itself a valid file: all of them, or only
 * what differs from the defaults. */
void	conf_file_show(const struct conf_file *f, bool only_changed,
	    struct buf *out);

#endif
