/* SPDX-License-Identifier: ISC */
/*
 * master/config.c - the configuration file: read, checked as a whole, kept.
 *
 * In: the path of the file.  Out: a struct config, or all that is wrong with
 * it as text.  It also looks whether what the file names is there: users,
 * certificates and keys (certs.c).  It changes nothing.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "mail/provider.h"
#include "base/banned.h"

#define DROP_GROUP	"veredus-drop"	/* sendmail(8)'s */

static int
read_text(struct config *c, struct buf *errors)
{
	int fd = open(master.path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? FAIL_GONE : file_read_fd(fd, &c->text);

	if (r != 0)
		buf_fmt(errors, "%s: %s\n", master.path, r == FAIL_TOO_BIG
		    ? "too long" : strerror(errno));
	fd_close(&fd);
	return r;
}

static int
parse(struct config *c, struct buf *errors)
{
	struct why why;
	struct conf_set *row;
	int r = conf_file_parse(&c->file, buf_str(&c->text));

	if (r != 0)
		conf_file_errors(&c->file, master.path, errors);
	for (row = c->file.rows; row != NULL; row = row->next)
		if (conf_row(&c->conf, row->path, row->value, &why) != 0) {
			buf_fmt(errors, "%s:%u: %s\n", master.path, row->line,
			    why.text);
			r = FAIL_SYNTAX;
		}
	return r;
}

static int
open_pem(const char *what, struct str path, int *fd_out, struct buf *errors)
{
	char *z;
	int fd;

	if (path.n == 0)
		return 0;
	z = strndup((const char *)path.p, path.n);
	fd = z == NULL ? -1 : openat(master.base_fd, z,
	    O_RDONLY | O_CLOEXEC);
	free(z);
	if (fd < 0) {
		buf_fmt(errors, "%s: %s %.*s: %s\n", master.path, what,
		    STR_ARG(path), strerror(errno));
		return FAIL_PERM;
	}
	*fd_out = fd;
	return 0;
}

static int
open_smarthost(struct config *c, struct buf *errors)
{
	const struct conf *f = &c->conf;
	int rc = 0;

	if (f->remote.smarthost.n == 0)
		return 0;
	if ((f->remote.smarthost_user.n == 0) !=
	    (f->master.smarthost_secret.n == 0)) {
		buf_fmt(errors, "%s: smarthost needs both user and "
		    "password-file, or neither\n", master.path);
		return FAIL_PERM;
	}
	if (str_same(f->remote.smarthost_tls, "verify"))
		rc = open_pem("smarthost authorities", f->master.smarthost_ca,
		    &c->ca_fd, errors);
	return rc | open_pem("smarthost password-file",
	    f->master.smarthost_secret, &c->secret_fd, errors);
}

static int
check_providers(int fd, struct buf *text, struct why *why)
{
	struct providers table;
	struct arena arena;
	int r = file_read_fd(fd, text);

	if (r != 0)
		return why_set(why, r, "%s", r == FAIL_TOO_BIG ? "too long" :
		    strerror(errno));
	arena_init(&arena, 4 * PROVIDERS_FILE_MAX);
	r = providers_parse(&table, buf_str(text), &arena, why);
	arena_free(&arena);
	return r;
}

/* What was checked is what is dealt, however often qmgr starts: a copy that
 * nobody can change. */
static int
copy_providers(int *fd, struct str text, struct why *why)
{
	int copy = fd_memory("providers");

	if (copy < 0 || file_pwrite(copy, text, 0) != 0 ||
	    !fd_seal(copy)) {
		fd_close(&copy);
		return why_set(why, FAIL_TEMP, "%s", strerror(errno));
	}
	fd_close(fd);
	*fd = copy;
	return 0;
}

/* None is no fault: qmgr has a table built in. */
static int
open_providers(struct config *c, struct buf *errors)
{
	struct str path = c->conf.queue.providers;
	char *z = xmemdupz(path.p, path.n);
	struct buf text;
	struct why why;
	int rc = 0;

	buf_init(&text, PROVIDERS_FILE_MAX);
	c->providers_fd = file_open(master.base_fd, z, O_RDONLY, 0);
	if (c->providers_fd >= 0) {
		rc = check_providers(c->providers_fd, &text, &why);
		if (rc == 0)
			rc = copy_providers(&c->providers_fd, buf_str(&text),
			    &why);
	} else if (errno != ENOENT)
		rc = why_set(&why, FAIL_PERM, "%s", strerror(errno));
	if (rc != 0)
		buf_fmt(errors, "%s: providers \"%s\": %s\n", master.path, z,
		    why.text);
	buf_free(&text);
	free(z);
	return rc;
}

struct config *
config_read(struct buf *errors)
{
	struct config *c = xcalloc(1, sizeof(*c));
	int r;

	c->certs_fd = c->keys_fd = c->providers_fd = -1;
	c->secret_fd = c->ca_fd = -1;
	buf_init(&c->text, CONF_FILE_MAX);
	buf_init(&c->warnings, 256 * 1024);
	conf_init(&c->conf);
	r = read_text(c, errors);
	if (r == 0)
		r = parse(c, errors);
	/* after an error elsewhere too: all that is wrong is said at once */
	if (r != FAIL_GONE && certs_open(c, errors) != 0)
		r = FAIL_PERM;
	if (r == 0)
		r = open_smarthost(c, errors);
	if (r == 0)
		r = open_providers(c, errors);
	if (r == 0)
		return c;
	config_free(c);
	return NULL;
}

void
config_free(struct config *c)
{
	fd_close(&c->certs_fd);
	fd_close(&c->keys_fd);
	fd_close(&c->secret_fd);
	fd_close(&c->ca_fd);
	fd_close(&c->providers_fd);
	conf_free(&c->conf);
	conf_file_free(&c->file);
	buf_free(&c->text);
	buf_free(&c->warnings);
	free(c);
}

/* --- users --------------------------------------------------------------- */

static const char *
user_name(const struct config *c, enum proc kind, char *out, size_t n)
{
	struct str prefix = c->conf.master.user_prefix;
	struct str owner = c->conf.stored.owner;

	if (kind == STORED && owner.n > 0)
		(void)snprintf(out, n, "%.*s", STR_ARG(owner));
	else
		(void)snprintf(out, n, "%.*s%s", STR_ARG(prefix),
		    procs[kind].name);
	return out;
}

/*
 * Each kind its own user: two processes of one uid can hurt each other even
 * in their cages.  With `uid-base' no name is needed: test instances.
 */
bool
config_find_users(const struct config *c, struct buf *errors)
{
	uint32_t base = c->conf.master.uid_base;
	size_t before = errors->len;
	const struct passwd *pw;
	const struct group *gr;
	char name[64];

	for (int k = MASTER + 1; k < PROC_COUNT; k++) {
		if (master.is_unprivileged) {
			master.uid[k] = geteuid();
			master.gid[k] = getegid();
			continue;
		}
		/* stored may run as the owner of the Maildirs all the same */
		if (base != 0 &&
		    !(k == STORED && c->conf.stored.owner.n > 0)) {
			master.uid[k] = base + (uint32_t)k;
			master.gid[k] = base + (uint32_t)k;
			continue;
		}
		pw = getpwnam(user_name(c, (enum proc)k, name, sizeof(name)));
		if (pw == NULL || pw->pw_uid == 0) {
			buf_fmt(errors, "user %s does not exist%s: run "
			    "systemd-sysusers, or see veredus-master(8)\n",
			    name, pw != NULL ? " (it is root)" : "");
			continue;
		}
		master.uid[k] = pw->pw_uid;
		master.gid[k] = pw->pw_gid;
	}
	gr = base == 0 && !master.is_unprivileged ? getgrnam(DROP_GROUP) :
	    NULL;
	master.drop_gid = gr != NULL ? gr->gr_gid : 0;
	return errors->len == before;
}

unsigned
config_workers(const struct config *c, enum proc kind)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t n = 1;

	switch (kind) {
	case AUTHD:
		n = c->conf.master.authds;
		break;
	case ROUTED:
		n = c->conf.master.routeds;
		break;
	case SMTPD:
		n = c->conf.master.smtpds;
		break;
	case POP3D:
		n = c->conf.master.pop3ds;
		break;
	case IMAPD:
		n = c->conf.master.imapds;
		break;
	case STORED:
		n = c->conf.master.storeds;
		break;
	case CHECKD:
		n = c->conf.master.checkds;
		break;
	case REMOTE:
		n = c->conf.master.remotes;
		break;
	case SIGND:
		n = c->conf.master.signds;
		break;
	default:
		break;
	}
	if (n == 0)
		n = cores > 0 ? (uint32_t)cores : 1;
	return n < WORKERS_MAX ? n : WORKERS_MAX;
}
