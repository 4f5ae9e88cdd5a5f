/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/toystore.c - see toystore.h.  Simple on purpose: a test double
 * that tells notes as ipc/catalogue.h wants them and keeps no promise about
 * disks.
 */
#include "toystore.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "imap/flag.h"
#include "imap/set.h"
#include "mail/header.h"
#include "mail/index.h"
#include "mail/mime.h"
#include "mail/shape.h"
#include "mail/wire.h"

#include "base/banned.h"

struct mbox {
	struct link	link;
	char		*account, *name;
	const char	*special;
	bool		is_subscribed, is_ghost;
	uint32_t	uidvalidity, uidnext, records, recent_uid;
	uint64_t	modseq;
	uint32_t	generation;
	int		index_fd, cache_fd;
	uint64_t	cache_end;
	int		*body;		/* by UID */
	size_t		bodies;
	struct buf	keywords;
};

struct opener {
	struct link	link;
	uint32_t	handle, login;
	struct mbox	*box;
};

struct login {
	struct link	link;
	uint32_t	handle;
	char		*account;
};

/* --- files --------------------------------------------------------------- */

static int
memory(void)
{
	int fd = memfd_create("toy", MFD_CLOEXEC);

	if (fd < 0)
		bug("memfd_create");
	return fd;
}

static int
read_only(int fd)
{
	char name[64];
	int ro;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ro = open(name, O_RDONLY | O_CLOEXEC);
	if (ro < 0)
		bug("reopen");
	return ro;
}

static void
get(struct mbox *b, uint32_t i, struct index_record *r)
{
	uint8_t bytes[INDEX_RECORD_SIZE];

	if (file_pread(b->index_fd, bytes, sizeof(bytes), INDEX_HEADER_SIZE +
	    (off_t)i * INDEX_RECORD_SIZE) < 0 || index_record_get(bytes, r) < 0)
		bug("toy index");
}

static void
put(struct mbox *b, uint32_t i, const struct index_record *r)
{
	uint8_t bytes[INDEX_RECORD_SIZE];

	index_record_put(r, bytes);
	if (file_pwrite(b->index_fd, str_mem(bytes, sizeof(bytes)),
	    INDEX_HEADER_SIZE + (off_t)i * INDEX_RECORD_SIZE) < 0)
		bug("toy index");
}

static void
put_header(struct mbox *b)
{
	uint8_t bytes[INDEX_HEADER_SIZE] = { 0 };
	struct index_header h = { .version = INDEX_VERSION,
	    .generation = b->generation, .uidvalidity = b->uidvalidity,
	    .uidnext = b->uidnext, .modseq = b->modseq,
	    .records = b->records };
	uint32_t i;

	for (i = 0; i < b->records; i++) {
		struct index_record r;

		get(b, i, &r);
		if (r.flags & INDEX_EXPUNGED)
			continue;
		h.messages++;
		h.unseen += (r.flags & INDEX_SEEN) == 0;
		h.deleted += (r.flags & INDEX_DELETED) != 0;
		h.size += r.wire_size;
	}
	index_header_put(&h, bytes);
	if (file_pwrite(b->index_fd, str_mem(bytes, sizeof(bytes)), 0) < 0)
		bug("toy index");
}

static void
new_files(struct mbox *b)
{
	b->index_fd = memory();
	put_header(b);
	b->cache_fd = memory();
	b->cache_end = CACHE_FIRST;
	if (ftruncate(b->cache_fd, CACHE_FIRST) != 0)
		bug("ftruncate");
}

static struct mbox *
add_box(struct toy *t, const char *account, const char *name,
    const char *special)
{
	struct mbox *b = xcalloc(1, sizeof(*b));
	static uint32_t uidvalidity = 1000;

	b->account = xstrdup(account);
	b->name = xstrdup(name);
	b->special = special;
	b->uidvalidity = ++uidvalidity;
	b->uidnext = b->recent_uid = 1;
	b->generation = 1;
	buf_init(&b->keywords, 4096);
	new_files(b);
	list_push(&t->boxes, &b->link);
	return b;
}

static struct mbox *
find_box(struct toy *t, const char *account, struct str name)
{
	struct link *l;

	list_each(l, &t->boxes) {
		struct mbox *b = container_of(l, struct mbox, link);

		if (strcmp(b->account, account) == 0 &&
		    str_same(name, b->name))
			return b;
	}
	return NULL;
}

/* --- who ----------------------------------------------------------------- */

static struct login *
login_of(struct toy *t, uint32_t handle)
{
	struct link *l;

	list_each(l, &t->logins)
		if (container_of(l, struct login, link)->handle == handle)
			return container_of(l, struct login, link);
	return NULL;
}

static struct opener *
opener_of(struct toy *t, uint32_t handle)
{
	struct link *l;

	list_each(l, &t->openers)
		if (container_of(l, struct opener, link)->handle == handle)
			return container_of(l, struct opener, link);
	return NULL;
}

/* --- saying -------------------------------------------------------------- */

#define SAY(t, to, KIND, name, tick, fd_, ...) do {			\
	struct note n_;							\
									\
	note_init(&n_, NOTE_##KIND);					\
	n_.u.name = (struct note_##name){ __VA_ARGS__ };		\
	n_.ticket = (tick);						\
	n_.fd = (fd_);							\
	fake_say(&(t)->to, &n_);					\
} while (0)

#define FAILED(code) (uint32_t)-(code)

static void
tell_news(struct toy *t, struct mbox *b, struct str set)
{
	struct link *l;

	put_header(b);
	list_each(l, &t->openers) {
		struct opener *o = container_of(l, struct opener, link);

		if (o->box == b)
			SAY(t, stored, STORE_NEWS, store_news, 0, -1,
			    .box = o->handle, .records = b->records,
			    .uidnext = b->uidnext, .modseq = b->modseq,
			    .keywords = buf_str(&b->keywords),
			    .has_set = !t->is_terse,
			    .set = t->is_terse ? (struct str){ NULL, 0 } :
			    set);
	}
}

static void
tell_gone(struct toy *t, struct mbox *b, struct str set)
{
	struct link *l;

	put_header(b);
	if (set.n == 0)
		return;
	list_each(l, &t->openers) {
		struct opener *o = container_of(l, struct opener, link);

		if (o->box == b)
			SAY(t, stored, STORE_GONE, store_gone, 0, -1,
			    .box = o->handle, .set = t->is_terse ?
			    (struct str){ NULL, 0 } : set,
			    .modseq = b->modseq);
	}
}

static void
done(struct toy *t, uint32_t ticket, int rc, uint64_t modseq)
{
	SAY(t, stored, STORE_DONE, store_done, ticket, -1,
	    .failed = FAILED(rc), .modseq = modseq);
}

/* --- messages ------------------------------------------------------------ */

static void
fill_cache(struct mbox *b, struct index_record *r, struct str disk)
{
	static const char *const fields[] = { "From", "To", "Cc", "Bcc",
	    "Subject", "Date", "Message-ID", "In-Reply-To", "References",
	    "Reply-To", "Sender", "Content-Type" };
	struct buf blob, text, wire;
	struct header_field f;
	struct header h;
	struct arena arena;
	struct mime m;
	struct wire w = { 0 };
	size_t i;

	arena_init(&arena, MIME_ARENA_CAP);
	buf_init(&blob, CACHE_BLOB_MAX);
	buf_init(&text, CACHE_BLOB_MAX);
	buf_init(&wire, 1 << 24);
	if (mime_begin(&m, &arena) < 0)
		bug("mime_begin");
	mime_feed(&m, disk);
	mime_end(&m);
	r->wire_size = m.whole.wire;
	cache_blob_begin(&blob);
	shape_envelope(&text, m.root->message);
	cache_item_put(&blob, CACHE_ENVELOPE, buf_str(&text));
	buf_reset(&text);
	shape_body(&text, &m, true);
	cache_item_put(&blob, CACHE_BODYSTRUCTURE, buf_str(&text));
	buf_reset(&text);
	shape_body(&text, &m, false);
	cache_item_put(&blob, CACHE_BODY, buf_str(&text));
	buf_reset(&text);
	wire_from_disk(&w, disk, true, &wire);
	header_init(&h, buf_str(&wire));
	while (header_next(&h, &f))
		for (i = 0; i < NITEMS(fields); i++)
			if (str_is(f.name, fields[i]))
				buf_add(&text, f.raw);
	cache_item_put(&blob, CACHE_HEADER, buf_str(&text));
	cache_blob_end(&blob);
	r->cache_at = b->cache_end;
	if (file_pwrite(b->cache_fd, buf_str(&blob), (off_t)b->cache_end) < 0)
		bug("toy cache");
	b->cache_end += blob.len;
	buf_free(&blob);
	buf_free(&text);
	buf_free(&wire);
	arena_free(&arena);
}

static uint64_t
keyword_bits(struct mbox *b, struct str names)
{
	uint64_t bits = 0;

	while (str_more(names)) {
		struct str name = str_word(&names);
		int bit = imap_keyword_bit(buf_str(&b->keywords), name);

		if (bit < 0) {
			if (b->keywords.len > 0)
				buf_c(&b->keywords, ' ');
			buf_add(&b->keywords, name);
			bit = imap_keyword_bit(buf_str(&b->keywords), name);
		}
		if (bit < INDEX_KEYWORDS)
			bits |= (uint64_t)1 << bit;
	}
	return bits;
}

/* Appends a record for a file; body_fd becomes the box's. */
static uint32_t
add_record(struct mbox *b, int body_fd, struct index_record r)
{
	struct buf disk;
	struct stat st;

	buf_init(&disk, 1 << 24);
	if (fstat(body_fd, &st) != 0 || lseek(body_fd, 0, SEEK_SET) != 0 ||
	    file_read_fd(body_fd, &disk) < 0)
		bug("toy body");
	r.uid = b->uidnext++;
	r.modseq = ++b->modseq;
	r.disk_size = (uint64_t)st.st_size;
	fill_cache(b, &r, buf_str(&disk));
	if (r.uid >= b->bodies) {
		size_t n = b->bodies == 0 ? 64 : 2 * b->bodies;

		b->body = xrealloc(b->body, n * sizeof(*b->body));
		memset(b->body + b->bodies, 0, (n - b->bodies) *
		    sizeof(*b->body));
		b->bodies = n;
	}
	b->body[r.uid] = body_fd;
	put(b, b->records++, &r);
	buf_free(&disk);
	return r.uid;
}

static void
on_append(struct toy *t, const struct note *n)
{
	const struct note_store_append *a = &n->u.store_append;
	struct login *l = login_of(t, a->login);
	struct mbox *b = l == NULL ? NULL : find_box(t, l->account,
	    a->mailbox);
	struct wire w = { 0 };
	struct buf in, out;
	uint32_t uid;
	int fd;

	if (b == NULL || b->is_ghost) {
		SAY(t, stored, STORE_APPENDED, store_appended, n->ticket, -1,
		    .failed = FAILED(FAIL_GONE),
		    .text = STR("[TRYCREATE] There is no such mailbox"));
		return;
	}
	buf_init(&in, 1 << 24);
	buf_init(&out, 1 << 24);
	/* the face has written it, so its offset is at the end */
	if (!fd_sealed(n->fd) || lseek(n->fd, 0, SEEK_SET) != 0 ||
	    file_read_fd(n->fd, &in) < 0 ||
	    in.len != a->size)
		bug("APPEND: not what was said");
	wire_to_disk(&w, buf_str(&in), true, &out);
	fd = memory();
	if (file_write(fd, buf_str(&out)) < 0)
		bug("toy body");
	uid = add_record(b, fd, (struct index_record){
	    .flags = (uint16_t)a->flags, .internaldate_s = a->date_s,
	    .keywords = keyword_bits(b, a->keywords) });
	buf_free(&in);
	buf_free(&out);
	tell_news(t, b, (struct str){ NULL, 0 });
	SAY(t, stored, STORE_APPENDED, store_appended, n->ticket, -1,
	    .uid = uid, .uidvalidity = b->uidvalidity);
}

/* --- opening ------------------------------------------------------------- */

static void
on_open(struct toy *t, const struct note *n)
{
	const struct note_store_open *a = &n->u.store_open;
	struct login *l = login_of(t, a->login);
	struct mbox *b = find_box(t, l->account, a->mailbox);
	struct opener *o;
	int index, cache;

	if (b == NULL || b->is_ghost) {
		SAY(t, stored, STORE_OPENED, store_opened, n->ticket, -1,
		    .failed = FAILED(FAIL_GONE),
		    .text = STR("[NONEXISTENT] There is no such mailbox"));
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->handle = ++t->next_handle;
	o->login = a->login;
	o->box = b;
	list_push(&t->openers, &o->link);
	cache = read_only(b->cache_fd);
	SAY(t, stored, STORE_CACHE, store_cache, n->ticket, cache,
	    .generation = b->generation);
	(void)close(cache);
	index = read_only(b->index_fd);
	SAY(t, stored, STORE_OPENED, store_opened, n->ticket, index,
	    .box = o->handle, .generation = b->generation,
	    .records = b->records, .uidvalidity = b->uidvalidity,
	    .uidnext = b->uidnext, .recent_uid = b->recent_uid,
	    .modseq = b->modseq, .keywords = buf_str(&b->keywords));
	(void)close(index);
	if (!a->read_only)
		b->recent_uid = b->uidnext;
}

/* --- changing ------------------------------------------------------------ */

static bool
in_set(struct arena *arena, struct str text, struct imap_set *set)
{
	if (text.n == 0)
		return false;
	if (!imap_set_parse(text, arena, set))
		bug("not a set: %.*s", STR_ARG(text));
	imap_set_resolve(set, UINT32_MAX);
	return true;
}

static void
on_change(struct toy *t, const struct note *n)
{
	const struct note_store_change *a = &n->u.store_change;
	struct mbox *b = opener_of(t, a->box)->box;
	uint64_t bits = keyword_bits(b, a->keywords);
	struct imap_set set = { 0 };
	struct imap_set_out o;
	struct arena arena;
	struct buf changed;
	uint32_t i;

	arena_init(&arena, 1 << 20);
	buf_init(&changed, SET_MAX);
	imap_set_begin(&o, &changed);
	(void)in_set(&arena, a->set, &set);
	b->modseq++;
	for (i = 0; i < b->records; i++) {
		struct index_record r, was;

		get(b, i, &r);
		was = r;
		if ((r.flags & INDEX_EXPUNGED) || !imap_set_has(&set, r.uid))
			continue;
		if (a->how == STORE_SET) {
			r.flags &= (uint16_t)~INDEX_FLAG_MASK;
			r.keywords = 0;
		}
		if (a->how == STORE_REMOVE) {
			r.flags &= (uint16_t)~a->flags;
			r.keywords &= ~bits;
		} else {
			r.flags |= (uint16_t)a->flags;
			r.keywords |= bits;
		}
		if (r.flags == was.flags && r.keywords == was.keywords)
			continue;
		r.modseq = b->modseq;
		put(b, i, &r);
		imap_set_put(&o, r.uid);
	}
	imap_set_end(&o);
	tell_news(t, b, buf_str(&changed));
	done(t, n->ticket, 0, b->modseq);
	buf_free(&changed);
	arena_free(&arena);
}

static void
on_expunge(struct toy *t, const struct note *n)
{
	const struct note_store_expunge *a = &n->u.store_expunge;
	struct mbox *b = opener_of(t, a->box)->box;
	struct imap_set set = { 0 };
	struct imap_set_out o;
	struct arena arena;
	struct buf gone;
	bool all;
	uint32_t i;

	arena_init(&arena, 1 << 20);
	buf_init(&gone, SET_MAX);
	imap_set_begin(&o, &gone);
	all = !in_set(&arena, a->set, &set);
	b->modseq++;
	for (i = 0; i < b->records; i++) {
		struct index_record r;

		get(b, i, &r);
		if ((r.flags & INDEX_EXPUNGED) ||
		    (a->only_deleted && !(r.flags & INDEX_DELETED)) ||
		    (!all && !imap_set_has(&set, r.uid)))
			continue;
		r.flags |= INDEX_EXPUNGED;
		put(b, i, &r);
		imap_set_put(&o, r.uid);
	}
	imap_set_end(&o);
	tell_gone(t, b, buf_str(&gone));
	done(t, n->ticket, 0, b->modseq);
	buf_free(&gone);
	arena_free(&arena);
}

static void
on_copy(struct toy *t, const struct note *n)
{
	const struct note_store_copy *a = &n->u.store_copy;
	struct opener *op = opener_of(t, a->box);
	struct mbox *b = op->box, *to = find_box(t, b->account, a->mailbox);
	struct imap_set set = { 0 };
	struct imap_set_out from_o, to_o;
	struct buf from_uids, to_uids;
	struct arena arena;
	uint32_t i, n_records = b->records;

	if (to == NULL || to->is_ghost) {
		SAY(t, stored, STORE_COPIED, store_copied, n->ticket, -1,
		    .failed = FAILED(FAIL_GONE),
		    .text = STR("[TRYCREATE] There is no such mailbox"));
		return;
	}
	arena_init(&arena, 1 << 20);
	buf_init(&from_uids, SET_MAX);
	buf_init(&to_uids, SET_MAX);
	imap_set_begin(&from_o, &from_uids);
	imap_set_begin(&to_o, &to_uids);
	(void)in_set(&arena, a->set, &set);
	for (i = 0; i < n_records; i++) {
		struct index_record r;

		get(b, i, &r);
		if ((r.flags & INDEX_EXPUNGED) || !imap_set_has(&set, r.uid))
			continue;
		imap_set_put(&from_o, r.uid);
		imap_set_put(&to_o, add_record(to, dup(b->body[r.uid]), r));
		if (!a->move)
			continue;
		r.flags |= INDEX_EXPUNGED;
		put(b, i, &r);
	}
	imap_set_end(&from_o);
	imap_set_end(&to_o);
	tell_news(t, to, (struct str){ NULL, 0 });
	if (a->move)
		tell_gone(t, b, buf_str(&from_uids));
	SAY(t, stored, STORE_COPIED, store_copied, n->ticket, -1,
	    .uidvalidity = to->uidvalidity, .from = buf_str(&from_uids),
	    .to = buf_str(&to_uids));
	buf_free(&from_uids);
	buf_free(&to_uids);
	arena_free(&arena);
}

static void
on_body(struct toy *t, const struct note *n)
{
	const struct note_store_body *a = &n->u.store_body;
	struct mbox *b = opener_of(t, a->box)->box;
	struct stat st;
	int fd;

	t->bodies++;
	if (a->uid >= b->bodies || b->body[a->uid] == 0) {
		SAY(t, stored, STORE_FILE, store_file, n->ticket, -1,
		    .failed = FAILED(FAIL_GONE));
		return;
	}
	fd = read_only(b->body[a->uid]);
	(void)fstat(fd, &st);
	SAY(t, stored, STORE_FILE, store_file, n->ticket, fd,
	    .size = (uint64_t)st.st_size);
	(void)close(fd);
}

/* --- names --------------------------------------------------------------- */

static bool
has_children(struct toy *t, const struct mbox *b)
{
	struct link *l;
	size_t n = strlen(b->name);

	list_each(l, &t->boxes) {
		struct mbox *o = container_of(l, struct mbox, link);

		if (strcmp(o->account, b->account) == 0 &&
		    strncmp(o->name, b->name, n) == 0 && o->name[n] == '/')
			return true;
	}
	return false;
}

static void
on_list(struct toy *t, const struct note *n)
{
	struct login *l = login_of(t, n->u.store_list.login);
	struct link *e;

	list_each(e, &t->boxes) {
		struct mbox *b = container_of(e, struct mbox, link);
		uint32_t flags = 0;

		if (strcmp(b->account, l->account) != 0)
			continue;
		if (b->is_ghost)
			flags |= STORE_GHOST;
		if (b->is_subscribed)
			flags |= STORE_SUBSCRIBED;
		if (has_children(t, b))
			flags |= STORE_CHILDREN;
		SAY(t, stored, STORE_NAME, store_name, n->ticket, -1,
		    .name = str_of(b->name), .flags = flags,
		    .special = str_of(b->special));
	}
	done(t, n->ticket, 0, 0);
}

static int
change_name(struct toy *t, const struct note_store_mailbox *a)
{
	struct login *l = login_of(t, a->login);
	struct mbox *b = find_box(t, l->account, a->name);
	char *z;

	switch ((enum store_verb)a->verb) {
	case STORE_CREATE:
		if (b != NULL && !b->is_ghost)
			return FAIL_PERM;
		z = xcalloc(1, a->name.n + 1);
		memcpy(z, a->name.p, a->name.n);
		add_box(t, l->account, z, NULL);
		free(z);
		return 0;
	case STORE_DELETE:
		if (b == NULL)
			return FAIL_GONE;
		b->is_ghost = true;
		return 0;
	case STORE_RENAME:
		if (b == NULL || find_box(t, l->account, a->to) != NULL)
			return b == NULL ? FAIL_GONE : FAIL_PERM;
		free(b->name);
		b->name = xcalloc(1, a->to.n + 1);
		memcpy(b->name, a->to.p, a->to.n);
		return 0;
	case STORE_SUBSCRIBE:
	case STORE_UNSUBSCRIBE:
		if (b == NULL)
			return FAIL_GONE;
		b->is_subscribed = a->verb == STORE_SUBSCRIBE;
		return 0;
	}
	return FAIL_BUG;
}

static void
on_status(struct toy *t, const struct note *n)
{
	struct login *l = login_of(t, n->u.store_status.login);
	struct mbox *b = find_box(t, l->account, n->u.store_status.mailbox);
	uint8_t bytes[INDEX_HEADER_SIZE];
	struct index_header h;

	if (b == NULL || b->is_ghost) {
		SAY(t, stored, STORE_COUNTS, store_counts, n->ticket, -1,
		    .failed = FAILED(FAIL_GONE));
		return;
	}
	if (file_pread(b->index_fd, bytes, sizeof(bytes), 0) < 0 ||
	    index_header_get(bytes, &h, NULL) < 0)
		bug("toy header");
	SAY(t, stored, STORE_COUNTS, store_counts, n->ticket, -1,
	    .messages = h.messages, .recent = b->uidnext - b->recent_uid,
	    .unseen = h.unseen, .deleted = h.deleted, .uidnext = b->uidnext,
	    .uidvalidity = b->uidvalidity, .size = h.size,
	    .modseq = b->modseq);
}

/* --- logins -------------------------------------------------------------- */

static void
on_login(struct toy *t, const struct note *n)
{
	const struct note_store_login *a = &n->u.store_login;
	struct login *l = xcalloc(1, sizeof(*l));

	if (!str_same(a->grant, "a grant"))
		bug("no grant was shown");
	l->handle = ++t->next_handle;
	l->account = xcalloc(1, a->account.n + 1);
	memcpy(l->account, a->account.p, a->account.n);
	list_push(&t->logins, &l->link);
	SAY(t, stored, STORE_LOGGED, store_logged, n->ticket, -1,
	    .login = l->handle);
}

static void
on_close(struct toy *t, uint32_t handle, uint32_t login)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &t->openers) {
		struct opener *o = container_of(l, struct opener, link);

		if (o->handle == handle || (login != 0 && o->login == login)) {
			list_remove(&o->link);
			free(o);
		}
	}
}

static void
on_stored(struct toy *t, const struct note *n)
{
	switch (n->kind) {
	case NOTE_STORE_LOGIN:
		on_login(t, n);
		break;
	case NOTE_STORE_LOGOUT:
		on_close(t, 0, n->u.store_logout.login);
		break;
	case NOTE_STORE_OPEN:
		on_open(t, n);
		break;
	case NOTE_STORE_CLOSE:
		on_close(t, n->u.store_close.box, 0);
		break;
	case NOTE_STORE_APPEND:
		on_append(t, n);
		break;
	case NOTE_STORE_CHANGE:
		on_change(t, n);
		break;
	case NOTE_STORE_EXPUNGE:
		on_expunge(t, n);
		break;
	case NOTE_STORE_COPY:
		on_copy(t, n);
		break;
	case NOTE_STORE_BODY:
		on_body(t, n);
		break;
	case NOTE_STORE_LIST:
		on_list(t, n);
		break;
	case NOTE_STORE_MAILBOX:
		done(t, n->ticket, change_name(t, &n->u.store_mailbox), 0);
		break;
	case NOTE_STORE_STATUS:
		on_status(t, n);
		break;
	case NOTE_STORE_CHECK:
		done(t, n->ticket, 0, 0);
		break;
	default:
		bug("toy store: %s", note_name(n->kind));
	}
}

static void
on_authd(struct toy *t, const struct note *n)
{
	const struct note_auth_check *a = &n->u.auth_check;
	bool ok = (str_same(a->user, "joe@example.org") ||
	    str_same(a->user, "ann@example.org")) &&
	    str_same(a->secret, "secret");

	if (a->authzid.n > 0 && !str_eq(a->authzid, a->user))
		ok = false;
	SAY(t, authd, AUTH_VERDICT, auth_verdict, n->ticket, -1,
	    .result = ok ? AUTH_OK : AUTH_NO,
	    .account = ok ? a->user : (struct str){ NULL, 0 },
	    .grant = ok ? STR("a grant") : (struct str){ NULL, 0 });
}

bool
toy_serve(struct toy *t)
{
	struct note n;
	bool any = false;

	while (!t->is_deaf && fake_next(&t->stored, &n)) {
		on_stored(t, &n);
		if (n.fd >= 0)
			(void)close(n.fd);
		any = true;
	}
	while (fake_next(&t->authd, &n)) {
		on_authd(t, &n);
		any = true;
	}
	while (fake_next(&t->rated, &n)) {
		if (n.kind == NOTE_RATE_ASK)
			SAY(t, rated, RATE_VERDICT, rate_verdict, n.ticket,
			    -1, .result = RATE_OK);
		any = true;
	}
	return any;
}

/* --- life ---------------------------------------------------------------- */

static void
add_account(struct toy *t, const char *account)
{
	static const char *const names[][2] = { { "INBOX", NULL },
	    { "Archive", "\\Archive" }, { "Drafts", "\\Drafts" },
	    { "Junk", "\\Junk" }, { "Sent", "\\Sent" },
	    { "Trash", "\\Trash" } };
	size_t i;

	for (i = 0; i < NITEMS(names); i++)
		add_box(t, account, names[i][0], names[i][1]);
}

void
toy_init(struct toy *t, chan_note_fn *on_note, chan_end_fn *on_end)
{
	*t = (struct toy){ .is_terse = getenv("TOY_TERSE") != NULL };
	list_init(&t->boxes);
	list_init(&t->openers);
	list_init(&t->logins);
	fake_init(&t->stored, IMAPD, STORED, 0, on_note, on_end, t);
	fake_init(&t->authd, IMAPD, AUTHD, 0, on_note, on_end, t);
	fake_init(&t->rated, IMAPD, RATED, 0, on_note, on_end, t);
	add_account(t, "joe@example.org");
	add_account(t, "ann@example.org");
}

void
toy_free(struct toy *t)
{
	struct link *l;
	size_t i;

	while ((l = list_pop(&t->boxes)) != NULL) {
		struct mbox *b = container_of(l, struct mbox, link);

		for (i = 0; i < b->bodies; i++)
			if (b->body[i] > 0)
				(void)close(b->body[i]);
		(void)close(b->index_fd);
		(void)close(b->cache_fd);
		buf_free(&b->keywords);
		free(b->body);
		free(b->account);
		free(b->name);
		free(b);
	}
	while ((l = list_pop(&t->openers)) != NULL)
		free(container_of(l, struct opener, link));
	while ((l = list_pop(&t->logins)) != NULL) {
		free(container_of(l, struct login, link)->account);
		free(container_of(l, struct login, link));
	}
	fake_free(&t->stored);
	fake_free(&t->authd);
	fake_free(&t->rated);
}

void
toy_compact(struct toy *t)
{
	struct link *l, *e;

	list_each(l, &t->boxes) {
		struct mbox *b = container_of(l, struct mbox, link), old = *b;
		uint32_t i;

		b->records = 0;
		b->generation++;
		b->index_fd = memory();
		for (i = 0; i < old.records; i++) {
			struct index_record r;

			get(&old, i, &r);
			if ((r.flags & INDEX_EXPUNGED) == 0)
				put(b, b->records++, &r);
		}
		put_header(b);
		(void)close(old.index_fd);
		list_each(e, &t->openers) {
			struct opener *o = container_of(e, struct opener,
			    link);
			int fd;

			if (o->box != b)
				continue;
			fd = read_only(b->index_fd);
			SAY(t, stored, STORE_REMAP, store_remap, 0, fd,
			    .box = o->handle, .generation = b->generation,
			    .records = b->records);
			(void)close(fd);
			fd = read_only(b->cache_fd);
			SAY(t, stored, STORE_RECACHE, store_recache, 0, fd,
			    .box = o->handle, .generation = b->generation);
			(void)close(fd);
		}
	}
}

void
toy_drop_caches(struct toy *t)
{
	struct link *l;
	uint32_t i;

	list_each(l, &t->boxes) {
		struct mbox *b = container_of(l, struct mbox, link);

		for (i = 0; i < b->records; i++) {
			struct index_record r;

			get(b, i, &r);
			r.cache_at = 0;
			put(b, i, &r);
		}
	}
}

/* All of them share one file, which is read only. */
void
toy_fill(struct toy *t, unsigned n)
{
	struct mbox *b = find_box(t, "joe@example.org", STR("INBOX"));
	struct buf disk;
	unsigned i;

	buf_init(&disk, 1 << 20);
	for (i = 0; i < n; i++) {
		struct index_record r = { .uid = b->uidnext++,
		    .modseq = ++b->modseq,
		    .internaldate_s = 1700000000 + (int64_t)i };

		buf_reset(&disk);
		buf_fmt(&disk, "From: Joe %u <joe@example.org>\n"
		    "To: ann@example.org\nSubject: message number %u\n"
		    "Date: Thu, 1 Feb 2024 08:00:00 +0100\n"
		    "Message-ID: <m%u@example.org>\n\ntext %u\n", i, i, i,
		    i);
		r.disk_size = disk.len;
		fill_cache(b, &r, buf_str(&disk));
		put(b, b->records++, &r);
	}
	buf_free(&disk);
	tell_news(t, b, (struct str){ NULL, 0 });
}
