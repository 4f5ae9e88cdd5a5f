/* SPDX-License-Identifier: ISC */
/*
 * qmgr/maildrop.c - collects what programs on this host left in maildrop/
 * while nobody took their mail.
 *
 * A file is opened here, but not read: its descriptor goes to smtpd
 * (DROP_MAIL), which brings the message as it brings any other, under the id
 * that follows from the file's name.  When its record is durable the file
 * goes, and the record's segment is held until that is on the disk (R19): a
 * file that is met again is known by its id.
 *
 * Strangers may put anything there.  A file that is not one of sendmail(8)
 * goes to corrupt/; what is no file is removed, or left and named once.  The
 * folder
 * is looked at when its time of change moves, a few names a step.
 */
#include "qmgr/spoold.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "crypto/digest.h"

#include "base/banned.h"

#define HEAD_MAX	(1024 * 1024)	/* of a file, before its message */

enum {
	OUT_MAX = 4,			/* files at smtpd at a time */
	STEP = 64,			/* names a step */
	KNOWN_MAX = 10000,		/* names kept; others are met anew */
	DEATHS_MAX = 3,			/* of smtpd, over one file */
	AGAIN_MS = 5000,
	AGAIN_MAX_MS = 5 * 60 * 1000,
	HALF_WRITTEN_MS = 24 * 60 * 60 * 1000,
	MTIME_MS = 2000,		/* a folder may change in the same tick */
};

/* One that is with smtpd, waits for another try, or cannot be moved. */
struct drop {
	char		*name;
	char		mid[MID_LEN + 1];
	bool		is_out;
	bool		is_taken;	/* its record is durable */
	bool		is_left;	/* said once, never touched again */
	unsigned	tries, deaths;
	unsigned	seen;		/* in which look */
	int64_t		again_ms;	/* clock_mono_ms */
};

/* sendmail -q waits until all was tried. */
struct asker {
	struct link	link;
	struct chan	*chan;
	uint32_t	ticket;
};

static struct {
	struct dict	known;		/* by name */
	struct drop	*out[OUT_MAX];
	size_t		n_out;
	DIR		*dir;		/* a look that is not over */
	struct timer	step;
	int64_t		changed_ms;	/* of the folder, when it was read */
	int64_t		again_ms;	/* the earliest of all, 0: none */
	unsigned	look;		/* counts them */
	bool		is_blocked;	/* nobody could be given anything */
	struct link	askers;
} md;

/* The id of the message: when it was left, and what its name was.  The name
 * is chosen by who leaves it, so it is not the id itself: nobody may choose
 * that of another message. */
static void
message_id(const char *name, char out[MID_LEN + 1])
{
	uint8_t bin[16], sum[DIGEST_LEN];
	char text[MID_LEN + 16];

	snprintf(text, sizeof(text), "maildrop %s", name);
	digest_sha256(str_of(text), sum);
	if (!mid_to_bin(str_of(name), bin))
		bug("maildrop: not an id");
	memcpy(bin + 6, sum, sizeof(bin) - 6);
	mid_from_bin(bin, out);
}

static void
path_of(const char *name, char out[NAME_MAX + 16])
{
	snprintf(out, NAME_MAX + 16, "maildrop/%s", name);
}

static struct drop *
known(const char *name)
{
	return dict_get(&md.known, str_of(name));
}

static struct drop *
know(const char *name)
{
	struct drop *d = xcalloc(1, sizeof(*d));

	d->name = xstrdup(name);
	d->seen = md.look;
	dict_put(&md.known, str_of(d->name), d);
	return d;
}

static void
forget(struct drop *d)
{
	dict_del(&md.known, str_of(d->name));
	free(d->name);
	free(d);
}

static void
say(enum log_level level, const char *event, const char *name,
    const char *reason)
{
	log_event(level, event);
	log_z("file", name);
	log_z("reason", reason);
	log_end();
}

/* --- aside --------------------------------------------------------------- */

/* Links, FIFOs and the like hold nothing, and the cage lets nobody make one
 * elsewhere.  A folder goes if it is empty. */
static bool
can_remove(const char *path)
{
	struct stat st;

	return fstatat(spoold.folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode) && unlinkat(spoold.folder, path,
	    S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) == 0;
}

/* Under a name of our own: theirs may be that of evidence already there. */
static void
put_aside(const char *name, const char *reason)
{
	char from[NAME_MAX + 16], to[64];
	static unsigned count;
	struct drop *d;

	path_of(name, from);
	snprintf(to, sizeof(to), "corrupt/maildrop.%lld.%u",
	    (long long)clock_real_ms(), ++count);
	if (renameat(spoold.folder, from, spoold.folder, to) == 0) {
		log_event(LOG_LEVEL_WARN, "maildrop-aside");
		log_z("file", name);
		log_z("to", to);
		log_z("reason", reason);
		log_end();
		return;
	}
	if (errno == ENOENT)
		return;
	if (can_remove(from)) {
		say(LOG_LEVEL_WARN, "maildrop-removed", name, reason);
		return;
	}
	say(LOG_LEVEL_WARN, "maildrop-left", name, reason);
	if (dict_len(&md.known) < KNOWN_MAX) {
		d = know(name);
		d->is_left = true;
	}
}

/* sendmail was killed while it wrote. */
static void
look_at_half(const char *name)
{
	char path[NAME_MAX + 16];
	struct stat st;

	path_of(name, path);
	if (fstatat(spoold.folder, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && clock_real_ms() -
	    (int64_t)st.st_mtim.tv_sec * 1000 > HALF_WRITTEN_MS &&
	    unlinkat(spoold.folder, path, 0) == 0)
		say(LOG_LEVEL_WARN, "maildrop-removed", name,
		    "was never finished");
}

/* --- at smtpd ------------------------------------------------------------ */

static void
let_go(struct drop *d)
{
	d->is_out = false;
	for (size_t i = 0; i < md.n_out; i++)
		if (md.out[i] == d) {
			md.out[i] = md.out[--md.n_out];
			break;
		}
}

static void
wake_for(const struct drop *d)
{
	if (md.again_ms == 0 || d->again_ms < md.again_ms)
		md.again_ms = d->again_ms;
}

static void
try_again(struct drop *d, const char *reason)
{
	int64_t wait_ms = AGAIN_MS;

	for (unsigned i = 0; i < d->tries && wait_ms < AGAIN_MAX_MS; i++)
		wait_ms *= 2;
	if (d->tries++ == 0)
		say(LOG_LEVEL_INFO, "maildrop-later", d->name, reason);
	d->again_ms = clock_mono_ms() + num_min(wait_ms, AGAIN_MAX_MS);
	wake_for(d);
	if (dict_len(&md.known) > KNOWN_MAX)
		forget(d);
}

static void
aside(struct drop *d, const char *reason)
{
	char *name = xstrdup(d->name);

	forget(d);
	put_aside(name, reason);
	free(name);
}

/* smtpd brought a message that is here: another smtpd brought it before, and
 * died. */
static void
was_here(struct drop *d)
{
	struct message *m = spool_find(spoold.spool, str_of(d->mid));
	char path[NAME_MAX + 16];

	path_of(d->name, path);
	if (m != NULL)
		spool_drop_found(spoold.spool, m, d->name);
	else
		(void)unlinkat(spoold.folder, path, 0);
}

static void
on_done(void *session, const struct note *n)
{
	const struct note_drop_done *done = note_as_drop_done(n);
	struct drop *d = session;
	char text[256];

	let_go(d);
	if (done != NULL)
		snprintf(text, sizeof(text), "%.*s", STR_ARG(str_sub(
		    done->text, 0, sizeof(text) - 1)));
	if (d->is_taken) {
		forget(d);
	} else if (done == NULL) {
		if (++d->deaths < DEATHS_MAX)
			try_again(d, "smtpd did not answer");
		else
			aside(d, "smtpd did not answer three times");
	} else if (done->failed == 0) {
		was_here(d);
		forget(d);
	} else if (done->failed == -FAIL_TEMP) {
		try_again(d, text);
	} else
		aside(d, text);
	timer_set(&md.step, 0);
}

bool
maildrop_is_out(struct str mid)
{
	for (size_t i = 0; i < md.n_out; i++)
		if (str_same(mid, md.out[i]->mid))
			return true;
	return false;
}

void
maildrop_committed(struct message *m)
{
	for (size_t i = 0; i < md.n_out; i++)
		if (strcmp(md.out[i]->mid, m->mid) == 0) {
			md.out[i]->is_taken = true;
			spool_drop(spoold.spool, m, md.out[i]->name);
			return;
		}
}

static void
give(struct chan *smtpd, const char *name, int fd, const struct stat *st)
{
	int64_t age_ms = clock_real_ms() - (int64_t)st->st_mtim.tv_sec * 1000;
	struct note_drop_mail note = { .uid = st->st_uid, .fd = fd,
	    .is_last = age_ms > daemon_conf()->queue.lifetime };
	struct drop *d = known(name);

	if (d == NULL)
		d = know(name);
	message_id(name, d->mid);
	d->is_out = true;
	md.out[md.n_out++] = d;
	note.mid = str_of(d->mid);
	ask_drop_mail(smtpd, &note, on_done, d);
}

/* NULL: smtpd may look into it. */
static const char *
fault_of(int fd, struct stat *st)
{
	if (fd < 0)
		return errno == ELOOP ? "a symbolic link" : strerror(errno);
	if (fstat(fd, st) != 0)
		return strerror(errno);
	if (!S_ISREG(st->st_mode))
		return "not a plain file";
	if (st->st_nlink != 1)
		return "has other names";
	if ((uint64_t)st->st_size > daemon_conf()->smtpd.size_limit + HEAD_MAX)
		return "is too large";
	return NULL;
}

static void
take(struct chan *smtpd, const char *name)
{
	char path[NAME_MAX + 16];
	const char *fault;
	struct stat st = { .st_size = 0 };
	int fd;

	path_of(name, path);
	fd = file_open(spoold.folder, path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
	    0);
	if (fd < 0 && (errno == ENOENT || errno == EMFILE || errno == ENFILE))
		return;
	fault = fault_of(fd, &st);
	if (fault == NULL && st.st_size == 0) {
		/* also what an unlink that is made anew may leave (file.c) */
		if (unlinkat(spoold.folder, path, 0) == 0)
			say(LOG_LEVEL_INFO, "maildrop-removed", name,
			    "is empty");
	} else if (fault == NULL)
		give(smtpd, name, fd, &st);
	else {
		if (known(name) != NULL)	/* it was a file when it waited */
			forget(known(name));
		put_aside(name, fault);
	}
	fd_close(&fd);
}

/* --- looking ------------------------------------------------------------- */

/* Is this one to be touched now? */
static bool
is_due(const char *name)
{
	struct drop *d = known(name);

	if (d == NULL)
		return true;
	d->seen = md.look;
	if (d->is_left || d->is_out)
		return false;
	if (d->again_ms <= clock_mono_ms() || !list_empty(&md.askers))
		return true;
	wake_for(d);
	return false;
}

static void
look_at(struct chan *smtpd, const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	if (name[0] == '.')
		look_at_half(name);
	else if (!is_due(name))
		;
	else if (mid_valid(str_of(name)))
		take(smtpd, name);
	else
		put_aside(name, "not a file of sendmail");
}

static bool
some_wait(void)
{
	struct str name;
	void *d;

	for (size_t at = 0; dict_next(&md.known, &at, &name, &d);)
		if (!((const struct drop *)d)->is_left)
			return true;
	return md.is_blocked;
}

static void
answer_askers(void)
{
	struct note_ctl_done done = { .failed = 0 };
	struct asker *a;
	struct link *l;

	if (!list_empty(&md.askers) && some_wait()) {
		done.failed = -FAIL_TEMP;
		done.text = STR("some mail in maildrop has to wait");
	}
	while ((l = list_pop(&md.askers)) != NULL) {
		a = container_of(l, struct asker, link);
		note_answer_ctl_done(a->chan, a->ticket, &done);
		free(a);
	}
}

/* Whoever left it has taken it away again. */
static void
forget_unseen(void)
{
	struct str name;
	struct drop *d;
	void *value;

	for (size_t at = 0; dict_next(&md.known, &at, &name, &value);) {
		d = value;
		if (!d->is_out && d->seen != md.look)
			forget(d);
	}
}

static void
end_look(void)
{
	if (md.dir != NULL)
		closedir(md.dir);
	md.dir = NULL;
	if (md.n_out == 0)
		answer_askers();
}

static void
on_step(struct timer *t)
{
	struct chan *smtpd = daemon_any(SMTPD);
	struct dirent *e;

	md.is_blocked = !chan_ok(smtpd) || !spoold.replayed ||
	    daemon_draining() || journal_dead(spoold.spool->journal);
	if (md.is_blocked) {
		md.changed_ms = 0;	/* look again in a second */
		end_look();
		return;
	}
	for (int n = 0; md.dir != NULL && n < STEP; n++) {
		if (md.n_out == OUT_MAX)
			return;		/* on_done goes on */
		e = readdir(md.dir);
		if (e == NULL) {
			forget_unseen();
			end_look();
			return;
		}
		look_at(smtpd, e->d_name);
	}
	if (md.dir != NULL)
		timer_set(t, 0);
	else if (md.n_out == 0)
		answer_askers();
}

/* true: it may have changed since it was read. */
static bool
has_changed(void)
{
	struct stat st;
	int64_t at_ms, now = clock_real_ms();

	if (fstatat(spoold.folder, "maildrop", &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	at_ms = (int64_t)st.st_mtim.tv_sec * 1000 +
	    st.st_mtim.tv_nsec / 1000000;
	if (at_ms == md.changed_ms)
		return false;
	md.changed_ms = now - at_ms < MTIME_MS ? 0 : at_ms;
	return true;
}

static void
look(void)
{
	int fd;

	if (md.dir != NULL)
		return;
	fd = file_open(spoold.folder, "maildrop", O_RDONLY | O_DIRECTORY, 0);
	md.dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (md.dir == NULL)
		fd_close(&fd);
	md.again_ms = 0;
	md.look++;
	timer_set(&md.step, 0);
}

void
maildrop_tick(void)
{
	bool is_due = md.again_ms != 0 && md.again_ms <= clock_mono_ms();

	if (spoold.replayed && md.dir == NULL && (has_changed() || is_due))
		look();
}

void
maildrop_look(struct chan *c, uint32_t ticket)
{
	struct asker *a = xcalloc(1, sizeof(*a));

	a->chan = c;
	a->ticket = ticket;
	list_push(&md.askers, &a->link);
	if (md.dir != NULL) {
		rewinddir(md.dir);
		md.look++;
	}
	look();
}

void
maildrop_peer_gone(struct chan *c)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &md.askers) {
		struct asker *a = container_of(l, struct asker, link);

		if (a->chan == c) {
			list_remove(l);
			free(a);
		}
	}
}

/* --- start --------------------------------------------------------------- */

static void
meet(void *arg, const char *name)
{
	char mid[MID_LEN + 1];
	struct message *m;

	(void)arg;
	if (!mid_valid(str_of(name)))
		return;
	message_id(name, mid);
	m = dict_get(&spoold.spool->messages, str_of(mid));
	if (m != NULL)
		spool_drop_found(spoold.spool, m, name);
}

/* Before anything is forgotten: which files became messages already? */
void
maildrop_start(void)
{
	dict_init(&md.known);
	list_init(&md.askers);
	timer_init(&md.step, on_step);
	(void)spoold.disk.list(spoold.disk.ctx, "maildrop", meet, NULL);
}
