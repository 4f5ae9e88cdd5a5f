/* SPDX-License-Identifier: ISC */
/*
 * master/trace.c - what happened to a message: the log's lines by its id.
 *
 *	log/trace/00000001 ...	lines "MID WHEN_MS TEXT", in order of arrival
 *
 * Files of 8 MiB, the newest eight are kept.  An id begins with its time, so
 * a search leaves out all files that were full before the message was; what
 * is left is read in steps of 256 KiB, between which others are served.
 * Nothing here is ever believed more than a log line is.
 */
#include "master/trace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/banned.h"

enum {
	FILE_SIZE = 8 * 1024 * 1024,
	FILES = 8,
	STEP = 256 * 1024,
	PENDING_MAX = 256 * 1024,
	PREFIX_MIN = 8,
	ROWS_MAX = 10000,
	BUSY_MS = 20,
};

static struct {
	int		folder, fd;	/* -1: none */
	unsigned	first, last;	/* numbers of files, last is written */
	off_t		size;		/* of the last */
	struct buf	pending;
	struct link	searches;
} t = { .folder = -1, .fd = -1, .searches = { &t.searches, &t.searches } };

struct search {
	struct link	link;
	struct defer	defer;
	struct timer	timer;
	struct chan	*chan;
	uint32_t	ticket;
	char		mid[MID_LEN + 1];
	unsigned	file;
	off_t		at;
	unsigned	rows;
};

static void
name_of(unsigned number, char out[16])
{
	(void)snprintf(out, 16, "%08u", number);
}

static void
open_last(void)
{
	char name[16];
	struct stat st;

	name_of(t.last, name);
	fd_close(&t.fd);
	t.fd = file_open(t.folder, name, O_RDWR | O_CREAT | O_APPEND, 0640);
	t.size = t.fd >= 0 && fstat(t.fd, &st) == 0 ? st.st_size : 0;
}

static void
find_numbers(void)
{
	int fd = file_open_dir(t.folder, ".");
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	uint64_t n;

	t.first = t.last = 0;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (!str_u64(str_of(e->d_name), 99999999, &n) || n == 0)
			continue;
		if (t.first == 0 || n < t.first)
			t.first = (unsigned)n;
		if (n > t.last)
			t.last = (unsigned)n;
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (t.last == 0)
		t.first = t.last = 1;
}

void
trace_open(int log_fd)
{
	buf_init(&t.pending, PENDING_MAX);
	if (file_mkdirs(log_fd, "trace", 0750) == 0)
		t.folder = file_open_dir(log_fd, "trace");
	if (t.folder >= 0) {
		find_numbers();
		open_last();
	}
	if (t.fd < 0) {
		log_event(LOG_LEVEL_ERROR, "trace-store-failed");
		log_errno();
		log_end();
	}
}

static void
next_file(void)
{
	char name[16];

	t.last++;
	open_last();
	while (t.last - t.first >= FILES) {
		name_of(t.first++, name);
		(void)unlinkat(t.folder, name, 0);
	}
}

void
trace_flush(void)
{
	struct str s = buf_str(&t.pending);

	if (s.n == 0 || t.fd < 0)
		return;
	if (t.size > FILE_SIZE)
		next_file();
	if (t.fd >= 0 && file_write(t.fd, s) == 0)
		t.size += (off_t)s.n;
	buf_reset(&t.pending);
	buf_shrink(&t.pending);
}

void
trace_add(int64_t when_ms, struct str mid, struct str line)
{
	if (t.fd < 0 || !mid_valid(mid))
		return;
	if (t.pending.len + line.n + 64 > PENDING_MAX)
		trace_flush();
	buf_add(&t.pending, mid);
	buf_fmt(&t.pending, " %" PRId64 " ", when_ms);
	buf_add(&t.pending, line);
	buf_c(&t.pending, '\n');
}

/* --- search -------------------------------------------------------------- */

static void
search_end(struct search *s, enum fail failed, const char *text)
{
	struct note_ctl_done n = { .failed = (uint32_t)-(int)failed,
	    .count = s->rows, .text = str_of(text) };

	if (s->chan != NULL)
		note_answer_ctl_done(s->chan, s->ticket, &n);
	defer_cancel(&s->defer);
	timer_stop(&s->timer);
	list_remove(&s->link);
	free(s);
}

static void
give_row(struct search *s, struct str line)
{
	struct note_trace_row n = { .mid = str_word(&line) };
	struct str when = str_word(&line);
	uint64_t ms;

	if (!str_starts(n.mid, s->mid) || n.mid.n > MID_LEN ||
	    !str_u64(when, INT64_MAX, &ms))
		return;
	n.when_ms = (int64_t)ms;
	n.line = str_sub(str_rest(&line), 0, LOG_LINE_MAX);
	note_answer_trace_row(s->chan, s->ticket, &n);
	s->rows++;
}

/* Whole lines of one piece; how far we came.  A line is never longer than a
 * piece; should one be (a damaged file), the piece is left out. */
static off_t
look_through(struct search *s, struct str piece)
{
	size_t end = str_rchr(piece, '\n');
	struct str all = str_sub(piece, 0, end), line;

	if (end == piece.n)
		return (off_t)piece.n;
	while (str_line(&all, &line))
		if (str_starts(line, s->mid))
			give_row(s, line);
	return (off_t)end + 1;
}

/* False: this file is through. */
static bool
step(struct search *s)
{
	char name[16];
	uint8_t *data;
	ssize_t r = -1;
	int fd;

	name_of(s->file, name);
	fd = file_open(t.folder, name, O_RDONLY, 0);
	if (fd < 0)
		return false;
	data = xmalloc(STEP);
	r = pread(fd, data, STEP, s->at);
	if (r > 0)
		s->at += look_through(s, str_mem(data, (size_t)r));
	free(data);
	(void)close(fd);
	return r > 0;
}

static void
on_step(struct defer *d)
{
	struct search *s = container_of(d, struct search, defer);

	if (s->rows >= ROWS_MAX) {
		search_end(s, FAIL_TOO_BIG, "more lines than this are kept");
		return;
	}
	if (chan_busy(s->chan)) {
		timer_set(&s->timer, BUSY_MS);
		return;
	}
	if (!step(s)) {
		s->file++;
		s->at = 0;
		if (s->file > t.last) {
			search_end(s, 0, s->rows > 0 ? ""
			    : "no line of such a message is kept");
			return;
		}
	}
	/* a timer, not a defer: others are served in between */
	timer_set(&s->timer, 0);
}

static void
on_timer(struct timer *timer)
{
	on_step(&container_of(timer, struct search, timer)->defer);
}

/* A file that ended before the message began cannot speak of it. */
static unsigned
first_file(int64_t since_ms)
{
	struct stat st;
	char name[16];
	unsigned n;

	for (n = t.first; n < t.last; n++) {
		name_of(n, name);
		if (fstatat(t.folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (int64_t)st.st_mtim.tv_sec * 1000 + 1000 >= since_ms)
			break;
	}
	return n;
}

/* The time an id (or its first eight or more letters) begins with. */
static int64_t
time_of(struct str prefix)
{
	uint8_t full[MID_LEN], bin[16];
	int64_t ms = 0;

	memset(full, '0', sizeof(full));
	memcpy(full, prefix.p, prefix.n < MID_LEN ? prefix.n : MID_LEN);
	if (!mid_to_bin(str_mem(full, MID_LEN), bin))
		return 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | bin[i];
	return ms;
}

void
trace_ask(struct chan *c, uint32_t ticket, struct str mid)
{
	struct search *s = xcalloc(1, sizeof(*s));

	list_init(&s->link);
	list_push(&t.searches, &s->link);
	defer_init(&s->defer, on_step);
	timer_init(&s->timer, on_timer);
	s->chan = c;
	s->ticket = ticket;
	if (mid.n < PREFIX_MIN) {
		search_end(s, FAIL_SYNTAX, "give 8 letters of the id or more");
		return;
	}
	memcpy(s->mid, mid.p, mid.n < MID_LEN ? mid.n : MID_LEN);
	trace_flush();
	if (t.fd < 0) {
		search_end(s, FAIL_TEMP, "there is no trace store");
		return;
	}
	s->file = first_file(time_of(mid));
	defer_put(&s->defer);
}

void
trace_forget(const struct chan *c)
{
	struct link *l, *tmp;
	struct search *s;

	list_each_safe(l, tmp, &t.searches) {
		s = container_of(l, struct search, link);
		if (s->chan == c) {
			s->chan = NULL;
			search_end(s, FAIL_GONE, "");
		}
	}
}
