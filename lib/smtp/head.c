/* SPDX-License-Identifier: ISC */
/*
 * smtp/head.c - the header of a message on its way in.
 *
 * A field is gathered until the line behind it shows that it is whole, then
 * judged and written or dropped.  One that is longer than SMTP_FIELD_MAX is
 * judged by its beginning, and the rest goes the same way, so that no field
 * is too long to be taken out.  What a field is, and where the header ends,
 * header.h says: every reader of the suite sees the same.
 *
 * RFC 5321 4.4 (Return-Path is the last hop's to write), 6.3 (loops); RFC
 * 8601 5 (results in our name); RFC 6409 8 and RFC 5322 3.6.3 (Bcc).
 */
#include "smtp/head.h"

#include <string.h>

#include "mail/addr.h"
#include "mail/header.h"
#include "mail/trace.h"

#include "base/banned.h"

/* --- what a field is ----------------------------------------------------- */

typedef bool field_fn(struct smtp_head *, struct str value);	/* keep it? */

static bool
drop(struct smtp_head *h, struct str value)
{
	return false;
}

static bool
field_bcc(struct smtp_head *h, struct str value)
{
	return !h->is_submission;
}

static bool
field_authres(struct smtp_head *h, struct str value)
{
	return !trace_authres_is(value, h->hostname);
}

/* RFC 9228 lets a hop find loops by it; only ours may claim to be ours. */
static bool
field_delivered_to(struct smtp_head *h, struct str value)
{
	struct addr_list list;
	struct addr_item item;
	bool is_ours = false;

	addr_list_init(&list, value);
	while (!is_ours && addr_list_next(&list, &item))
		is_ours = h->is_ours != NULL &&
		    h->is_ours(h->arg, item.domain);
	addr_list_free(&list);
	return !is_ours;
}

static bool
field_received(struct smtp_head *h, struct str value)
{
	h->hops++;
	return true;
}

static bool
field_from(struct smtp_head *h, struct str value)
{
	h->froms++;
	return true;
}

static bool
field_date(struct smtp_head *h, struct str value)
{
	h->has_date = true;
	return true;
}

static bool
field_message_id(struct smtp_head *h, struct str value)
{
	h->has_message_id = true;
	return true;
}

/* A list's mail, or mail to many: a person's goes before it. */
static bool
field_list(struct smtp_head *h, struct str value)
{
	h->is_bulk = true;
	return true;
}

static bool
field_precedence(struct smtp_head *h, struct str value)
{
	value = str_trim(value);
	h->is_bulk |= str_is(value, "bulk") || str_is(value, "list") ||
	    str_is(value, "junk");
	return true;
}

static const struct {
	const char	*name;
	field_fn	*keep;
} fields[] = {
	{ "Return-Path", drop },
	{ "Delivered-To", field_delivered_to },
	{ "Authentication-Results", field_authres },
	{ "ARC-Authentication-Results", NULL },	/* numbered by its own chain */
	{ "Bcc", field_bcc },
	{ "Received", field_received },
	{ "From", field_from },
	{ "Date", field_date },
	{ "Message-ID", field_message_id },
	{ "Precedence", field_precedence },
	{ "List-Id", field_list },
	{ "List-Unsubscribe", field_list },
	{ "List-Post", field_list },
};

static bool
is_kept(struct smtp_head *h, struct str bytes)
{
	struct header header;
	struct header_field f;

	header_init(&header, bytes);
	if (!header_next(&header, &f))
		return true;
	for (size_t i = 0; i < NITEMS(fields); i++)
		if (str_is(f.name, fields[i].name))
			return fields[i].keep == NULL ||
			    fields[i].keep(h, f.value);
	return true;
}

/* --- cutting the header into fields -------------------------------------- */

void
smtp_head_begin(struct smtp_head *h)
{
	buf_init(&h->field, SMTP_FIELD_MAX);
	h->is_over = h->has_date = h->has_message_id = h->is_begun = false;
	h->is_bulk = false;
	h->hops = h->froms = 0;
	h->mode = HEAD_GATHER;
	h->at_line_start = true;
}

void
smtp_head_free(struct smtp_head *h)
{
	buf_free(&h->field);
}

/* Judge what was gathered; more of the same field may follow. */
static void
judge(struct smtp_head *h, struct buf *out)
{
	h->mode = is_kept(h, buf_str(&h->field)) ? HEAD_PASS : HEAD_DROP;
	if (h->mode == HEAD_PASS)
		buf_add(out, buf_str(&h->field));
	buf_reset(&h->field);
}

static void
end_field(struct smtp_head *h, struct buf *out)
{
	if (h->mode == HEAD_GATHER && h->is_begun)
		judge(h, out);
	h->mode = HEAD_GATHER;
	h->is_begun = false;
}

static void
take(struct smtp_head *h, struct str s, struct buf *out)
{
	h->is_begun = true;
	if (h->mode == HEAD_GATHER && h->field.len + s.n > SMTP_FIELD_MAX)
		judge(h, out);
	if (h->mode == HEAD_GATHER)
		buf_add(&h->field, s);
	else if (h->mode == HEAD_PASS)
		buf_add(out, s);
}

/* Octets to behind the next LF, or all. */
static size_t
line_size(struct str s)
{
	const uint8_t *lf = memchr(s.p, '\n', s.n);

	return lf == NULL ? s.n : (size_t)(lf - s.p) + 1;
}

/*
 * At a line start: the first octet tells whether the field goes on (a blank),
 * is over (anything else), or the header may be (CR; its LF must follow, the
 * data has no other CR).
 */
static void
line_start(struct smtp_head *h, uint8_t first, struct buf *out)
{
	h->at_line_start = false;
	if (first != ' ' && first != '\t')
		end_field(h, out);
}

size_t
smtp_head_feed(struct smtp_head *h, struct str in, struct buf *out)
{
	size_t at = 0;

	while (at < in.n && !h->is_over) {
		struct str rest = str_from(in, at);
		size_t n = line_size(rest);

		if (h->at_line_start) {
			line_start(h, rest.p[0], out);
			if (rest.p[0] == '\r') {
				h->is_over = true;
				break;
			}
		}
		h->at_line_start = rest.p[n - 1] == '\n';
		take(h, str_sub(rest, 0, n), out);
		at += n;
	}
	return at;
}

void
smtp_head_end(struct smtp_head *h, struct buf *out)
{
	if (!h->is_over)
		end_field(h, out);
	h->is_over = true;
}
