/* SPDX-License-Identifier: ISC */
/*
 * ipc/note.c - the catalogue as tables and typed calls; one encoder and one
 * decoder that walk the tables.
 *
 * Comes in: a packet (hostile: the peer may have been taken over) or a struct
 * note of ours.  Goes out: a checked struct note whose strings point into the
 * packet, or a packet.  It never allocates for the peer, never reads past the
 * packet, and knows no socket.
 */
#include "ipc/note.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "ipc/chan.h"
#include "base/banned.h"

/* Each row's fields; the function gives the fields a name for their struct,
 * which a nested macro could not. */
typedef const struct note_field *fields_fn(size_t *n_out);
#define F(kind, field, max) \
	{ #field, FIELD_##kind, offsetof(self, field), (max) },
#define N(NAME, name, how, ms, from, to, fdkind)			\
	static const struct note_field *				\
	fields_##name(size_t *n_out)					\
	{								\
		typedef struct note_##name self;			\
		static const struct note_field v[] = { FIELDS_##NAME(F) }; \
		*n_out = NITEMS(v);					\
		return v;						\
	}
NOTES(N)
#undef N
#undef F

struct row {
	const char	*name;
	enum note_how	how;
	int64_t		deadline_ms;
	unsigned	from, to;
	enum fd_kind	fd;
	size_t		size, fd_at;
	fields_fn	*fields;
};

static const struct row rows[NOTE_KINDS] = {
#define N(NAME, name, how, ms, from, to, fdkind)			\
	[NOTE_##NAME] = { #NAME, how, ms, from, to, fdkind,		\
	    sizeof(struct note_##name), offsetof(struct note_##name, fd), \
	    fields_##name },
	NOTES(N)
#undef N
};

static const struct row *
row_of(enum note_kind kind)
{
	if (kind <= NOTE_NONE || kind >= NOTE_KINDS)
		bug("note kind %d", (int)kind);
	return &rows[kind];
}

const char *
note_name(enum note_kind kind)
{
	return kind > NOTE_NONE && kind < NOTE_KINDS ? rows[kind].name : "NONE";
}

enum note_how
note_how(enum note_kind kind)
{
	return row_of(kind)->how;
}

int64_t
note_deadline_ms(enum note_kind kind)
{
	return row_of(kind)->deadline_ms;
}

unsigned
note_from(enum note_kind kind)
{
	return row_of(kind)->from;
}

unsigned
note_to(enum note_kind kind)
{
	return row_of(kind)->to;
}

enum fd_kind
note_fd(enum note_kind kind)
{
	return row_of(kind)->fd;
}

const struct note_field *
note_fields(enum note_kind kind, size_t *n_out)
{
	return row_of(kind)->fields(n_out);
}

bool
note_is_secret(enum note_kind kind)
{
	size_t n;
	const struct note_field *f = note_fields(kind, &n);

	for (; n > 0; n--, f++)
		if (f->type == FIELD_sec)
			return true;
	return false;
}

bool
note_may(enum note_kind kind, enum proc from, enum proc to)
{
	const struct row *r = row_of(kind);

	return (r->from & BY(from)) != 0 && (r->to & BY(to)) != 0;
}

const char *
proc_name(enum proc p)
{
	static const char *const names[] = {
#define P(NAME, name) name,
		PROCS(P)
#undef P
	};

	return (unsigned)p < PROC_COUNT ? names[p] : "unknown";
}

/* FNV-1a over the catalogue's text: two builds that differ in a row, a field
 * or a limit must not talk to each other. */
static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n-- > 0)
		h = (h ^ *b++) * 0x100000001b3u;
	return h;
}

uint64_t
note_catalogue_hash(void)
{
	uint64_t h = 0xcbf29ce484222325u;
	const struct note_field *f;
	size_t n;

	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++) {
		const struct row *r = &rows[k];
		uint32_t v[] = { r->how, r->from, r->to, r->fd };

		h = mix(h, r->name, strlen(r->name) + 1);
		h = mix(h, v, sizeof(v));
		for (f = r->fields(&n); n > 0; n--, f++) {
			uint32_t w[] = { f->type, f->max };

			h = mix(h, f->name, strlen(f->name) + 1);
			h = mix(h, w, sizeof(w));
		}
	}
	return h;
}

/* --- encode -------------------------------------------------------------- */

void
note_init(struct note *n, enum note_kind kind)
{
	int none = -1;

	(void)row_of(kind);
	memset(n, 0, sizeof(*n));
	n->kind = kind;
	n->fd = -1;
	memcpy((char *)&n->u + rows[kind].fd_at, &none, sizeof(none));
}

static void
put_str(struct buf *out, const struct row *r, const struct note_field *f,
    const char *at)
{
	struct str s;
	uint32_t n;

	memcpy(&s, at, sizeof(s));
	if (s.n > f->max)
		bug("note %s: %s has %zu bytes", r->name, f->name, s.n);
	n = (uint32_t)s.n;
	buf_mem(out, &n, sizeof(n));
	buf_add(out, s);
}

void
note_encode(const struct note *n, struct buf *out)
{
	const struct row *r = row_of(n->kind);
	uint16_t head[2] = { (uint16_t)n->kind, 0 };
	const struct note_field *f;
	size_t left;

	buf_mem(out, head, sizeof(head));
	buf_mem(out, &n->ticket, sizeof(n->ticket));
	for (f = r->fields(&left); left > 0; left--, f++) {
		const char *at = (const char *)&n->u + f->at;

		switch (f->type) {
		case FIELD_u32:
			buf_mem(out, at, 4);
			break;
		case FIELD_u64:
		case FIELD_time:
			buf_mem(out, at, 8);
			break;
		case FIELD_str:
		case FIELD_sec:
			put_str(out, r, f, at);
			break;
		}
	}
	if (buf_failed(out))
		bug("note %s: over %d bytes", r->name, NOTE_MAX);
}

/* --- decode -------------------------------------------------------------- */

static bool
take(struct str *in, void *to, size_t n)
{
	if (in->n < n)
		return false;
	memcpy(to, in->p, n);
	*in = str_from(*in, n);
	return true;
}

static bool
take_str(struct str *in, uint32_t max, char *to)
{
	struct str s;
	uint32_t n;

	if (!take(in, &n, sizeof(n)) || n > max || n > in->n)
		return false;
	s = str_sub(*in, 0, n);
	*in = str_from(*in, n);
	memcpy(to, &s, sizeof(s));
	return true;
}

static bool
take_field(struct str *in, const struct note_field *f, char *to)
{
	switch (f->type) {
	case FIELD_u32:
		return take(in, to, 4);
	case FIELD_u64:
	case FIELD_time:
		return take(in, to, 8);
	case FIELD_str:
	case FIELD_sec:
		return take_str(in, f->max, to);
	}
	return false;
}

int
note_decode(struct str packet, struct note *n_out, struct why *why)
{
	const struct note_field *f;
	uint16_t head[2];
	uint32_t ticket;
	size_t left;

	if (packet.n > NOTE_MAX || !take(&packet, head, sizeof(head)) ||
	    !take(&packet, &ticket, sizeof(ticket)))
		return why_set(why, FAIL_SYNTAX, "no note: bad length");
	if (head[0] == NOTE_NONE || head[0] >= NOTE_KINDS || head[1] != 0)
		return why_set(why, FAIL_SYNTAX, "unknown note %u", head[0]);
	note_init(n_out, (enum note_kind)head[0]);
	n_out->ticket = ticket;
	for (f = note_fields(n_out->kind, &left); left > 0; left--, f++)
		if (!take_field(&packet, f, (char *)&n_out->u + f->at))
			return why_set(why, FAIL_SYNTAX, "note %s: bad %s",
			    note_name(n_out->kind), f->name);
	if (packet.n > 0)
		return why_set(why, FAIL_SYNTAX, "note %s: %zu bytes too many",
		    note_name(n_out->kind), packet.n);
	return 0;
}

/* Both the common and the typed member, for rooms look at either. */
void
note_set_fd(struct note *n, int fd)
{
	n->fd = fd;
	memcpy((char *)&n->u + row_of(n->kind)->fd_at, &fd, sizeof(fd));
}

/* The handler sees a const note, yet taking its descriptor is the one change
 * that it is meant to make. */
void
note_keep(const struct note *n, struct buf *packet_out,
    struct note *copy_out)
{
	struct why why;

	buf_init(packet_out, NOTE_MAX);
	note_encode(n, packet_out);
	if (note_decode(buf_str(packet_out), copy_out, &why) != 0)
		bug("a note does not survive its own codec: %s", why.text);
}

int
note_take_fd(const struct note *n)
{
	struct note *mine = (struct note *)(uintptr_t)n;
	int fd = n->fd;

	note_set_fd(mine, -1);
	return fd;
}

/* --- print --------------------------------------------------------------- */

static void
print_str(struct buf *out, struct str s)
{
	buf_c(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 32 || s.p[i] > 126 || s.p[i] == '"' ||
		    s.p[i] == '\\')
			buf_fmt(out, "\\x%02x", s.p[i]);
		else
			buf_c(out, s.p[i]);
	}
	buf_c(out, '"');
}

void
note_print_number(struct buf *out, const struct note_field *f, const char *at)
{
	uint32_t v32;
	uint64_t v64;
	int64_t t;

	switch (f->type) {
	case FIELD_u32:
		memcpy(&v32, at, sizeof(v32));
		buf_fmt(out, "%" PRIu32, v32);
		break;
	case FIELD_u64:
		memcpy(&v64, at, sizeof(v64));
		buf_fmt(out, "%" PRIu64, v64);
		break;
	case FIELD_time:
		memcpy(&t, at, sizeof(t));
		buf_fmt(out, "%" PRId64, t);
		break;
	case FIELD_str:
	case FIELD_sec:
		bug("a string is no number");
	}
}

static void
print_field(struct buf *out, const struct note_field *f, const char *at)
{
	struct str s;

	buf_fmt(out, " %s=", f->name);
	if (f->type == FIELD_str) {
		memcpy(&s, at, sizeof(s));
		print_str(out, s);
	} else if (f->type == FIELD_sec)
		buf_z(out, "****");
	else
		note_print_number(out, f, at);
}

void
note_print(const struct note *n, struct buf *out)
{
	const struct note_field *f;
	size_t left;

	buf_z(out, note_name(n->kind));
	for (f = note_fields(n->kind, &left); left > 0; left--, f++)
		print_field(out, f, (const char *)&n->u + f->at);
}

/* --- the typed calls ----------------------------------------------------- */

static void
say(struct chan *c, enum note_kind kind, uint32_t ticket, const void *body)
{
	const struct row *r = row_of(kind);
	struct note n = { .kind = kind, .ticket = ticket };
	struct buf packet;
	int fd = -1;

	memcpy(&n.u, body, r->size);
	if (r->fd != FD_NONE) {
		memcpy(&fd, (const char *)body + r->fd_at, sizeof(fd));
		if (fd <= 0 && !fd_may_lack(r->fd))
			bug("note %s without its descriptor", r->name);
	}
	buf_init(&packet, NOTE_MAX);
	note_encode(&n, &packet);
	chan_put_packet(c, &packet, fd > 0 ? fd : -1);
	if (note_is_secret(kind))
		buf_wipe(&packet);
	else
		buf_free(&packet);
}

static void
put(struct chan *c, enum note_kind kind, const void *body)
{
	if (row_of(kind)->how != PUT)
		bug("note_put of %s", note_name(kind));
	if (chan_ok(c))
		say(c, kind, 0, body);
}

static void
ask(struct chan *c, enum note_kind kind, const void *body, chan_then_fn *then,
    void *session)
{
	const struct row *r = row_of(kind);

	if (r->how != ASK)
		bug("ask of %s", r->name);
	if (chan_ok(c))
		say(c, kind, chan_ticket(c, then, session, r->deadline_ms),
		    body);
	else
		chan_ask_nobody(then, session);
}

static void
answer(struct chan *c, enum note_kind kind, uint32_t ticket, const void *body)
{
	if (row_of(kind)->how != ROW && row_of(kind)->how != END)
		bug("note_answer of %s", note_name(kind));
	if (chan_ok(c) && ticket != 0)
		say(c, kind, ticket, body);
}

#define N(NAME, name, how, ms, from, to, fdkind)			\
	void								\
	note_put_##name(struct chan *c, const struct note_##name *n)	\
	{								\
		put(c, NOTE_##NAME, n);					\
	}								\
	void								\
	ask_##name(struct chan *c, const struct note_##name *n,		\
	    chan_then_fn *then, void *session)				\
	{								\
		ask(c, NOTE_##NAME, n, then, session);			\
	}								\
	void								\
	note_answer_##name(struct chan *c, uint32_t ticket,		\
	    const struct note_##name *n)				\
	{								\
		answer(c, NOTE_##NAME, ticket, n);			\
	}								\
	const struct note_##name *					\
	note_as_##name(const struct note *n)				\
	{								\
		return n != NULL && n->kind == NOTE_##NAME ? &n->u.name : NULL; \
	}
NOTES(N)
#undef N
