/* SPDX-License-Identifier: ISC */
/*
 * master/certs.c - the certificates and keys that the settings name: looked
 * at, and put together into two sealed files in memory.
 *
 *	tls-certs	for faces: "name NAME", the chain in PEM, and so on;
 *			the first is the default
 *	tls-keys	for keyd: the private keys in PEM
 *
 * A child of ours reads, parses and judges them all and is gone: no byte of a
 * key is ever in the memory of the process that stays, and a file that
 * OpenSSL stumbles over harms nobody.  Everything that is wrong is said at
 * once.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/tlskey.h"
#include "base/banned.h"

enum {
	PEM_MAX = 256 * 1024,
	SAID_MAX = 256 * 1024,
	SOON_S = 14 * 24 * 3600,
};

/* One certificate with its key, as the settings have it. */
struct pair {
	struct str	name;		/* for SNI */
	struct str	cert, key;	/* paths */
	bool		is_named, is_second;
};

/* The child's. */
struct judge {
	int		certs, keys;	/* what it writes */
	bool		is_bad, first_is_rsa;
	struct buf	said;		/* lines: "!" or "?", then text */
};

/* --- one pair ------------------------------------------------------------ */

/* The setting's last word. */
static const char *
setting(const struct pair *p, struct str path)
{
	bool is_key = path.n > 0 && path.p == p->key.p;

	return p->is_second ? is_key ? "second-key" : "second-cert" :
	    is_key ? "key" : "cert";
}

static void
say(struct judge *j, char mark, const struct pair *p, struct str path,
    const char *text)
{
	j->is_bad |= mark == '!';
	buf_fmt(&j->said, "%c%s: tls%s%.*s %s", mark, master.path,
	    p->is_named ? " " : "", p->is_named ? (int)p->name.n : 0,
	    (const char *)p->name.p, setting(p, path));
	if (path.n > 0)
		buf_fmt(&j->said, " %.*s", STR_ARG(path));
	buf_fmt(&j->said, ": %s\n", text);
}

static bool
read_pem(struct judge *j, const struct pair *p, struct str path,
    struct buf *out)
{
	char *z = xmemdupz(path.p, path.n);
	int fd = openat(master.base_fd, z, O_RDONLY | O_CLOEXEC);
	int rc = fd < 0 ? FAIL_GONE : file_read_fd(fd, out);

	if (rc != 0)
		say(j, '!', p, path, rc == FAIL_TOO_BIG ? "too big" :
		    strerror(errno));
	fd_close(&fd);
	free(z);
	return rc == 0;
}

static void
judge_time(struct judge *j, const struct pair *p, const struct tlspair *pair)
{
	int64_t now = (int64_t)time(NULL);
	time_t end = (time_t)pair->until_s;
	struct tm tm;
	char text[80];

	if (pair->from_s > now)
		say(j, '?', p, p->cert, "the certificate is not valid yet");
	if (pair->until_s > now + SOON_S || gmtime_r(&end, &tm) == NULL)
		return;
	(void)strftime(text, sizeof(text), pair->until_s < now ?
	    "the certificate has expired on %Y-%m-%d" :
	    "the certificate ends on %Y-%m-%d", &tm);
	say(j, '?', p, p->cert, text);
}

/* A file may hold both: what faces get has no byte of the key. */
static void
keep(struct judge *j, const struct pair *p, struct str cert, struct str key)
{
	struct buf certs, keys;

	buf_init(&certs, 2 * PEM_MAX);
	buf_init(&keys, 2 * PEM_MAX);
	buf_fmt(&certs, "name %.*s\n", STR_ARG(p->name));
	tlskey_only_certs(cert, &certs);
	tlskey_only_keys(key, &keys);
	if (buf_failed(&certs) || buf_failed(&keys) ||
	    file_write(j->certs, buf_str(&certs)) != 0 ||
	    file_write(j->keys, buf_str(&keys)) != 0)
		say(j, '!', p, p->cert, "no memory to keep it");
	buf_free(&certs);
	buf_wipe(&keys);
}

static void
judge_pair(struct judge *j, const struct pair *p)
{
	struct tlspair pair;
	struct buf cert, key;
	struct why why;
	bool have;

	if (p->cert.n == 0 || p->key.n == 0) {
		say(j, '!', p, STR(""), "certificate and key go together, "
		    "one of them is missing");
		return;
	}
	buf_init(&cert, PEM_MAX);
	buf_init(&key, PEM_MAX);
	have = read_pem(j, p, p->cert, &cert);
	have = read_pem(j, p, p->key, &key) && have;
	if (have && tlskey_pair(buf_str(&cert), buf_str(&key), p->name, &pair,
	    &why) != 0) {
		say(j, '!', p, p->cert, why.text);
	} else if (have) {
		if (p->is_second && pair.is_rsa == j->first_is_rsa)
			say(j, '!', p, p->cert, "its key is of the same kind "
			    "as the first one's");
		j->first_is_rsa = pair.is_rsa;
		judge_time(j, p, &pair);
		if (!pair.names_host)
			say(j, '?', p, p->cert, "the certificate does not "
			    "name this host");
		keep(j, p, buf_str(&cert), buf_str(&key));
	}
	buf_free(&cert);
	buf_wipe(&key);
}

/* --- all of them --------------------------------------------------------- */

static void
look(struct judge *j, struct pair *p, bool is_second, struct str cert,
    struct str key)
{
	p->is_second = is_second;
	p->cert = cert;
	p->key = key;
	/* a name without any is wrong */
	if (cert.n > 0 || key.n > 0 || (p->is_named && !is_second))
		judge_pair(j, p);
}

static void
judge_all(const struct conf *c, struct judge *j)
{
	const struct strs *names = &c->master.tls_names;
	struct pair p = { .name = c->site.hostname };

	look(j, &p, false, c->master.tls_cert, c->master.tls_key);
	look(j, &p, true, c->master.tls_cert2, c->master.tls_key2);
	p.is_named = true;
	for (size_t i = 0; i < names->n; i++) {
		p.name = names->v[i];
		look(j, &p, false, conf_option(c, "tls", p.name, "cert"),
		    conf_option(c, "tls", p.name, "key"));
		look(j, &p, true, conf_option(c, "tls", p.name, "second-cert"),
		    conf_option(c, "tls", p.name, "second-key"));
	}
}

NORETURN static void
be_judge(const struct conf *c, struct judge *j, int out)
{
	buf_init(&j->said, SAID_MAX);
	tlskey_warm();
	judge_all(c, j);
	_exit(file_write(out, buf_str(&j->said)) != 0 ||
	    buf_failed(&j->said) ? 2 : j->is_bad ? 1 : 0);
}

/* What the child said, sorted: errors, warnings. */
static void
sort_words(struct str said, struct buf *errors, struct buf *warnings)
{
	struct str line;

	while (str_line(&said, &line)) {
		struct buf *to = str_starts(line, "!") ? errors : warnings;

		buf_add(to, str_from(line, 1));
		buf_c(to, '\n');
	}
}

static int
hear_judge(pid_t pid, int in, struct buf *errors, struct buf *warnings)
{
	struct buf said;
	int status = -1;

	buf_init(&said, SAID_MAX);
	if (file_read_fd(in, &said) == 0)
		sort_words(buf_str(&said), errors, warnings);
	buf_free(&said);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) < 2)
		return WEXITSTATUS(status) == 0 ? 0 : FAIL_PERM;
	buf_fmt(errors, "%s: the certificates could not be looked at\n",
	    master.path);
	return FAIL_PERM;
}

void
certs_warn(const struct config *c)
{
	struct str all = buf_str(&c->warnings), line;

	while (str_line(&all, &line)) {
		log_event(LOG_LEVEL_WARN, "certificate");
		log_str("text", line);
		log_end();
	}
}

int
certs_open(struct config *c, struct buf *errors)
{
	struct judge j = { .certs = fd_memory("tls-certs"),
	    .keys = fd_memory("tls-keys") };
	int fd[2] = { -1, -1 }, rc = FAIL_PERM;
	pid_t pid = -1;

	c->certs_fd = j.certs;
	c->keys_fd = j.keys;
	if (j.certs >= 0 && j.keys >= 0 && pipe2(fd, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		be_judge(&c->conf, &j, fd[1]);
	fd_close(&fd[1]);
	if (pid > 0)
		rc = hear_judge(pid, fd[0], errors, &c->warnings);
	else
		buf_fmt(errors, "%s: certificates: %s\n", master.path,
		    strerror(errno));
	fd_close(&fd[0]);
	if (rc == 0 && (!fd_seal(j.certs) || !fd_seal(j.keys)))
		rc = FAIL_PERM;
	return rc;
}
