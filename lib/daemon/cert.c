/* SPDX-License-Identifier: ISC */
/*
 * daemon/cert.c - reads the certificate of a face.  The key is in this
 * process's memory from then on; its PEM text is wiped.
 */
#include "daemon/cert.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"

#include "base/banned.h"

#define PEM_MAX	(256 * 1024)

/* By position: all faces share the place in the file master opened. */
static bool
read_pem(const char *name, struct buf *out)
{
	int fd = daemon_file(name);
	struct stat st;
	uint8_t *p;

	buf_init(out, PEM_MAX);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    (p = buf_grow(out, (size_t)st.st_size)) == NULL ||
	    file_pread(fd, p, (size_t)st.st_size, 0) != 0)
		return false;
	buf_grown(out, (size_t)st.st_size);
	return true;
}

/* As master dealt them, one behind the other. */
void
cert_tickets(struct tls_server *tls)
{
	struct str all = daemon_key("ticket"), key[TLS_TICKET_KEYS];
	size_t n = 0;

	if (tls == NULL)
		return;
	for (; n < TLS_TICKET_KEYS && all.n >= TLS_TICKET_KEY; n++) {
		key[n] = str_sub(all, 0, TLS_TICKET_KEY);
		all = str_from(all, TLS_TICKET_KEY);
	}
	tls_server_tickets(tls, key, n);
}

void
cert_load(const char *alpn, struct tls_server **tls)
{
	struct tls_server *fresh;
	struct buf cert, key;
	struct why why;
	bool have = read_pem("tls-cert", &cert);

	have = read_pem("tls-key", &key) && have;
	if (!have)
		log_say(LOG_LEVEL_INFO, "no-certificate", "TLS is not offered");
	else if (tls_server_new(buf_str(&cert), buf_str(&key), alpn, &fresh,
	    &why) != 0)
		log_say(LOG_LEVEL_ERROR, "bad-certificate", "%s", why.text);
	else {
		cert_tickets(fresh);
		tls_server_unref(*tls);
		*tls = fresh;
	}
	buf_free(&cert);
	buf_wipe(&key);
}
