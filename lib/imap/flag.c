/* SPDX-License-Identifier: ISC */
/*
 * imap/flag.c - flags (RFC 3501 2.3.2).  \Recent is the server's: nobody can
 * set it; flags with a backslash that we do not know are refused.
 */
#include "imap/flag.h"

#include "base/buf.h"
#include "mail/index.h"

#include "base/banned.h"

static const struct {
	const char	*name;
	uint32_t	bit;
} system_flags[] = {
	{ "\\Answered", INDEX_ANSWERED }, { "\\Flagged", INDEX_FLAGGED },
	{ "\\Deleted", INDEX_DELETED }, { "\\Seen", INDEX_SEEN },
	{ "\\Draft", INDEX_DRAFT },
};

static int
one_flag(struct imap_args *a, struct imap_flags *f, struct buf *keywords,
    size_t *n)
{
	struct str word = imap_run(a, "\\");
	size_t i;

	if (word.n == 0)
		return FAIL_SYNTAX;
	if (word.p[0] == '\\') {
		for (i = 0; i < NITEMS(system_flags); i++)
			if (str_is(word, system_flags[i].name)) {
				f->bits |= system_flags[i].bit;
				return 0;
			}
		return FAIL_SYNTAX;
	}
	if (str_chr(word, '\\') < word.n)
		return FAIL_SYNTAX;
	if (imap_keyword_bit(buf_str(keywords), word) >= 0)
		return 0;
	if (word.n > IMAP_KEYWORD_MAX || ++*n > IMAP_KEYWORDS_MAX)
		return FAIL_TOO_BIG;
	if (keywords->len > 0)
		buf_c(keywords, ' ');
	buf_add(keywords, word);
	return 0;
}

static int
flags_until(struct imap_args *a, bool in_parens, struct imap_flags *f,
    struct buf *keywords)
{
	size_t n = 0;
	int rc;

	if (in_parens && imap_char(a, ')'))
		return 0;
	do {
		rc = one_flag(a, f, keywords, &n);
		if (rc < 0)
			return rc;
	} while (imap_sp(a));
	return !in_parens || imap_char(a, ')') ? 0 : FAIL_SYNTAX;
}

int
imap_flag_list(struct imap_args *a, bool is_bare, struct imap_flags *out)
{
	struct imap_flags f = { 0 };
	struct buf keywords;
	bool in_parens = imap_char(a, '(');
	int rc;

	if (!in_parens && !is_bare)
		return FAIL_SYNTAX;
	buf_init(&keywords, IMAP_KEYWORDS_MAX * (IMAP_KEYWORD_MAX + 1));
	rc = flags_until(a, in_parens, &f, &keywords);
	if (rc == 0 && keywords.len > 0) {
		f.keywords = arena_str(a->arena, buf_str(&keywords));
		if (f.keywords.p == NULL)
			rc = FAIL_TOO_BIG;
	}
	buf_free(&keywords);
	if (rc == 0)
		*out = f;
	return rc;
}

int
imap_keyword_bit(struct str names, struct str keyword)
{
	int bit;

	for (bit = 0; str_more(names); bit++)
		if (str_ieq(str_word(&names), keyword))
			return bit;
	return -1;
}

static void
put_word(struct buf *out, size_t begin, struct str word)
{
	if (out->len > begin)
		buf_c(out, ' ');
	buf_add(out, word);
}

void
imap_put_flags(struct buf *out, uint32_t bits, bool is_recent,
    uint64_t keywords, struct str names)
{
	size_t begin = out->len, i;

	for (i = 0; i < NITEMS(system_flags); i++)
		if (bits & system_flags[i].bit)
			put_word(out, begin, str_of(system_flags[i].name));
	if (is_recent)
		put_word(out, begin, STR("\\Recent"));
	for (; keywords != 0 && str_more(names); keywords >>= 1) {
		struct str name = str_word(&names);

		if (keywords & 1)
			put_word(out, begin, name);
	}
}
