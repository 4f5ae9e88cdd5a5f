/* SPDX-License-Identifier: ISC */
/*
 * master/connect.c - Unix sockets of other programs that mail is handed to
 * (LMTP): remote has no file system, so master connects for it.
 *
 * Only to paths that a `transport' names.  Not a byte is read or written here.
 */
#include "master/master.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "base/banned.h"

static bool
is_named(struct str path)
{
	const struct strs *list = &master.config->conf.remote.transports;

	for (size_t i = 0; i < list->n; i++) {
		struct str hop = list->v[i];

		(void)str_word(&hop);
		hop = str_trim(hop);
		if (str_istarts(hop, "lmtp:") && str_eq(str_from(hop, 5), path))
			return true;
	}
	return false;
}

/* Never waits: a listener whose queue is full answers EAGAIN. */
static int
connect_to(struct str path, int *fd_out, struct why *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (path.n == 0 || path.p[0] != '/' || path.n >= sizeof(un.sun_path) ||
	    str_has_nul(path) || !is_named(path))
		return why_set(why, FAIL_DENIED, "no transport names that path");
	memcpy(un.sun_path, path.p, path.n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		int rc = why_errno(why, FAIL_TEMP, "%.*s", STR_ARG(path));

		fd_close(&fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

void
connect_note(struct chan *c, const struct note *n)
{
	struct note_socket_done done = { .fd = -1 };
	struct why why = { .code = 0 };

	done.failed = (uint32_t)-connect_to(n->u.socket_ask.path, &done.fd,
	    &why);
	done.text = str_of(why.text);
	note_answer_socket_done(c, n->ticket, &done);
	fd_close(&done.fd);
}
