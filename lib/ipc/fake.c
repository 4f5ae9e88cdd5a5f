/* SPDX-License-Identifier: ISC */
/*
 * ipc/fake.c - the far end of a channel in the hands of a test.
 */
#include "ipc/fake.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/banned.h"

void
fake_init(struct fake *f, enum proc me, enum proc peer, unsigned index,
    chan_note_fn *on_note, chan_end_fn *on_end, void *arg)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fd) != 0)
		bug("socketpair: errno %d", errno);
	f->fd = fd[1];
	buf_init(&f->last, NOTE_MAX);
	f->chan = chan_new(fd[0], me, peer, index, on_note, on_end, arg);
}

void
fake_free(struct fake *f)
{
	if (f->chan != NULL)
		chan_free(f->chan);
	f->chan = NULL;
	fd_close(&f->fd);
	buf_free(&f->last);
}

bool
fake_next(struct fake *f, struct note *n_out)
{
	union {
		struct cmsghdr	head;
		char		space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_len = NOTE_MAX };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	struct why why;
	ssize_t r;
	int fd = -1;

	buf_reset(&f->last);
	iov.iov_base = buf_grow(&f->last, NOTE_MAX);
	r = recvmsg(f->fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (r <= 0)
		return false;
	buf_grown(&f->last, (size_t)r);
	if (mh.msg_controllen > 0 && CMSG_FIRSTHDR(&mh) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(fd));
	if (note_decode(buf_str(&f->last), n_out, &why) != 0)
		bug("the room said nonsense: %s", why.text);
	/* Before the peer could refuse it: it must not even be handed out. */
	if (fd >= 0 && !fd_is(fd, note_fd(n_out->kind)))
		bug("the room gives away another descriptor than %s may have",
		    note_name(n_out->kind));
	note_set_fd(n_out, fd);
	return true;
}

void
fake_raw(struct fake *f, struct str packet, const int *fds, size_t n)
{
	union {
		struct cmsghdr	head;
		char		space[CMSG_SPACE(8 * sizeof(int))];
	} control = { .head = { .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)packet.p,
	    .iov_len = packet.n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n > 8)
		bug("fake_raw: %zu descriptors", n);
	if (n > 0) {
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	if (sendmsg(f->fd, &mh, MSG_NOSIGNAL) != (ssize_t)packet.n)
		bug("fake_raw: errno %d", errno);
	loop_once(0);
}

void
fake_say(struct fake *f, const struct note *n)
{
	struct buf packet;

	buf_init(&packet, NOTE_MAX);
	note_encode(n, &packet);
	fake_raw(f, buf_str(&packet), &n->fd, n->fd >= 0 ? 1 : 0);
	buf_free(&packet);
}

void
fake_die(struct fake *f)
{
	fd_close(&f->fd);
	loop_once(0);
}

enum note_kind
note_kind_of(struct str name)
{
	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++)
		if (str_is(name, note_name((enum note_kind)k)))
			return (enum note_kind)k;
	return NOTE_NONE;
}

static const struct note_field *
field_of(const struct note *n, struct str name)
{
	size_t left;
	const struct note_field *f = note_fields(n->kind, &left);

	for (; left > 0; left--, f++)
		if (str_same(name, f->name))
			return f;
	return NULL;
}

static int
set_number(char *at, const struct note_field *f, struct str value)
{
	bool minus = str_starts(value, "-");
	uint64_t v;
	int64_t t;
	uint32_t w;

	if (!str_u64(str_from(value, minus), f->type == FIELD_u32 ? UINT32_MAX
	    : UINT64_MAX, &v) || (minus && f->type != FIELD_time))
		return FAIL_SYNTAX;
	w = (uint32_t)v;
	t = minus ? -(int64_t)v : (int64_t)v;
	if (f->type == FIELD_u32)
		memcpy(at, &w, sizeof(w));
	else
		memcpy(at, &t, sizeof(t));
	return 0;
}

int
note_set(struct note *n, struct str field, struct str value, struct arena *a)
{
	const struct note_field *f = field_of(n, field);
	char *at;
	struct str copy;

	if (f == NULL)
		return FAIL_GONE;
	at = (char *)&n->u + f->at;
	if (f->type != FIELD_str && f->type != FIELD_sec)
		return set_number(at, f, value);
	if (value.n > f->max)
		return FAIL_TOO_BIG;
	copy = arena_str(a, value);
	memcpy(at, &copy, sizeof(copy));
	return 0;
}

int
note_get(const struct note *n, struct str field, struct buf *out)
{
	const struct note_field *f = field_of(n, field);
	const char *at;
	struct str s;
	uint32_t v32;
	uint64_t v64;

	if (f == NULL)
		return FAIL_GONE;
	at = (const char *)&n->u + f->at;
	if (f->type == FIELD_u32) {
		memcpy(&v32, at, sizeof(v32));
		buf_fmt(out, "%" PRIu32, v32);
	} else if (f->type == FIELD_str || f->type == FIELD_sec) {
		memcpy(&s, at, sizeof(s));
		buf_add(out, s);
	} else {
		memcpy(&v64, at, sizeof(v64));
		buf_fmt(out, f->type == FIELD_time ? "%" PRId64 : "%" PRIu64,
		    v64);
	}
	return 0;
}
