/* SPDX-License-Identifier: ISC */
/*
 * tests/note/rows.c - every row of the catalogue over a real channel: from
 * each sender to each hearer, with and without ticket, with no descriptor,
 * the right one and wrong ones.  What the row allows arrives, whatever else
 * ends the channel and is told; nothing ends this process.
 *
 * With a folder as argument it writes one packet a row there: the seeds of
 * tests/fuzz/corpus/note.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "ipc/fake.h"

static unsigned tried, wrong;
static unsigned heard, bads, ends;

static void
on_bad(struct chan *c, const char *text)
{
	(void)c, (void)text;
	bads++;
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)c, (void)n, (void)arg;
	heard++;
}

static void
on_end(struct chan *c, void *arg)
{
	struct fake *f = arg;

	ends++;
	f->chan = NULL;
	chan_free(c);
}

static void
quiet(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

/* One note from one process to another; did it pass the checks? */
static bool
passes(enum note_kind kind, enum proc from, enum proc to, uint32_t ticket,
    int fd)
{
	struct note n;
	struct fake f;

	heard = bads = ends = 0;
	fake_init(&f, to, from, 0, on_note, on_end, &f);
	note_init(&n, kind);
	n.ticket = ticket;
	n.fd = fd;
	fake_say(&f, &n);
	fake_free(&f);
	return bads == 0 && ends == 0;
}

static void
expect(bool want, enum note_kind kind, enum proc from, enum proc to,
    uint32_t ticket, int fd, const char *what)
{
	tried++;
	if (passes(kind, from, to, ticket, fd) == want)
		return;
	wrong++;
	printf("not ok - %s from %s to %s: %s: %s\n", note_name(kind),
	    proc_name(from), proc_name(to), what,
	    want ? "refused" : "let through");
}

static enum proc
first_of(unsigned mask)
{
	for (int p = 0; p < PROC_COUNT; p++)
		if (mask & BY(p))
			return (enum proc)p;
	return MASTER;
}

static const struct sample {
	const char	*name;
	enum fd_kind	kind;		/* what it is */
} samples[] = {
	{ "read-only file", FD_FILE_RO }, { "writable file", FD_FILE_RW },
	{ "sealed memfd", FD_FILE_RO }, { "socket", FD_STREAM },
	{ "folder", FD_DIR },
};
static int sample_fd[NITEMS(samples)];

static void
make_samples(void)
{
	FILE *tmp = tmpfile();
	char self[32];
	int pair[2];

	if (tmp == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		exit(2);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fileno(tmp));
	sample_fd[0] = open(self, O_RDONLY);
	sample_fd[1] = fileno(tmp);
	sample_fd[2] = memfd_create("body", MFD_ALLOW_SEALING);
	(void)fcntl(sample_fd[2], F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW |
	    F_SEAL_SHRINK | F_SEAL_SEAL);
	sample_fd[3] = pair[0];
	sample_fd[4] = open("/", O_RDONLY | O_DIRECTORY);
}

static bool
is_right(const struct sample *s, enum fd_kind want)
{
	return want == FD_ANY || want == s->kind ||
	    (want == FD_MAYBE_RO && s->kind == FD_FILE_RO);
}

/* The right descriptor for a row that must have one, else none. */
static int
right_fd(enum note_kind kind)
{
	enum fd_kind want = note_fd(kind);

	for (size_t i = 0; i < NITEMS(samples); i++)
		if (!fd_may_lack(want) && is_right(&samples[i], want))
			return sample_fd[i];
	return -1;
}

static uint32_t
right_ticket(enum note_kind kind)
{
	return note_how(kind) == PUT ? 0 : 7;
}

static void
test_senders(enum note_kind kind)
{
	for (int a = 0; a < PROC_COUNT; a++)
		for (int b = 0; b < PROC_COUNT; b++)
			expect((note_from(kind) & BY(a)) &&
			    (note_to(kind) & BY(b)), kind, (enum proc)a,
			    (enum proc)b, right_ticket(kind), right_fd(kind),
			    "who may say it");
}

static void
test_ticket(enum note_kind kind)
{
	enum proc a = first_of(note_from(kind)), b = first_of(note_to(kind));

	expect(false, kind, a, b, right_ticket(kind) == 0 ? 7 : 0,
	    right_fd(kind), "ticket");
}

static void
test_descriptors(enum note_kind kind)
{
	enum proc a = first_of(note_from(kind)), b = first_of(note_to(kind));
	enum fd_kind want = note_fd(kind);

	expect(want == FD_NONE || want == FD_MAYBE_RO || want == FD_ANY, kind,
	    a, b, right_ticket(kind), -1, "no descriptor");
	for (size_t i = 0; i < NITEMS(samples); i++)
		expect(is_right(&samples[i], want), kind, a, b,
		    right_ticket(kind), sample_fd[i], samples[i].name);
}

static void
write_seed(enum note_kind kind, const char *folder)
{
	int at = open(folder, O_RDONLY | O_DIRECTORY);
	size_t left;
	const struct note_field *f;
	struct note n;
	struct buf b;
	struct str s = STR("x");

	note_init(&n, kind);
	for (f = note_fields(kind, &left); left > 0; left--, f++)
		if (f->type == FIELD_str || f->type == FIELD_sec)
			memcpy((char *)&n.u + f->at, &s, sizeof(s));
	buf_init(&b, NOTE_MAX);
	note_encode(&n, &b);
	if (at < 0 || file_replace(at, note_name(kind), buf_str(&b), 0644) != 0)
		exit(2);
	buf_free(&b);
	(void)close(at);
}

int
main(int argc, char **argv)
{
	log_set_sink(quiet, NULL);
	chan_on_bad(on_bad);
	make_samples();
	for (int i = NOTE_NONE + 1; i < NOTE_KINDS; i++) {
		enum note_kind kind = (enum note_kind)i;

		if (argc > 1) {
			write_seed(kind, argv[1]);
			continue;
		}
		test_senders(kind);
		test_ticket(kind);
		test_descriptors(kind);
	}
	if (argc == 1)
		printf("%s - %u notes said, %u answered wrongly\n",
		    wrong > 0 ? "not ok" : "ok", tried, wrong);
	return wrong > 0;
}
