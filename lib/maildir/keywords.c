/* SPDX-License-Identifier: ISC */
/*
 * maildir/keywords.c - the names of a mailbox's keywords, by bit.
 *
 * They stand in the head of the index; each is logged before it is used, so
 * that an index made anew gets the same bits (replay.c).
 */
#include "maildir/box.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "crypto/crc32c.h"

#include "base/banned.h"

#define KEYWORDS_AT	512	/* in the index header: u16 length, names, CRC */
#define KEYWORDS_SIZE	(INDEX_HEADER_SIZE - KEYWORDS_AT)

/* The next bit's name. */
static void
append(struct box *b, struct str name)
{
	b->keyword[b->keywords] = xcalloc(name.n + 1, 1);
	memcpy(b->keyword[b->keywords++], name.p, name.n);
}

/* --- in the head of the index -------------------------------------------- */

int
box_keywords_write(struct box *b)
{
	uint8_t bytes[KEYWORDS_SIZE] = { 0 };
	struct buf text;

	buf_init(&text, KEYWORDS_SIZE - 6);
	box_keywords(b, &text);
	num_put16le(bytes, (uint16_t)buf_str(&text).n);
	if (buf_str(&text).n > 0)
		memcpy(bytes + 2, buf_str(&text).p, buf_str(&text).n);
	buf_free(&text);
	num_put32le(bytes + KEYWORDS_SIZE - 4,
	    crc32c(bytes, KEYWORDS_SIZE - 4));
	if (volume_write(b->v, b->index, str_mem(bytes, sizeof(bytes)),
	    KEYWORDS_AT) != 0) {
		b->stale = true;
		return FAIL_TEMP;
	}
	return 0;
}

void
box_keywords_forget(struct box *b)
{
	while (b->keywords > 0)
		free(b->keyword[--b->keywords]);
}

int
box_keywords_read(struct box *b)
{
	uint8_t bytes[KEYWORDS_SIZE];
	struct str text;

	box_keywords_forget(b);
	if (volume_read(b->v, b->index, bytes, sizeof(bytes), KEYWORDS_AT) != 0
	    || num_get32le(bytes + KEYWORDS_SIZE - 4) !=
	    crc32c(bytes, KEYWORDS_SIZE - 4) ||
	    num_get16le(bytes) > KEYWORDS_SIZE - 6)
		return FAIL_TEMP;
	text = str_mem(bytes + 2, num_get16le(bytes));
	while (str_more(text) && b->keywords < INDEX_KEYWORDS)
		append(b, str_word(&text));
	return 0;
}

/* --- names and bits ------------------------------------------------------ */

void
box_keywords(const struct box *b, struct buf *out)
{
	unsigned i;

	for (i = 0; i < b->keywords; i++)
		buf_fmt(out, "%s%s", i == 0 ? "" : " ", b->keyword[i]);
}

static size_t
keywords_length(const struct box *b)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < b->keywords; i++)
		n += strlen(b->keyword[i]) + 1;
	return n;
}

static int
keyword_add(struct box *b, struct str name, unsigned *bit_out)
{
	struct log_record r = { .type = LOG_KEYWORD, .name = name,
	    .bit = (uint8_t)b->keywords };

	if (b->keywords == INDEX_KEYWORDS || name.n == 0 ||
	    name.n > BOX_KEYWORD_MAX ||
	    keywords_length(b) + name.n > BOX_KEYWORDS_MAX)
		return FAIL_TOO_BIG;
	memcpy(r.mailboxid, b->names.head.mailboxid, 16);
	if (account_log(b->a, &r) != 0)
		return FAIL_TEMP;
	*bit_out = b->keywords;
	append(b, name);
	b->told_keywords = false;
	return box_keywords_write(b);
}

static bool
keyword_find(const struct box *b, struct str name, unsigned *bit_out)
{
	unsigned i;

	for (i = 0; i < b->keywords; i++)
		if (str_is(name, b->keyword[i])) {
			*bit_out = i;
			return true;
		}
	return false;
}

int
box_keyword_mask(struct box *b, struct str names, bool make,
    uint64_t *mask_out)
{
	struct str name;
	unsigned bit;
	int r = 0, fail;

	*mask_out = 0;
	while (str_more(names)) {
		name = str_word(&names);
		if (!keyword_find(b, name, &bit)) {
			fail = make ? keyword_add(b, name, &bit) :
			    FAIL_GONE;
			if (fail == FAIL_TEMP)
				return fail;
			if (fail != 0) {
				r = make ? fail : r;
				continue;
			}
		}
		*mask_out |= UINT64_C(1) << bit;
	}
	return r;
}

void
box_keyword_set(struct box *b, unsigned bit, struct str name)
{
	if (bit == b->keywords && !str_has_nul(name) &&
	    name.n <= BOX_KEYWORD_MAX)
		append(b, name);
}
