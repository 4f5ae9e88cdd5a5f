/* SPDX-License-Identifier: ISC */
/*
 * master/resolvers.c - whom resolvd asks when the settings do not say: the
 * host's resolvers, as resolv.conf(5) has them.  resolvd itself sees no file.
 */
#include "master/master.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "conf/value.h"
#include "base/banned.h"

enum { FILE_MAX = 64 * 1024, ADDRESSES_MAX = 3 /* MAXNS of resolv.h */ };

/* "fe80::1%eth0" is none: an address without a link means nothing to us. */
static bool
take_address(struct str line, struct str *address_out)
{
	struct str word = str_word(&line), host;
	uint32_t port;

	if (!str_same(word, "nameserver"))
		return false;
	*address_out = str_word(&line);
	return server_parse(*address_out, &host, &port, NULL) == 0;
}

static unsigned
tell_file(struct child *c, struct str text)
{
	struct note_conf_row n = { .path = STR("resolver address") };
	struct str line;
	unsigned told = 0;

	while (told < ADDRESSES_MAX && str_line(&text, &line))
		if (take_address(line, &n.value)) {
			note_put_conf_row(c->chan, &n);
			told++;
		}
	return told;
}

/* Without a file or an address in it: this host, as libc does. */
void
resolvers_tell(struct child *c)
{
	struct note_conf_row here = { .path = STR("resolver address"),
	    .value = STR("127.0.0.1") };
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	struct buf text;

	buf_init(&text, FILE_MAX);
	if (fd < 0 || file_read_fd(fd, &text) != 0 ||
	    tell_file(c, buf_str(&text)) == 0)
		note_put_conf_row(c->chan, &here);
	buf_free(&text);
	fd_close(&fd);
}
