/* SPDX-License-Identifier: ISC */
/*
 * smtp/reply.c - replies.
 *
 * The texts of ours are constants; what comes from elsewhere (a reason of
 * another process, a server's words) is made harmless and cut into lines of
 * the length RFC 5321 4.5.3.1.5 allows.
 */
#include "smtp/reply.h"

#include "base/banned.h"

#define TEXT_AT_MOST	400	/* of one line, leaving room for the codes */

void
smtp_reply_put(struct buf *out, const struct smtp_reply *r)
{
	if (r->enhanced != NULL)
		buf_fmt(out, "%u %s %s\r\n", r->code, r->enhanced, r->text);
	else
		buf_fmt(out, "%u %s\r\n", r->code, r->text);
}

/* The next line of a text, cut at a blank if it is too long. */
static struct str
take_line(struct str *s)
{
	struct str line = str_until(s, '\n'), kept;
	size_t blank;

	if (line.n <= TEXT_AT_MOST)
		return line;
	kept = str_sub(line, 0, TEXT_AT_MOST);
	blank = str_rchr(kept, ' ');
	if (blank < kept.n && blank > 0)
		kept.n = blank;
	/* The rest of the line stands before the rest of the text. */
	*s = str_mem(line.p + kept.n, (size_t)(s->p + s->n - line.p) - kept.n);
	return kept;
}

static void
put_safe(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			buf_c(out, s.p[i] >= 32 && s.p[i] <= 126 ? s.p[i] : '?');
}

void
smtp_reply_text(struct buf *out, unsigned code, struct str enhanced,
    struct str text)
{
	do {
		struct str line = take_line(&text);

		buf_fmt(out, "%u%c", code, text.n > 0 ? '-' : ' ');
		if (enhanced.n > 0)
			buf_fmt(out, "%.*s ", STR_ARG(enhanced));
		put_safe(out, line);
		buf_z(out, "\r\n");
	} while (text.n > 0);
}

int
smtp_answer_line(struct smtp_answer *a, struct str line)
{
	uint64_t code;

	if (line.n < 3 || line.n > SMTP_REPLY_LINE_MAX * 4 ||
	    !str_u64(str_sub(line, 0, 3), 599, &code) || code < 200 ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-') ||
	    (a->code != 0 && a->code != code) ||
	    ++a->lines > SMTP_REPLY_LINES_MAX)
		return FAIL_SYNTAX;
	a->code = (unsigned)code;
	a->text = str_from(line, 4);
	return line.n > 3 && line.p[3] == '-';
}
