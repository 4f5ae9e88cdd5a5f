/* SPDX-License-Identifier: ISC */
/*
 * master/listen.c - the sockets clients come to.
 *
 * A socket that both the old and the new settings name is kept, with the
 * clients that wait in it.  Sockets that the init system has bound for us
 * (LISTEN_FDS) are taken instead of binding, by address.  run/control and
 * run/submit are always there.  Master never accepts.
 */
#include "master/master.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "conf/value.h"
#include "base/banned.h"

enum { BACKLOG = 1024, FIRST_PASSED_FD = 3 };

static struct socket *
find(const char *service, const char *address)
{
	struct link *l;
	struct socket *s;

	list_each(l, &master.sockets) {
		s = container_of(l, struct socket, link);
		if (strcmp(s->service, service) == 0 &&
		    strcmp(s->address, address) == 0)
			return s;
	}
	return NULL;
}

static void
add(const char *service, const char *address, int fd)
{
	struct socket *s = xcalloc(1, sizeof(*s));

	list_init(&s->link);
	(void)snprintf(s->service, sizeof(s->service), "%s", service);
	(void)snprintf(s->address, sizeof(s->address), "%s", address);
	s->fd = fd;
	s->generation = master.generation + 1;
	list_push(&master.sockets, &s->link);
}

/* --- TCP ----------------------------------------------------------------- */

static int
fill_address(struct str host, uint32_t port, struct sockaddr_storage *ss,
    socklen_t *len_out)
{
	struct sockaddr_in *in = (void *)ss;
	struct sockaddr_in6 *in6 = (void *)ss;
	char text[INET6_ADDRSTRLEN];

	memset(ss, 0, sizeof(*ss));
	if (host.n >= sizeof(text))
		return FAIL_SYNTAX;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (strcmp(text, "*") == 0)
		(void)snprintf(text, sizeof(text), "::");
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		*len_out = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*len_out = sizeof(*in6);
		return 0;
	}
	return FAIL_SYNTAX;
}

/* It comes blocking (NonBlocking= of the unit is no by default), and an
 * accept that waits would stop the whole face. */
static int
adopt(int fd)
{
	int mine = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	int flags = mine < 0 ? -1 : fcntl(mine, F_GETFL);

	if (flags >= 0 && fcntl(mine, F_SETFL, flags | O_NONBLOCK) == 0)
		return mine;
	fd_close(&mine);
	return -1;
}

/* A socket that the init system bound to just that address. */
static int
passed_socket(const struct sockaddr_storage *want, socklen_t len)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");
	struct sockaddr_storage have;
	socklen_t have_len;
	uint64_t count = 0, who = 0;

	if (pid == NULL || n == NULL || !str_u64(str_of(pid), INT32_MAX, &who) ||
	    (pid_t)who != getpid() || !str_u64(str_of(n), 64, &count))
		return -1;
	for (int fd = FIRST_PASSED_FD; fd < FIRST_PASSED_FD + (int)count; fd++) {
		have_len = sizeof(have);
		memset(&have, 0, sizeof(have));
		if (getsockname(fd, (struct sockaddr *)&have, &have_len) == 0 &&
		    have_len == len && memcmp(&have, want, len) == 0)
			return adopt(fd);
	}
	return -1;
}

static int
bind_tcp(const struct sockaddr_storage *ss, socklen_t len, bool both)
{
	int on = 1, off = 0;
	int fd = socket(ss->ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
		    both ? &off : &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	fd_close(&fd);
	return -1;
}

static int
open_tcp(struct str host, uint32_t port, struct why *why)
{
	struct sockaddr_storage ss;
	socklen_t len;
	bool all = str_same(host, "*");
	int fd;

	if (fill_address(host, port, &ss, &len) != 0)
		return why_set(why, FAIL_SYNTAX, "%.*s is no address",
		    STR_ARG(host));
	fd = passed_socket(&ss, len);
	if (fd < 0)
		fd = bind_tcp(&ss, len, all);
	/* a kernel without IPv6 */
	if (fd < 0 && all && errno == EAFNOSUPPORT &&
	    fill_address(STR("0.0.0.0"), port, &ss, &len) == 0)
		fd = bind_tcp(&ss, len, false);
	if (fd < 0)
		return why_errno(why, FAIL_PERM, "cannot listen at %.*s:%u",
		    STR_ARG(host), port);
	return fd;
}

/* --- run/control, run/submit --------------------------------------------- */

static gid_t
control_group(const struct config *c)
{
	struct str name = c->conf.master.control_group;
	char z[64];
	const struct group *gr;

	(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(name));
	gr = z[0] != '\0' ? getgrnam(z) : NULL;
	return gr != NULL ? gr->gr_gid : getegid();
}

/* Bound under another name and renamed, so that there is always one, with
 * the rights it shall have. */
static int
open_unix(const char *name, mode_t mode, gid_t gid, struct why *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int run = master.folder[FOLDER_RUN], back, fd;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s.new", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || back < 0 || fchdir(run) != 0)
		goto out;
	(void)unlinkat(run, un.sun_path, 0);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 &&
	    chmod(un.sun_path, mode) == 0 &&
	    chown(un.sun_path, (uid_t)-1, gid) == 0 &&
	    listen(fd, BACKLOG) == 0 &&
	    renameat(run, un.sun_path, run, name) == 0 && fchdir(back) == 0) {
		fd_close(&back);
		return fd;
	}
out:
	(void)why_errno(why, FAIL_PERM, "run/%s", name);
	if (back >= 0 && fchdir(back) != 0)
		bug("fchdir: errno %d", errno);
	fd_close(&back);
	fd_close(&fd);
	return FAIL_PERM;
}

/* --- all of them --------------------------------------------------------- */

static int
want_unix(const struct config *c, const char *name, mode_t mode,
    struct why *why)
{
	struct socket *s = find(name, name);
	int fd;

	if (s != NULL) {
		s->is_old = false;
		return 0;
	}
	fd = open_unix(name, mode, strcmp(name, "control") == 0
	    ? control_group(c) : getegid(), why);
	if (fd < 0)
		return FAIL_PERM;
	add(name, name, fd);
	return 0;
}

static int
want_tcp(struct str entry, struct why *why)
{
	struct listen l;
	struct socket *s;
	char service[33], address[129];
	int fd, r = listen_parse(entry, &l, why);

	if (r != 0)
		return r;
	(void)snprintf(service, sizeof(service), "%.*s", STR_ARG(l.service));
	(void)snprintf(address, sizeof(address), "%.*s:%u", STR_ARG(l.host),
	    l.port);
	s = find(service, address);
	if (s != NULL) {
		s->is_old = false;
		return 0;
	}
	fd = open_tcp(l.host, l.port, why);
	if (fd < 0)
		return FAIL_PERM;
	add(service, address, fd);
	return 0;
}

int
listen_bind(const struct config *c, struct why *why)
{
	const struct strs *list = &c->conf.master.listen;
	struct link *l;
	int r;

	list_each(l, &master.sockets)
		container_of(l, struct socket, link)->is_old = true;
	if ((r = want_unix(c, "control", 0660, why)) != 0 ||
	    (r = want_unix(c, "submit", 0666, why)) != 0)
		return r;
	for (size_t i = 0; i < list->n; i++)
		if ((r = want_tcp(list->v[i], why)) != 0)
			return r;
	return 0;
}

static void
forget(struct socket *s)
{
	list_remove(&s->link);
	fd_close(&s->fd);
	free(s);
}

void
listen_keep_new(void)
{
	struct link *l, *tmp;

	list_each_safe(l, tmp, &master.sockets)
		if (container_of(l, struct socket, link)->is_old)
			forget(container_of(l, struct socket, link));
}

/* Whatever was bound just now goes. */
void
listen_keep_old(void)
{
	struct link *l, *tmp;
	struct socket *s;

	list_each_safe(l, tmp, &master.sockets) {
		s = container_of(l, struct socket, link);
		if (s->generation > master.generation)
			forget(s);
	}
}

void
listen_forget_unix(void)
{
	(void)unlinkat(master.folder[FOLDER_RUN], "control", 0);
	(void)unlinkat(master.folder[FOLDER_RUN], "submit", 0);
}
