/* SPDX-License-Identifier: ISC */
/*
 * conf/value.h - what a value may look like, and its C form.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"
#include "conf/param.h"

/* The C form of a scalar. */
union value {
	bool		flag;
	uint32_t	num;
	uint64_t	size;
	int64_t		ms;
	struct str	text;	/* also word; borrowed */
};

/*
 * Is this a value of that setting (an entry, when it is a list)?  value_out
 * may be NULL.  FAIL_SYNTAX with a reason for the operator.
 */
int	value_parse(const struct param *p, struct str s,
	    union value *value_out, struct why *why) MUST_CHECK;
/* The shape of a text, by its name in conf/params.h; the empty text has
 * every shape. */
int	shape_check(const char *shape, struct str s, struct why *why)
	    MUST_CHECK;
bool	shape_known(const char *shape);
/* Must letters be folded to lower case (domains, addresses)? */
bool	shape_folds(const char *shape);
/* The most words a value of that shape has. */
size_t	shape_words(const char *shape);

/* "smtp *:25" as parts: service, host without brackets ("*": all), port. */
struct listen {
	struct str	service, host;
	uint32_t	port;
};
int	listen_parse(struct str entry, struct listen *out, struct why *why)
	    MUST_CHECK;

/* "192.0.2.7", "192.0.2.7:5353", "[2001:db8::1]:53": an address and a port,
 * 53 without one. */
int	server_parse(struct str entry, struct str *host_out,
	    uint32_t *port_out, struct why *why) MUST_CHECK;

/* A word as it stands in the file: quoted when it has to be. */
void	conf_quote(struct buf *out, struct str word);
/* Splits "a \"b c\" d" into at most max words, unquoted; words that hold an
 * escape are copied into a.  How many there are (max + 1: more), or 0 when s
 * is not well-formed. */
size_t	conf_split(struct str s, struct str *word, size_t max,
	    struct arena *a);

#endif
