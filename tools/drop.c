/* SPDX-License-Identifier: ISC */
/*
 * tools/drop.c - spool/maildrop: mail of this host while the suite is down.
 *
 * Anybody may leave a file there (folder mode 1730, group veredus-drop, the
 * group of sendmail(8)), nobody may look.  A file is
 *
 *	veredus-drop 1
 *	from ADDRESS
 *	to ADDRESS		(repeated)
 *				(empty line; then the message, CRLF line ends)
 *
 * and is named by a message id.  It is complete: written under a name with a
 * dot in front, synced, renamed, folder synced.  It belongs to who wrote it,
 * which the kernel vouches for.
 *
 * drop_flush runs as root, at start and by `sendmail -q'.  A file is removed
 * after smtpd has taken its message, so a crash between repeats a message
 * and loses none.  What is refused for good goes back to its sender in
 * words; what cannot be read, to spool/corrupt.
 */
#include "tools/sendmail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rand.h"

#include "base/banned.h"

#define DROP_GROUP	"veredus-drop"
#define MAGIC		"veredus-drop 1"
#define HEAD_MAX	((size_t)1 << 20)

static const char *
drop_path(struct cli *c)
{
	return cli_z(c, arena_fmt(&c->arena, "%s/maildrop",
	    cli_folder(c, "spool")));
}

static int
open_drop(struct cli *c)
{
	return open(drop_path(c), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
drop_make(struct cli *c)
{
	const struct group *g = getgrnam(DROP_GROUP);
	int fd;

	if (mkdir(cli_folder(c, "spool"), 0711) != 0 && errno != EEXIST)
		return FAIL_PERM;
	if ((mkdir(drop_path(c), 0700) != 0 && errno != EEXIST) ||
	    (fd = open_drop(c)) < 0)
		return FAIL_PERM;
	/* Without the group (an instance for tests) the sticky bit must do. */
	if (fchown(fd, geteuid(), g != NULL ? g->gr_gid : getegid()) != 0 ||
	    fchmod(fd, g != NULL ? 01730 : 01733) != 0) {
		(void)close(fd);
		return FAIL_PERM;
	}
	(void)close(fd);
	return 0;
}

/* --- leaving ------------------------------------------------------------- */

static void
put_drop(struct buf *b, const struct mail *m)
{
	buf_fmt(b, MAGIC "\nfrom %.*s\n", STR_ARG(m->sender));
	for (size_t i = 0; i < m->n_to; i++)
		buf_fmt(b, "to %.*s\n", STR_ARG(m->to[i]));
	buf_c(b, '\n');
	buf_add(b, buf_str(&m->content));
}

/* The folder may be written but not read by us: its descriptor is O_PATH,
 * and it is synced by the file system's sync instead. */
static int
write_drop(int dir, const char *mid, struct str text)
{
	char tmp[MID_LEN + 8];
	int rc, fd;

	(void)snprintf(tmp, sizeof(tmp), ".%s", mid);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		return FAIL_TEMP;
	rc = file_write(fd, text);
	if (rc == 0 && (fsync(fd) != 0 || renameat(dir, tmp, dir, mid) != 0 ||
	    syncfs(fd) != 0))
		rc = FAIL_TEMP;
	if (rc != 0)
		(void)unlinkat(dir, tmp, 0);
	(void)close(fd);
	return rc;
}

int
drop_mail(struct cli *c, const struct mail *m)
{
	int rc = FAIL_TEMP, dir;
	char mid[MID_LEN + 1];
	struct buf text;

	dir = open(drop_path(c), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		cli_say("%s: %s", drop_path(c), strerror(errno));
		return EX_TEMPFAIL;
	}
	buf_init(&text, m->content.len + HEAD_MAX);
	put_drop(&text, m);
	mid_make(clock_real_ms(), 0, mid);
	if (!buf_failed(&text))
		rc = write_drop(dir, mid, buf_str(&text));
	if (rc != 0)
		cli_say("%s: %s", drop_path(c), strerror(errno));
	buf_free(&text);
	(void)close(dir);
	return rc == 0 ? EX_OK : EX_TEMPFAIL;
}

/* --- handing in ---------------------------------------------------------- */

/* Takes a file apart; strings point into text. */
static int
parse_drop(struct str text, struct mail *m)
{
	struct str line;

	if (!str_line(&text, &line) || !str_same(line, MAGIC) ||
	    !str_line(&text, &line) || !str_starts(line, "from "))
		return FAIL_SYNTAX;
	m->sender = str_from(line, 5);
	while (str_line(&text, &line) && line.n > 0)
		if (!str_starts(line, "to ") ||
		    mail_add_recipient(m, str_from(line, 3)) != 0)
			return FAIL_SYNTAX;
	if (m->n_to == 0 || text.n == 0 || !address_is_clean(m->sender))
		return FAIL_SYNTAX;
	buf_init(&m->content, text.n);
	buf_add(&m->content, text);
	m->is_8bit = !str_is_ascii(text);
	return 0;
}

/* A regular file with one name: a link would make us read another's. */
static int
read_drop(int dir, const char *name, size_t max, struct buf *text)
{
	int rc = FAIL_PERM, fd = openat(dir, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return FAIL_PERM;
	buf_init(text, max);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1)
		rc = file_read_fd(fd, text);
	(void)close(fd);
	return rc;
}

static int
put_aside(struct cli *c, int dir, const char *name)
{
	const char *to = cli_z(c, arena_fmt(&c->arena, "../corrupt/%s", name));

	(void)mkdirat(dir, "../corrupt", 0700);
	cli_say("maildrop: %s put aside in corrupt", name);
	return renameat(dir, name, dir, to) == 0 ? EX_OK : EX_IOERR;
}

/* Tells the sender; a bounce that cannot be sent has no one to go to. */
static int
send_back(struct cli *c, const struct mail *m, struct str said)
{
	static struct mail back;
	struct buf ignored;
	enum submit_result r;

	if (m->sender.n == 0)
		return FAIL_PERM;
	back = (struct mail){ .n_to = 1, .to = { m->sender } };
	buf_init(&back.content, m->content.len + HEAD_MAX);
	buf_fmt(&back.content, "From: Mail system <postmaster>\r\n"
	    "To: <%.*s>\r\nSubject: Mail not delivered\r\n"
	    "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 8bit\r\n\r\n"
	    "Your message could not be delivered. The reason:\r\n\r\n",
	    STR_ARG(m->sender));
	for (struct str line; str_line(&said, &line);)
		buf_fmt(&back.content, "    %.*s\r\n", STR_ARG(line));
	buf_z(&back.content, "\r\nThe message was:\r\n\r\n");
	buf_add(&back.content, buf_str(&m->content));
	back.is_8bit = true;
	buf_init(&ignored, HEAD_MAX);
	r = submit_mail(c, &back, &ignored);
	buf_free(&ignored);
	buf_free(&back.content);
	return r == SUBMIT_DONE ? 0 : r == SUBMIT_LATER ? FAIL_TEMP : FAIL_PERM;
}

/* After an attempt: what was refused is told, what is taken goes. */
static int
conclude(struct cli *c, int dir, const char *name, struct mail *m,
    enum submit_result r, struct str said)
{
	int rc = 0;

	if (r == SUBMIT_LATER)
		return EX_TEMPFAIL;
	if (r == SUBMIT_REFUSED || said.n > 0)
		rc = send_back(c, m, said);
	if (rc == FAIL_TEMP && r == SUBMIT_REFUSED)
		return EX_TEMPFAIL;
	if (rc != 0 && r == SUBMIT_REFUSED)
		return put_aside(c, dir, name);
	/* those who got a 4xx beside others that were taken wait on */
	if (m->n_to > 0 && drop_mail(c, m) != EX_OK)
		return EX_TEMPFAIL;
	return unlinkat(dir, name, 0) == 0 ? EX_OK : EX_IOERR;
}

static int
flush_one(struct cli *c, int dir, const char *name)
{
	size_t max = (size_t)c->conf.smtpd.size_limit + HEAD_MAX;
	static struct mail m;
	struct buf text, said;
	enum submit_result r;
	int code;

	m = (struct mail){ .n_to = 0 };
	if (read_drop(dir, name, max, &text) != 0 ||
	    parse_drop(buf_str(&text), &m) != 0)
		return put_aside(c, dir, name);
	buf_init(&said, HEAD_MAX);
	r = submit_mail(c, &m, &said);
	code = conclude(c, dir, name, &m, r, buf_str(&said));
	buf_free(&said);
	buf_free(&m.content);
	buf_free(&text);
	return code;
}

static int
is_drop(const struct dirent *d)
{
	return mid_valid(str_of(d->d_name));
}

/* One at a time: two of us would hand the same file in twice. */
static int
lock_drop(int dir)
{
	return flock(dir, LOCK_EX | LOCK_NB);
}

int
drop_flush(struct cli *c)
{
	int n, code = EX_OK, dir = open_drop(c);
	struct dirent **list;

	if (dir < 0)
		return errno == ENOENT ? EX_OK : EX_NOPERM;
	if (lock_drop(dir) != 0) {
		(void)close(dir);
		return EX_OK;	/* somebody is at it */
	}
	n = scandirat(dir, ".", &list, is_drop, alphasort);
	for (int i = 0; i < n; i++) {
		if (code != EX_TEMPFAIL)
			code = flush_one(c, dir, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	(void)close(dir);
	return n < 0 ? EX_IOERR : code;
}

int
drop_count(struct cli *c)
{
	int n = 0, dir = open_drop(c);
	struct dirent *d;
	DIR *list;

	if (dir < 0 || (list = fdopendir(dir)) == NULL)
		return errno == ENOENT ? 0 : -1;
	while ((d = readdir(list)) != NULL)
		n += is_drop(d);
	(void)closedir(list);
	return n;
}
