/* SPDX-License-Identifier: ISC */
/*
 * maildir/ingest.c - one pass over a message: file, sizes, cache blob.
 *
 * The blob has what IMAP asks of every message (mail/index.h); a header that
 * is larger than HEAD_MAX is left out of it, its readers take the file.
 */
#include "maildir/ingest.h"

#include <string.h>

#include "base/num.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/index.h"
#include "mail/shape.h"

#include "base/banned.h"

#define OUT_SIZE	(64 * 1024)
#define HEAD_MAX	(128 * 1024)

/* RFC 3501 lists are made of these; SEARCH asks for most of them. */
static const char *const kept[] = {
	"From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID",
	"In-Reply-To", "References", "Reply-To", "Sender", "Content-Type",
};

void
ingest_init(struct ingest *i)
{
	memset(i, 0, sizeof(*i));
	i->fd = -1;
	arena_init(&i->arena, MIME_ARENA_CAP);
	buf_init(&i->out, 4 * OUT_SIZE);
	buf_init(&i->head, HEAD_MAX);
	buf_init(&i->blob, CACHE_BLOB_HEAD + CACHE_BLOB_MAX);
}

void
ingest_free(struct ingest *i)
{
	arena_free(&i->arena);
	buf_free(&i->out);
	buf_free(&i->head);
	buf_free(&i->blob);
}

void
ingest_begin(struct ingest *i, struct volume *v, int fd)
{
	arena_reset(&i->arena);
	buf_reset(&i->out);
	buf_reset(&i->head);
	buf_reset(&i->blob);
	memset(&i->to_disk, 0, sizeof(i->to_disk));
	i->v = v;
	i->fd = fd;
	i->disk_size = i->wire_size = 0;
	i->failed = mime_begin(&i->mime, &i->arena);
	i->user = NULL;
}

static void
write_out(struct ingest *i)
{
	struct str s = buf_str(&i->out);

	if (i->failed == 0)
		i->failed = volume_write(i->v, i->fd, s,
		    (off_t)i->disk_size);
	i->disk_size += s.n;
	buf_reset(&i->out);
}

void
ingest_feed(struct ingest *i, struct str chunk)
{
	struct str part;
	size_t room;

	while (chunk.n > 0 && i->failed == 0) {
		part = str_sub(chunk, 0, OUT_SIZE);
		chunk = str_from(chunk, part.n);
		mime_feed(&i->mime, part);
		room = HEAD_MAX - buf_str(&i->head).n;
		buf_add(&i->head, str_sub(part, 0, room));
		if (i->fd < 0) {
			i->disk_size += part.n;
			continue;
		}
		wire_to_disk(&i->to_disk, part, false, &i->out);
		if (buf_str(&i->out).n >= OUT_SIZE)
			write_out(i);
	}
}

/* --- the blob ------------------------------------------------------------ */

/* Text of one item, made by a function that writes into a buffer. */
static void
put_header_fields(struct ingest *i, struct buf *out)
{
	struct header h;
	struct header_field f;
	struct wire w = { 0 };
	size_t k;

	header_init(&h, buf_str(&i->head));
	while (header_next(&h, &f))
		for (k = 0; k < NITEMS(kept); k++)
			if (str_is(f.name, kept[k])) {
				memset(&w, 0, sizeof(w));
				wire_from_disk(&w, f.raw, true, out);
				break;
			}
}

static void
put_number(struct buf *blob, enum cache_item type, uint64_t v)
{
	uint8_t bytes[8];

	num_put64le(bytes, v);
	cache_item_put(blob, type, str_mem(bytes, sizeof(bytes)));
}

static void
put_date(struct ingest *i)
{
	struct str date = i->mime.root->message->field[MIME_DATE];
	int64_t when_s;
	int zone;

	if (date.p != NULL && date_parse(date, &when_s, &zone, NULL) == 0)
		put_number(&i->blob, CACHE_DATE, (uint64_t)when_s);
}

static void
put_item(struct ingest *i, enum cache_item type, struct buf *text)
{
	if (!buf_failed(text))
		cache_item_put(&i->blob, type, buf_str(text));
	buf_reset(text);
}

static void
make_blob(struct ingest *i)
{
	struct buf *text = &i->out;

	cache_blob_begin(&i->blob);
	put_number(&i->blob, CACHE_HEADER_SIZE, i->mime.root->header.wire);
	put_date(i);
	buf_reset(text);
	shape_envelope(text, i->mime.root->message);
	put_item(i, CACHE_ENVELOPE, text);
	shape_body(text, &i->mime, true);
	put_item(i, CACHE_BODYSTRUCTURE, text);
	shape_body(text, &i->mime, false);
	put_item(i, CACHE_BODY, text);
	/* A header that was cut is not offered: an absent field would look
	 * as if the message had none. */
	if (i->mime.root->header.size <= buf_str(&i->head).n) {
		put_header_fields(i, text);
		put_item(i, CACHE_HEADER, text);
	}
	cache_blob_end(&i->blob);
}

int
ingest_end(struct ingest *i)
{
	if (i->fd >= 0) {
		wire_to_disk(&i->to_disk, str_mem(NULL, 0), true, &i->out);
		write_out(i);
	}
	if (i->failed != 0)
		return i->failed;
	mime_end(&i->mime);
	i->wire_size = i->mime.whole.wire;
	make_blob(i);
	return 0;
}
