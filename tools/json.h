/* SPDX-License-Identifier: ISC */
/*
 * tools/json.h - the flat JSON objects of the control socket: one a line,
 * values are strings, whole numbers, true and false.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

struct json_pair {
	struct str	key;
	struct str	value;		/* text, unescaped; or the digits/word */
	bool		is_text;
};

#define JSON_PAIRS_MAX	32

struct json_row {
	struct json_pair pair[JSON_PAIRS_MAX];
	size_t		n;
};

/* Strings are put into the arena.  FAIL_SYNTAX, FAIL_TOO_BIG. */
int	json_read(struct str line, struct arena *a, struct json_row *out)
	    MUST_CHECK;
/* The value of a key; the empty str when absent. */
struct str json_get(const struct json_row *r, const char *key);
int64_t	json_num(const struct json_row *r, const char *key);	/* 0: absent */
bool	json_true(const struct json_row *r, const char *key);

#endif
