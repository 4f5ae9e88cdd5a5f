/* SPDX-License-Identifier: ISC */
/*
 * Power cuts on the store.  Now and then all is "synced": a copy of the tree
 * is kept.  A cut then makes a disk of that copy and of what is there now,
 * as a journalled file system may leave it: of each file that came since, the
 * whole, a torn or an empty one, or none; of each rename, its old or its new
 * name; logs that end anywhere; an index whose pages are old or new.  Only
 * `reserved` is as it is, for it is synced before use.
 *
 * Then all deliveries since the sync are handed over again, as the journal
 * does.  All that was delivered is there once, unless it was expunged; what
 * was expunged before the sync stays away; no UID means two messages.
 */
#include "tests/unit/maildir/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "crypto/digest.h"

#define MESSAGES	400

static struct world w;
static struct message {
	uint32_t	uid;
	bool		settled;	/* delivered before the sync */
	bool		fresh;		/* that was the last sync */
	bool		expunged, expunge_settled;
	unsigned	seen;
} model[MESSAGES + 1];
static unsigned messages;
static char *uids[100000];	/* who had this UID */
static char snap[220];
static unsigned cuts, compared;

#define MAILDIR	"mail/example.org/joe/Maildir"
#define STATE	"state/example.org/joe"
#define INDEX	"index/example.org/joe"

static void
text_of(unsigned m, char out[16])
{
	snprintf(out, 16, "m%u", m);
}

/* --- the copy ------------------------------------------------------------ */

static struct file {
	ino_t	ino;
	char	path[300];	/* below Maildir */
	bool	met;
} files[2 * MESSAGES];
static size_t n_files;

static void
list(const char *root, const char *folder, bool into_files,
    void (*fn)(const char *path, ino_t ino))
{
	char path[600];
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(path, sizeof(path), "%s/" MAILDIR "/%s", root, folder);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || fstatat(dirfd(d), e->d_name, &st,
		    0) < 0)
			continue;
		snprintf(path, sizeof(path), "%s/%.255s", folder, e->d_name);
		if (into_files) {
			files[n_files].ino = st.st_ino;
			files[n_files].met = false;
			snprintf(files[n_files++].path, 300, "%.299s", path);
		} else {
			fn(path, st.st_ino);
		}
	}
	closedir(d);
}

static void
copy_tree(const char *from, const char *to)
{
	char all[300];
	pid_t pid;
	int status;

	snprintf(all, sizeof(all), "%s/.", from);
	world_remove(AT_FDCWD, to);
	pid = fork();
	if (pid == 0) {
		execlp("cp", "cp", "-a", all, to, (char *)NULL);
		_exit(127);
	}
	assert_true(waitpid(pid, &status, 0) == pid && status == 0);
}

static void
settle_all(void)
{
	unsigned m;

	copy_tree(w.dir, snap);
	n_files = 0;
	list(w.dir, "new", true, NULL);
	list(w.dir, "cur", true, NULL);
	for (m = 1; m <= messages; m++) {
		model[m].fresh = !model[m].settled;
		model[m].settled = true;
		model[m].expunge_settled = model[m].expunged;
	}
}

/* --- the cut ------------------------------------------------------------- */

static struct { char from[300], to[300]; } later[2 * MESSAGES];
static size_t laters;

/* A file that is there now. */
static void
cut_file(const char *path, ino_t ino)
{
	char full[600];
	struct stat st;
	size_t i;

	snprintf(full, sizeof(full), "%s/" MAILDIR "/%s", w.dir, path);
	/* The same file: an inode may have been used again. */
	for (i = 0; i < n_files && (files[i].ino != ino ||
	    strncmp(files[i].path + 4, path + 4, strcspn(path + 4, ":"))
	    != 0); i++)
		;
	if (i < n_files) {
		files[i].met = true;
		if (strcmp(files[i].path, path) == 0 || rand_below(2) == 0)
			return;
		log_say(LOG_LEVEL_INFO, "cut-rename", "%s", path);
		snprintf(later[laters].from, 300, "%s", path);
		snprintf(later[laters++].to, 300, "%s", files[i].path);
		return;
	}
	if (stat(full, &st) < 0)
		return;
	switch (rand_below(5)) {
	case 0:
		log_say(LOG_LEVEL_INFO, "cut-away", "%s", path);
		assert_int_equal(unlink(full), 0);
		break;
	case 1:
		assert_int_equal(truncate(full, 0), 0);
		break;
	case 2:
		assert_int_equal(truncate(full, st.st_size / 2), 0);
		break;
	case 3:			/* its length, but not its bytes */
		assert_int_equal(truncate(full, st.st_size / 2), 0);
		assert_int_equal(truncate(full, st.st_size), 0);
		break;
	default:
		break;
	}
}

static void
read_file(const char *root, const char *path, struct buf *out)
{
	char full[600];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	fd = open(full, O_RDONLY);
	if (fd >= 0) {
		assert_int_equal(volume_read_all(&volume_real, fd, 0, out),
		    0);
		close(fd);
	}
}

static void
write_file(const char *path, struct str s)
{
	char full[600];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", w.dir, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(volume_write(&volume_real, fd, s, 0), 0);
	close(fd);
}

/* A log that was appended to ends anywhere behind what was synced. */
static void
cut_log(const char *path)
{
	struct buf was, is;
	size_t n, zeros;

	buf_init(&was, 1 << 24);
	buf_init(&is, 1 << 24);
	read_file(snap, path, &was);
	read_file(w.dir, path, &is);
	if (is.len >= was.len && memcmp(buf_str(&is).p, buf_str(&was).p,
	    was.len) == 0) {
		n = was.len + (size_t)rand_below(is.len - was.len + 1);
		zeros = rand_below(2) == 0 ? 0 : is.len - n;
		buf_cut(&is, n);
		while (zeros-- > 0)
			buf_c(&is, 0);
		write_file(path, buf_str(&is));
	} else if (was.len > 0 && rand_below(2) == 0) {
		write_file(path, buf_str(&was));	/* the rename was lost */
	}
	buf_free(&was);
	buf_free(&is);
}

/* Pages of the index and the cache: old or new, each for itself. */
static void
cut_pages(const char *path)
{
	struct buf was, is;
	size_t at, n;

	buf_init(&was, 1 << 24);
	buf_init(&is, 1 << 24);
	read_file(snap, path, &was);
	read_file(w.dir, path, &is);
	for (at = 0; at < was.len && at < is.len; at += n) {
		n = is.len - at < 4096 ? is.len - at : 4096;
		if (n > was.len - at)
			n = was.len - at;
		if (rand_below(2) == 0)
			memcpy(is.p + is.start + at, was.p + was.start + at,
			    n);
	}
	if (is.len > was.len && rand_below(2) == 0)
		buf_cut(&is, was.len + (size_t)rand_below(is.len - was.len));
	write_file(path, buf_str(&is));
	buf_free(&was);
	buf_free(&is);
}

static void
cut_index(void)
{
	char path[600], name[400];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/" INDEX, w.dir);
	d = opendir(path);
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof(name), INDEX "/%.255s",
			    e->d_name);
			cut_pages(name);
		}
	if (d != NULL)
		closedir(d);
}

static void
cut(void)
{
	char from[700], to[700];
	struct buf b;
	size_t i;

	laters = 0;
	list(w.dir, "new", false, cut_file);
	list(w.dir, "cur", false, cut_file);
	for (i = 0; i < laters; i++) {
		snprintf(from, sizeof(from), "%s/" MAILDIR "/%.299s",
		    w.dir, later[i].from);
		snprintf(to, sizeof(to), "%s/" MAILDIR "/%.299s", w.dir,
		    later[i].to);
		assert_int_equal(rename(from, to), 0);
	}
	/* What was unlinked since may be back. */
	for (i = 0; i < n_files; i++) {
		if (files[i].met || rand_below(2) == 0)
			continue;
		buf_init(&b, 1 << 20);
		snprintf(from, sizeof(from), MAILDIR "/%s", files[i].path);
		read_file(snap, from, &b);
		write_file(from, buf_str(&b));
		buf_free(&b);
	}
	cut_log(STATE "/log");
	cut_log(MAILDIR "/.veredus-names");
	cut_index();
	log_say(LOG_LEVEL_INFO, "cut", "---");
	cuts++;
}

/* --- the store ----------------------------------------------------------- */

/* Clients may have seen it from its delivery on. */
static void
remember_uid(uint32_t uid, const char *text)
{
	assert_true(uid < NITEMS(uids));
	if (uids[uid] == NULL)
		uids[uid] = xstrdup(text);
	else
		assert_string_equal(uids[uid], text);
}

/* Rule 12: a body that was changed after its digest was told is refused. */
static void
deliver_changed(unsigned m)
{
	struct box *b = world_box(&w, "INBOX");
	uint8_t sum[DIGEST_LEN];
	struct delivery d;
	struct draft x;
	struct why why;
	char text[16];

	assert_non_null(b);
	world_settle(b);
	assert_true(box_ready(b, 1));
	text_of(m, text);
	world_delivery(&d, text, m);
	digest_sha256(STR("what was announced"), sum);
	d.digest = str_mem(sum, sizeof(sum));
	assert_int_not_equal(deliver_write(b, &d, &x, &why), 0);
	close(d.fd);
}

static void
deliver(unsigned m, bool again)
{
	struct box *b = world_box(&w, "INBOX");
	struct delivery d;
	struct draft x;
	struct why why = { 0, "" };
	char text[16];
	int r;

	assert_non_null(b);
	world_settle(b);
	assert_true(box_ready(b, 1));
	text_of(m, text);
	world_delivery(&d, text, m);
	if (again) {
		r = deliver_again(b, &d, &model[m].uid, &why);
	} else {
		r = deliver_write(b, &d, &x, &why);
		if (r == 0)
			r = deliver_commit(b, &x, &model[m].uid, &why);
	}
	close(d.fd);
	if (r != 0)
		fail_msg("%s: %s", text, why.text);
	remember_uid(model[m].uid, text);
	log_say(LOG_LEVEL_INFO, again ? "again" : "delivered", "%s uid %u",
	    text, model[m].uid);
}

static void
operate(void)
{
	struct box *b = world_box(&w, "INBOX");
	unsigned m = messages == 0 ? 0 : 1 + (unsigned)rand_below(messages);
	struct log_range one = { model[m].uid, model[m].uid };
	uint32_t n;

	assert_non_null(b);
	world_settle(b);
	switch (rand_below(4)) {
	case 0: case 1:
		if (messages < MESSAGES) {
			memset(&model[messages + 1], 0, sizeof(model[0]));
			if (rand_below(8) == 0)
				deliver_changed(messages + 1);
			deliver(++messages, false);
		}
		break;
	case 2:
		if (m != 0 && !model[m].expunged && box_ready(b, 0))
			assert_int_equal(box_flags(b, &one, 1, BOX_SET,
			    (uint16_t)rand_below(32), 0, &n), 0);
		break;
	default:
		if (m != 0 && !model[m].expunged && box_ready(b, 0)) {
			assert_int_equal(box_expunge(b, &one, 1, false, &n),
			    0);
			model[m].expunged = true;
		}
	}
	if (rand_below(3) == 0)
		world_settle(b);
}

static void
check_one(struct box *b, uint32_t uid)
{
	char text[64];
	unsigned m;

	world_text(b, uid, text);
	if (sscanf(text, "m%u", &m) != 1 || m < 1 || m > messages)
		fail_msg("UID %u is \"%s\"", uid, text);
	if (model[m].expunge_settled)
		fail_msg("%s was expunged and is back", text);
	log_say(LOG_LEVEL_INFO, "there", "%s uid %u", text, uid);
	model[m].seen++;
	model[m].uid = uid;
	model[m].expunged = false;
	compared++;
	remember_uid(uid, text);
}

static void
check(void)
{
	struct box *b = world_box(&w, "INBOX");
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;
	uint32_t at;
	unsigned m, i;

	assert_non_null(b);
	for (i = 0; i < 3; i++) {
		box_check(b);
		world_settle(b);
		b = world_box(&w, "INBOX");
		assert_non_null(b);
	}
	for (m = 1; m <= messages; m++)
		model[m].seen = 0;
	for (at = 0; at < b->h.records; at++) {
		assert_int_equal(box_read(b, at, 1, bytes), 0);
		assert_int_equal(index_record_get(bytes, &r), 0);
		if (!(r.flags & INDEX_EXPUNGED))
			check_one(b, r.uid);
	}
	for (m = 1; m <= messages; m++) {
		if (model[m].seen > 1)
			fail_msg("m%u is there %u times", m, model[m].seen);
		if (model[m].seen == 0 && !model[m].expunged)
			fail_msg("m%u is lost (%s)", m, model[m].settled ?
			    "settled" : "handed over again");
	}
}

/* The machine comes up: the journal hands over again what is not settled. */
static void
come_up(void)
{
	unsigned m;

	world_power_cut(&w);
	w.place.may_expunge = false;
	world_open(&w);
	assert_non_null(w.a);
	for (m = 1; m <= messages; m++)
		if (!model[m].settled || (model[m].fresh &&
		    rand_below(2) == 0))	/* its END was lost */
			deliver(m, true);
	w.place.may_expunge = true;
	check();
	settle_all();
}

/* Somebody deletes a file, and stored dies before its END is settled: until
 * the journal is through nobody may call it expunged, and its repeat makes no
 * second record. */
static void
file_is_deleted(void)
{
	struct index_record r;
	char path[600], name[FNAME_BUF];
	struct log_range one;
	struct names_entry e;
	struct box *b;
	uint32_t at, n, uid;
	bool made_anew;
	int dir;

	if (messages >= MESSAGES)
		return;
	memset(&model[messages + 1], 0, sizeof(model[0]));
	deliver(++messages, false);
	b = world_box(&w, "INBOX");
	assert_non_null(b);
	uid = model[messages].uid;
	one = (struct log_range){ uid, uid };
	if (rand_below(2) == 0) {	/* it is in cur/ */
		assert_int_equal(box_flags(b, &one, 1, BOX_SET, INDEX_SEEN, 0,
		    &n), 0);
		world_settle(b);
	}
	assert_int_equal(box_find(b, uid, &at, &r), 0);
	assert_int_equal(box_name_of(b, &r, &e, name, &dir), 0);
	snprintf(path, sizeof(path), "%s/" MAILDIR "/%s/%s", w.dir,
	    dir == b->new_ ? "new" : "cur", name);
	world_close(&w);
	assert_int_equal(unlink(path), 0);
	w.place.may_expunge = false;
	world_open(&w);
	b = world_box(&w, "INBOX");
	assert_non_null(b);
	/* No number was wanted since the last cut: looked through again. */
	made_anew = (b->todo & BOX_REBUILD) != 0;
	world_settle(b);
	b->todo |= BOX_SCAN_ALL;
	world_settle(b);
	assert_int_equal(box_find(b, uid, &at, &r), made_anew ? FAIL_GONE : 0);
	deliver(messages, true);
	assert_true(made_anew || model[messages].uid == uid);
	w.place.may_expunge = true;
	check();
}

static void
round_of(unsigned seed)
{
	size_t i;
	int k, n;

	rand_seed(seed);
	world_init(&w);
	snprintf(snap, sizeof(snap), "%s.snap", w.dir);
	world_open(&w);
	messages = 0;
	world_settle(world_box(&w, "INBOX"));
	settle_all();
	for (k = 0; k < 8; k++) {
		for (n = (int)rand_below(25); n > 0; n--) {
			operate();
			if (rand_below(12) == 0) {
				assert_int_equal(account_log_anew(w.a,
				    clock_real_s()), 0);
				settle_all();
			}
		}
		file_is_deleted();
		world_close(&w);
		cut();
		come_up();
	}
	world_free(&w);
	world_remove(AT_FDCWD, snap);
	for (i = 0; i < NITEMS(uids); i++) {
		free(uids[i]);
		uids[i] = NULL;
	}
}

static void
silent(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
power_cuts(void **state)
{
	const char *from = getenv("TEST_CUT_SEED");
	const char *rounds = getenv("TEST_CUT_ROUNDS");
	uint32_t seed = 1, n = 6, i;

	(void)state;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (from != NULL && !str_u32(str_of(from), &seed))
		seed = 1;
	if (rounds != NULL && !str_u32(str_of(rounds), &n))
		n = 6;
	if (getenv("TEST_CUT_LOG") == NULL)
		log_set_sink(silent, NULL);
	for (i = 0; i < n; i++) {
		printf("seed %" PRIu32 "\n", seed + i);
		round_of(seed + i);
	}
	printf("%u cuts, %u messages compared\n", cuts, compared);
	assert_true(cuts == n * 8 && compared > 0);
}

#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
struct attempt {
	const char	*rule;
	uint32_t	seed;
};

static void
round_without(const void *arg)
{
	const struct attempt *a = arg;

	maildir_broken = a->rule;
	round_of(a->seed);
}

/* Without each rule the cuts must find something, soon. */
static void
each_rule(void **state)
{
	static const struct { const char *rule, *text; } rules[] = {
		{ "", "none dropped: these must pass" },
		{ "G", "12: a body is believed without its digest" },
		{ "M", "14: what is late counts as expunged" },
		{ "K", "14: a key is believed without its file" },
		{ "A", "14: a twin is adopted without comparing" },
		{ "I", "20: numbering goes on where the disk ends" },
		{ "P", "15: the log written anew forgets keys" },
	};
	struct attempt a;
	uint32_t seeds;
	bool found;
	size_t i;

	(void)state;
	log_set_sink(silent, NULL);
	for (i = 0; i < NITEMS(rules); i++) {
		seeds = rules[i].rule[0] == '\0' ? 4 : 40;
		a.rule = rules[i].rule;
		found = false;
		for (a.seed = 1; !found && a.seed < seeds; a.seed++)
			found = world_fails(round_without, &a);
		printf("rule %s: %s after %u rounds\n", rules[i].text,
		    found ? "noticed" : "NOT NOTICED", (unsigned)a.seed - 1);
		assert_int_equal(found, rules[i].rule[0] != '\0');
	}
}
#endif

int
main(void)
{
#if defined(VEREDUS_FAULTS) && VEREDUS_FAULTS
	const struct CMUnitTest broken[] = { cmocka_unit_test(each_rule) };

	return cmocka_run_group_tests(broken, NULL, NULL);
#endif
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
