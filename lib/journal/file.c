/* SPDX-License-Identifier: ISC */
/*
 * journal/file.c - spool files: one self-contained file a message that
 * waits, cur/xx/MID (its form stands in record.h).
 *
 * Written beside and renamed, never synced here: settle.c knows when a sync
 * has covered it, and until then the ring stands for it.  States that come
 * later are appended as marks.  Reading believes nothing without its sum.
 */
#include "journal/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crc32c.h"

#include "base/banned.h"

#define FILE_MAX	(256u << 20)

/* The folder is the last byte of the id, which is random. */
void
spool_file_name(const char *mid, char out[DISK_NAME_MAX])
{
	uint8_t bin[16] = { 0 };

	if (!mid_to_bin(str_of(mid), bin))
		bug("spool file of a broken id");
	snprintf(out, DISK_NAME_MAX, "cur/%02x/%s", bin[15], mid);
}

static void
tell_written(struct spool *s, const char *name, bool exists)
{
	if (s->ops->wrote != NULL)
		s->ops->wrote(s->arg, name, exists);
}

/* --- what is no file of ours --------------------------------------------- */

#define ASIDE	".damaged"

/* To corrupt/; a folder that belongs to another process cannot leave the one
 * it is in, and keeps out of the way there. */
static int
put_aside_as(struct spool *s, const char *name, const char *as,
    const char *what)
{
	const struct disk *d = s->disk;
	char aside[DISK_NAME_MAX];
	int r;

	snprintf(aside, sizeof(aside), "corrupt/%.50s", as);
	r = d->rename(d->ctx, name, aside);
	if (r != 0) {
		snprintf(aside, sizeof(aside), "%.50s" ASIDE, name);
		r = d->rename(d->ctx, name, aside);
	}
	s->ops->corrupt(s->arg, r == 0 ? aside : name, str_mem(NULL, 0),
	    what);
	return r == 0 ? 0 : FAIL_TEMP;
}

static int
put_aside(struct spool *s, const char *name, const char *what)
{
	return put_aside_as(s, name, strrchr(name, '/') + 1, what);
}

/* Was it put aside, and could not leave its folder? */
bool
spool_is_aside(const char *name)
{
	size_t n = strlen(name), end = strlen(ASIDE);

	return n >= end && strcmp(name + n - end, ASIDE) == 0;
}

/* A name in a folder of cur/ that is none of a message: nobody would look at
 * what is in it.  Its folder stays in its name, for several may have one. */
void
spool_file_stray(struct spool *s, const char *folder, struct str name)
{
	char from[DISK_NAME_MAX], as[DISK_NAME_MAX];

	if ((size_t)snprintf(from, sizeof(from), "%s/%.*s", folder,
	    STR_ARG(name)) >= sizeof(from))
		return;		/* no name that we could take */
	snprintf(as, sizeof(as), "%s.%.*s", strrchr(folder, '/') + 1,
	    STR_ARG(name));
	(void)put_aside_as(s, from, as, "a name that is no message's");
}

/* After a power cut on a file system without a journal a name of ours may
 * lead to a folder: no unlink and no rename gets rid of that, so the work
 * behind it would be tried for ever. */
static int
clear_folder(struct spool *s, const char *name)
{
	return errno == EISDIR ? put_aside(s, name,
	    "a folder in the place of a file") : FAIL_TEMP;
}

static int
unlink_file(struct spool *s, const char *name)
{
	if (s->disk->unlink(s->disk->ctx, name) == 0 || errno == ENOENT)
		return 0;
	return clear_folder(s, name);
}

static int
rename_file(struct spool *s, const char *from, const char *to)
{
	if (s->disk->rename(s->disk->ctx, from, to) == 0)
		return 0;
	if (clear_folder(s, to) != 0)
		return FAIL_TEMP;
	return s->disk->rename(s->disk->ctx, from, to) == 0 ? 0 : FAIL_TEMP;
}

/* --- writing ------------------------------------------------------------- */

/* Head, envelope and content as one buffer; states as they are now. */
static int
file_bytes(struct spool *s, struct message *m, struct buf *out)
{
	struct spool_head head = { 0 };
	uint8_t *p = buf_grow(out, SPOOL_FILE_HEAD);
	struct str part;
	int r = 0;

	if (p == NULL)
		return FAIL_TOO_BIG;
	buf_grown(out, SPOOL_FILE_HEAD);
	envelope_put(out, &m->env);
	part = str_from(buf_str(out), SPOOL_FILE_HEAD);
	head.envelope = (uint32_t)part.n;
	head.envelope_sum = crc32c(part.p, part.n);
	if (!m->large) {
		r = spool_content(s, m, out);
		part = str_from(buf_str(out),
		    SPOOL_FILE_HEAD + (size_t)head.envelope);
		head.content = part.n;
		head.content_sum = crc32c(part.p, part.n);
	}
	if (r == 0 && buf_failed(out))
		r = FAIL_TOO_BIG;
	if (r == 0)
		spool_head_put(&head, out->p + out->start);
	return r;
}

static int
write_beside(struct spool *s, const char *made, const char *name,
    struct str bytes)
{
	const struct disk *d = s->disk;
	int h, r;

	(void)unlink_file(s, made);
	h = d->open(d->ctx, made, DISK_WRITE | DISK_CREATE);
	if (h < 0)
		return FAIL_TEMP;
	r = disk_write(d, h, bytes, 0);
	d->close(d->ctx, h);
	if (r == 0)
		r = rename_file(s, made, name);
	if (r != 0)
		(void)unlink_file(s, made);
	return r;
}

/* A new inode each time: what a failed sync may have dropped is not
 * trusted to be written again in place (R9).  The ring has the message until
 * a sync has covered the file, so a half-written one does no harm. */
int
spool_file_write(struct spool *s, struct message *m)
{
	char made[DISK_NAME_MAX], name[DISK_NAME_MAX];
	struct buf b;
	int r;

	spool_file_name(m->mid, name);
	snprintf(made, sizeof(made), "tmp/%s.cur", m->mid);
	buf_init(&b, FILE_MAX);
	r = file_bytes(s, m, &b);
	if (r == 0)
		r = write_beside(s, made, name, buf_str(&b));
	buf_free(&b);
	if (r != 0)
		return r;
	m->file = FILE_WRITTEN;
	m->file_there = true;
	m->file_number++;
	tell_written(s, name, true);
	settle_add(s, SETTLE_FILE, m, m->file_number, 0, true);
	message_release(s, m);
	return 0;
}

static int
append(const struct disk *d, const char *name, struct str bytes)
{
	int h = d->open(d->ctx, name, DISK_WRITE), r = FAIL_TEMP;
	int64_t size;

	if (h < 0)
		return FAIL_TEMP;
	size = d->size(d->ctx, h);
	if (size >= SPOOL_FILE_HEAD)
		r = disk_write(d, h, bytes,
		    (int64_t)spool_mark_at((uint64_t)size));
	d->close(d->ctx, h);
	return r;
}

/* The state of a recipient behind what the file says already. */
int
spool_file_append(struct spool *s, struct message *m, uint32_t number)
{
	const struct recipient *to = &m->env.to[number];
	struct mark mark = { .mid = str_of(m->mid), .number = number,
	    .state = to->state, .attempts = to->attempts,
	    .redelivery = to->redelivery, .next_ms = to->next_ms,
	    .told = to->told,
	    .reason = to->reason };
	char name[DISK_NAME_MAX];
	struct buf b;
	int r;

	spool_file_name(m->mid, name);
	buf_init(&b, SPOOL_MARK_BLOCK);
	spool_mark_put(&b, &mark);
	r = append(s->disk, name, buf_str(&b));
	buf_free(&b);
	if (r == 0)
		tell_written(s, name, true);
	return r;
}

/* R3: the mark's segment is held until the file has it on the disk. */
void
spool_file_mark(struct spool *s, struct message *m, uint32_t number,
    uint64_t use)
{
	if (m->file == FILE_NONE)
		return;		/* a stale file; the ring stands for it */
	settle_add(s, SETTLE_MARK, m, number, RULE('M') ? use : 0,
	    spool_file_append(s, m, number) == 0);
}

/* Takes a name away, once more if a sync failed since: the folder must be
 * dirty for the next sync to write it. */
static int
remove_name(struct spool *s, const char *name, bool *unlinked)
{
	const struct disk *d = s->disk;
	int h;

	if (*unlinked) {
		h = d->open(d->ctx, name, DISK_WRITE | DISK_CREATE);
		if (h >= 0)
			d->close(d->ctx, h);
	}
	if (unlink_file(s, name) != 0)
		return FAIL_TEMP;
	*unlinked = true;
	return 0;
}

int
spool_file_remove(struct spool *s, struct message *m)
{
	char name[DISK_NAME_MAX];

	spool_file_name(m->mid, name);
	if (remove_name(s, name, &m->unlinked) != 0)
		return FAIL_TEMP;
	m->file_there = false;
	m->file = FILE_NONE;
	tell_written(s, name, false);
	return 0;
}

/* R10: called once results are settled and the END record is flushed.  The
 * record stays until the unlink is on the disk, else the file returns. */
void
spool_file_unlink(struct spool *s, struct message *m, uint64_t use)
{
	char body[DISK_NAME_MAX];

	if (m->large) {		/* without its record nobody looks for it */
		snprintf(body, sizeof(body), "tmp/%s", m->mid);
		(void)s->disk->unlink(s->disk->ctx, body);
	}
	if (!m->file_there)
		return;
	settle_add(s, SETTLE_UNLINK, m, 0, RULE('T') ? use : 0,
	    spool_file_remove(s, m) == 0);
}

/* --- maildrop ------------------------------------------------------------ */

int
spool_drop_remove(struct spool *s, struct message *m)
{
	char name[DISK_NAME_MAX];

	if (m->drop == NULL)
		return 0;	/* another process did, under a name we forgot */
	snprintf(name, sizeof(name), "maildrop/%s", m->drop);
	if (remove_name(s, name, &m->drop_unlinked) != 0)
		return FAIL_TEMP;
	tell_written(s, name, false);
	return 0;
}

void
spool_drop_due(struct spool *s, struct message *m)
{
	m->drop_due = false;
	settle_add(s, SETTLE_DROP, m, 0, RULE('Y') ? m->place.use : 0,
	    spool_drop_remove(s, m) == 0);
}

void
spool_drop(struct spool *s, struct message *m, const char *name)
{
	if (m->drop != NULL)
		return;		/* it is going already */
	m->drop = xstrdup(name);
	spool_drop_due(s, m);
}

void
spool_drop_found(struct spool *s, struct message *m, const char *name)
{
	if (m->drop != NULL)
		return;
	m->drop = xstrdup(name);
	m->drop_due = RULE('G') && m->held != 0;
	if (!m->drop_due)
		spool_drop_due(s, m);
}

/* --- reading ------------------------------------------------------------- */

/* Errors that last: another inode has the name. */
static int
cannot_read(void)
{
	return errno == EISDIR || errno == EACCES || errno == ELOOP ||
	    errno == ENXIO ? FAIL_DENIED : FAIL_TEMP;
}

/* FAIL_DENIED, FAIL_TOO_BIG: it is no spool file, and will not become one. */
static int
read_whole(const struct disk *d, const char *name, struct buf *out)
{
	int h = d->open(d->ctx, name, DISK_READ), r = FAIL_TOO_BIG;
	int64_t size;
	uint8_t *p;

	if (h < 0)
		return errno == ENOENT ? FAIL_GONE : cannot_read();
	size = d->size(d->ctx, h);
	p = size < 0 ? NULL : buf_grow(out, (size_t)size + 1);
	if (p != NULL) {
		r = disk_read(d, h, p, (size_t)size, 0);
		if (r == 0)
			buf_grown(out, (size_t)size);
		else if (r == FAIL_TEMP)
			r = cannot_read();
	}
	d->close(d->ctx, h);
	return r;
}

/* Parts of a file, each with its right sum; marks begin behind content.
 * FAIL_SYNTAX otherwise. */
static int
split(struct str file, struct str *envelope_out, struct str *content_out)
{
	struct spool_head h;

	if (file.n < SPOOL_FILE_HEAD || spool_head_get(file.p, &h) != 0)
		return FAIL_SYNTAX;
	file = str_from(file, SPOOL_FILE_HEAD);
	if (h.envelope > file.n || h.content > file.n - h.envelope)
		return FAIL_SYNTAX;
	*envelope_out = str_sub(file, 0, h.envelope);
	*content_out = str_sub(file, h.envelope, (size_t)h.content);
	return crc32c(envelope_out->p, envelope_out->n) == h.envelope_sum &&
	    crc32c(content_out->p, content_out->n) == h.content_sum ? 0 :
	    FAIL_SYNTAX;
}

static void
take_marks(struct spool *s, struct message *m, struct str file, size_t at)
{
	struct mark mark;

	while (spool_mark_next(file, &at, &mark)) {
		if (mark.number >= m->env.n_to ||
		    m->to[mark.number].state == DELIVERY_ENDED)
			continue;
		message_apply(s, m, &mark);
		if (mark.state == RECIPIENT_DONE) {
			m->to[mark.number].state = DELIVERY_ENDED;
			m->open--;
		}
	}
}

static struct message *
from_bytes(struct spool *s, const char *mid, struct str file)
{
	struct str envelope, content;
	struct message *m;

	if (split(file, &envelope, &content) != 0)
		return NULL;
	m = message_new(s, JOURNAL_COMMIT, envelope);
	if (m == NULL)
		return NULL;
	if (m->env.mailbox.n > 0)
		m->type = JOURNAL_APPEND;
	if (strcmp(m->mid, mid) != 0) {
		message_free(s, m);
		return NULL;
	}
	m->large = content.n == 0 && m->env.size > 0;
	take_marks(s, m, file, (size_t)(content.p - file.p) + content.n);
	for (size_t i = 0; i < m->env.n_to; i++)
		m->to[i].repeat = true;
	m->file = FILE_SETTLED;
	m->file_there = true;
	return m;
}

struct message *
spool_file_load(struct spool *s, const char *mid)
{
	char name[DISK_NAME_MAX];
	struct message *m = NULL;
	struct buf b;
	int r;

	spool_file_name(mid, name);
	buf_init(&b, FILE_MAX);
	r = read_whole(s->disk, name, &b);
	if (r == 0)
		m = from_bytes(s, mid, buf_str(&b));
	if (m == NULL && r != FAIL_GONE && r != FAIL_TEMP)
		(void)put_aside(s, name, "spool file is damaged");
	buf_free(&b);
	return m;
}

int
spool_file_content(struct spool *s, struct message *m, struct buf *out)
{
	struct str envelope, content;
	char name[DISK_NAME_MAX];
	struct buf b;
	int r;

	spool_file_name(m->mid, name);
	buf_init(&b, FILE_MAX);
	r = read_whole(s->disk, name, &b);
	if (r == 0)
		r = split(buf_str(&b), &envelope, &content);
	if (r == 0)
		buf_add(out, content);
	buf_free(&b);
	return r == 0 && buf_failed(out) ? FAIL_TOO_BIG : r;
}
