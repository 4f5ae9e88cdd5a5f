/* SPDX-License-Identifier: ISC */
/*
 * spf/macro.h - macro-strings (RFC 7208 7): are they well-formed, and what
 * do they stand for.
 */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include "base/str.h"

#define SPF_NAME_MAX	253

/* What the letters stand for, by letter - 'a'. */
struct spf_values {
	struct str	v[26];
};

/* In an explanation there are spaces, and the letters c r t. */
bool	spf_macro_ok(struct str s, bool is_explanation);
/* A macro-string with letters c r t, without spaces: unknown modifiers. */
bool	spf_macro_any_ok(struct str s);
/* A macro-string that ends as a domain name does. */
bool	spf_domain_spec_ok(struct str s);
/* Does it ask for the client's name, %{p}? */
bool	spf_macro_wants_name(struct str s);

/*
 * Both want a string that is well-formed.  The name: what is over 253 octets
 * loses labels at its left (7.3); an end dot is dropped; 0 when nothing
 * is left.  The text: what is over max is cut, what is not printable ASCII
 * becomes '?'.
 */
size_t	spf_expand_name(const struct spf_values *v, struct str s,
	    char out[SPF_NAME_MAX + 1]);
size_t	spf_expand_text(const struct spf_values *v, struct str s, char *out,
	    size_t max);

/* Labels of 1 to 63 octets, 253 in all; no end dot. */
bool	spf_name_ok(struct str name);

#endif
