/* SPDX-License-Identifier: ISC */
/*
 * master/start.c - one child: fork, exec, and all it must be told.
 *
 * The program was opened when master started, so that an upgrade under our
 * feet never mixes two versions.  Between fork and exec only system calls
 * are made.  What the child hears and in which order: daemon/daemon.c.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/banned.h"

enum { CHILD_MASTER_FD = 3, CHILD_LOCK_FD = 4 };

/* Never returns.  The descriptors 3 and 4 may be taken by what we move. */
NORETURN static void
become(const struct child *c, int chan_fd)
{
	char name[48];
	char *argv[] = { name, NULL };
	char tz[] = "TZ=:/etc/localtime", lang[] = "LC_ALL=C";
	char *envp[] = { tz, lang, NULL };
	sigset_t none;
	int chan_up = fcntl(chan_fd, F_DUPFD_CLOEXEC, 10);
	int lock_up = fcntl(master.lock_fd, F_DUPFD_CLOEXEC, 10);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int program = fcntl(master.program[c->kind], F_DUPFD_CLOEXEC, 10);

	(void)snprintf(name, sizeof(name), "veredus-%s", procs[c->kind].name);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (chan_up < 0 || lock_up < 0 || null_fd < 0 || program < 0 ||
	    dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(null_fd, STDOUT_FILENO) < 0 ||
	    dup2(chan_up, CHILD_MASTER_FD) < 0 ||
	    dup2(lock_up, CHILD_LOCK_FD) < 0)
		_exit(71);
	(void)execveat(program, "", argv, envp, AT_EMPTY_PATH);
	_exit(72);
}

static void
tell_self(struct child *c)
{
	struct note_self_new n = { .index = c->index,
	    .count = master.count[c->kind], .uid = master.uid[c->kind],
	    .gid = master.gid[c->kind], .boot = master.boot,
	    .fd = folder_root(c->kind) };
	char groups[65] = "";
	size_t len = 0;

	for (int k = 0; k < PROC_COUNT; k++)
		if (procs[c->kind].groups & BY(k))
			len += (size_t)snprintf(groups + len,
			    sizeof(groups) - len, "%s%u", len > 0 ? " " : "",
			    master.gid[k]);
	if (c->kind == SPOOLD && master.drop_gid != 0)
		(void)snprintf(groups + len, sizeof(groups) - len, "%s%u",
		    len > 0 ? " " : "", master.drop_gid);
	n.groups = str_of(groups);
	if (master.is_unprivileged)
		n.flags |= SELF_UNPRIVILEGED;
	if (str_same(master.config->conf.master.cage, "optional"))
		n.flags |= SELF_CAGE_OPTIONAL;
	note_put_self_new(c->chan, &n);
}

static void
tell_rows(struct child *c)
{
	struct note_conf_row n;

	for (struct conf_set *row = master.config->file.rows; row != NULL;
	    row = row->next) {
		if ((row->who & BY(c->kind)) == 0)
			continue;
		n.path = row->path;
		n.value = row->value;
		note_put_conf_row(c->chan, &n);
	}
	if (BY(c->kind) & (BY(SPOOLD) | BY(STORED) | BY(SYNCD))) {
		/* "auto" is decided here, so that the three agree */
		n.path = STR("spool sync");
		n.value = str_of(sync_how());
		note_put_conf_row(c->chan, &n);
	}
	if (c->kind == RESOLVD &&
	    !master.config->conf.resolver.addresses.is_given)
		resolvers_tell(c);
}

/* Who makes grants and who checks them; who must find an account's stored. */
static void
tell_keys(struct child *c)
{
	const struct { unsigned who; const char *name; struct str key; }
	    keys[] = {
		{ BY(AUTHD) | BY(STORED) | BY(SPOOLD) | BY(SIGND), "grant",
		    str_mem(master.grant_key, GRANT_KEY) },
		{ READERS | BY(SPOOLD) | BY(STORED) | BY(CTLD), "place",
		    str_mem(master.place_key, PLACE_KEY) },
	};

	for (size_t i = 0; i < NITEMS(keys); i++) {
		struct note_key_new n = { .name = str_of(keys[i].name),
		    .key = keys[i].key };

		if (keys[i].who & BY(c->kind))
			note_put_key_new(c->chan, &n);
	}
}

static void
tell_file(struct child *c, const char *name, int fd)
{
	struct note_file_new n = { .name = str_of(name), .fd = fd };

	if (fd >= 0)
		note_put_file_new(c->chan, &n);
}

static void
tell_files(struct child *c)
{
	unsigned files = procs[c->kind].files;
	struct why why;

	/* Somebody may have thrown it away since. */
	if (files & FILES_INDEX && folder_anew(FOLDER_INDEX, &why) != 0)
		log_say(LOG_LEVEL_ERROR, "folder-gone", "%s", why.text);
	for (unsigned bit = 1; bit <= FILES_INDEX; bit <<= 1)
		if (files & bit)
			tell_file(c, procs_file_name(bit),
			    folder_of_file(c->kind, bit));
	if (files & FILES_FS) {
		tell_file(c, "fs-spool", master.folder[FOLDER_SPOOL]);
		tell_file(c, "fs-mail", master.folder[FOLDER_MAIL]);
		tell_file(c, "fs-state", master.folder[FOLDER_ACCOUNT]);
		tell_file(c, "fs-index", master.folder[FOLDER_INDEX]);
	}
}

static void
tell_certificates(struct child *c)
{
	if (procs[c->kind].files & FILES_CERTS)
		tell_file(c, "tls-certs", master.config->certs_fd);
	if (procs[c->kind].files & FILES_KEYS)
		tell_file(c, "tls-keys", master.config->keys_fd);
}

static void
tell_smarthost(struct child *c)
{
	if (c->kind != REMOTE)
		return;
	tell_file(c, "smarthost-secret", master.config->secret_fd);
	tell_file(c, "smarthost-ca", master.config->ca_fd);
}

/* Which services a kind serves. */
static enum proc
server_of(const char *service)
{
	static const struct { const char *service; enum proc kind; } rows[] = {
		{ "smtp", SMTPD }, { "submission", SMTPD },
		{ "submissions", SMTPD }, { "submit", SMTPD },
		{ "pop3", POP3D }, { "pop3s", POP3D },
		{ "imap", IMAPD }, { "imaps", IMAPD }, { "control", CTLD },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (strcmp(rows[i].service, service) == 0)
			return rows[i].kind;
	return MASTER;
}

static void
tell_sockets(struct child *c)
{
	struct link *l;

	list_each(l, &master.sockets) {
		struct socket *s = container_of(l, struct socket, link);
		struct note_listen_new n = { .service = str_of(s->service),
		    .address = str_of(s->address), .fd = s->fd,
		    .generation = master.generation };

		if (server_of(s->service) == c->kind)
			note_put_listen_new(c->chan, &n);
	}
}

void
start_tell_settings(struct child *c)
{
	struct note_conf_done done = { .generation = master.generation };

	tell_rows(c);
	tell_certificates(c);
	dkim_tell(c);
	tell_smarthost(c);
	if (c->kind == QMGR)
		tell_file(c, "providers", master.config->providers_fd);
	tell_sockets(c);
	note_put_conf_done(c->chan, &done);
}

void
start_child(struct child *c)
{
	int fd[2];
	pid_t pid;

	timer_stop(&c->again);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0 ||
	    (pid = fork()) < 0) {
		log_event(LOG_LEVEL_ERROR, "process-start-failed");
		log_z("process", procs[c->kind].name);
		log_errno();
		log_end();
		timer_set(&c->again, 1000);
		return;
	}
	if (pid == 0)
		become(c, fd[1]);
	(void)close(fd[1]);
	c->pid = pid;
	c->state = CHILD_STARTING;
	c->is_stopped = c->is_asked = false;
	c->since_ms = clock_real_ms();
	c->started_ms = clock_mono_ms();
	c->chan = chan_new(fd[0], MASTER, c->kind, c->index, on_child_note,
	    on_child_end, c);
	c->chan->queue_max = 64 * 1024 * 1024;	/* thousands of domains */
	tell_self(c);
	tell_keys(c);
	tickets_deal(c);
	tell_files(c);
	start_tell_settings(c);
	wire_child(c);
}
