/* SPDX-License-Identifier: ISC */
/*
 * base/fail.h - how a function says that it failed.
 *
 * A function that can fail returns int: 0, or one of the negative values
 * below.  A function whose reason reaches a person takes a struct why last.
 * bug() is for our own faults only: it aborts this process; master restarts
 * it.  A client's or the world's fault never ends in bug().
 */
#ifndef BASE_FAIL_H
#define BASE_FAIL_H

#include "base/attr.h"

enum fail {
	FAIL_TEMP = -1,		/* the world's fault: later may be better */
	FAIL_PERM = -2,		/* will fail again */
	FAIL_SYNTAX = -3,	/* what was said is not well-formed */
	FAIL_TOO_BIG = -4,	/* beyond a limit of ours */
	FAIL_DENIED = -5,	/* may not */
	FAIL_GONE = -6,		/* no such thing (any more) */
	FAIL_BUG = -7,		/* our fault, found in time */
};

/* A reason for people: one line of text without line end. */
struct why {
	int	code;		/* enum fail, or 0 */
	char	text[200];	/* NUL-terminated, cut at its end if longer */
};

/* Sets both members; returns code, so that `return why_set(...)` reads well.
 * why may be NULL. */
int	why_set(struct why *why, int code, const char *fmt, ...) PRINTF(3, 4);

/* Like why_set, with ": " and strerror(errno) behind the text. */
int	why_errno(struct why *why, int code, const char *fmt, ...) PRINTF(3, 4);

/* The word for an enum fail, for logs: "temp", "syntax" ... never NULL. */
const char *fail_name(int code);

/* Our fault: writes text and place to standard error and by the hook that
 * log.h sets, then abort(). */
NORETURN void	bug_at(const char *file, int line, const char *fmt, ...)
		    PRINTF(3, 4);
#define bug(...)	bug_at(__FILE__, __LINE__, __VA_ARGS__)

/* malloc that never returns NULL: aborts, limits make it rare.  Free with
 * free(). */
void	*xmalloc(size_t n);
void	*xcalloc(size_t n, size_t size);
void	*xrealloc(void *p, size_t n);
char	*xstrdup(const char *s);
/* The n bytes at p as a C string; what stands behind a NUL in them is not
 * seen.  p may be NULL when n is 0. */
char	*xmemdupz(const void *p, size_t n);

#endif
