/* SPDX-License-Identifier: ISC */
/*
 * delivery/hop.c - how a next hop is reached: by the MX of a domain, by the
 * smarthost, or as a setting or qmgr says.
 *
 *	example.org		its MX
 *	[mail.example.org]	that host; [host]:587, host:587
 *	[192.0.2.1]		that address; [IPv6:2001:db8::1]
 *	lmtp:host:24		LMTP; lmtp:/run/some/socket
 *
 * The password of the smarthost and the authorities it is checked by are
 * files that master opens.
 */
#include "delivery/hop.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "delivery/conn.h"

#include "base/banned.h"

enum { SECRET_MAX = 1024, AUTHORITIES_MAX = 4 * 1024 * 1024, LMTP_PORT = 24,
    SOCKET_PATH_MAX = 108 };

static struct {
	struct tls_client *any;		/* opportunistic */
	struct tls_client *checked;	/* NULL: no authorities */
	struct buf	secret;
} hops;

/* --- text ---------------------------------------------------------------- */

/* ":587" or nothing. */
static bool
take_port(struct str s, uint16_t *port)
{
	uint64_t n;

	if (s.n == 0)
		return true;
	if (s.p[0] != ':' || !str_u64(str_from(s, 1), 65535, &n) || n == 0)
		return false;
	*port = (uint16_t)n;
	return true;
}

static bool
is_host(struct str s)
{
	return s.n > 0 && s.n <= CONN_HOST_MAX && str_is_print(s) &&
	    str_chr(s, ' ') == s.n;
}

static bool
in_brackets(struct str text, struct hop *h)
{
	size_t end = str_chr(text, ']');

	h->by_mx = false;
	h->host = str_sub(text, 1, end - 1);
	if (str_istarts(h->host, "IPv6:"))
		h->host = str_from(h->host, 5);
	return end < text.n && take_port(str_from(text, end + 1), &h->port);
}

static bool
parse(struct str text, struct hop *h)
{
	size_t colon;

	if (str_istarts(text, "lmtp:")) {
		h->is_lmtp = true;
		text = str_from(text, 5);
	}
	if (h->is_lmtp) {
		h->by_mx = false;
		h->port = LMTP_PORT;
	}
	if (h->is_lmtp && text.n > 0 && text.p[0] == '/') {
		h->host = text;
		h->tls = SMTP_TLS_NEVER;	/* it does not leave the host */
		return is_host(text) && text.n < SOCKET_PATH_MAX;
	}
	if (text.n > 0 && text.p[0] == '[')
		return in_brackets(text, h) && is_host(h->host);
	colon = str_chr(text, ':');
	h->host = str_sub(text, 0, colon);
	h->by_mx &= colon == text.n;
	return take_port(str_from(text, colon), &h->port) && is_host(h->host);
}

/* --- settings ------------------------------------------------------------ */

static enum smtp_tls
tls_word(struct str word)
{
	return str_same(word, "never") ? SMTP_TLS_NEVER :
	    str_same(word, "may") ? SMTP_TLS_MAY : SMTP_TLS_MUST;
}

static struct str
transport_of(struct str domain)
{
	const struct strs *list = &daemon_conf()->remote.transports;

	for (size_t i = 0; i < list->n; i++) {
		struct str hop = list->v[i], name = str_word(&hop);

		if (str_ieq(name, domain))
			return str_trim(hop);
	}
	return STR("");
}

static bool
by_smarthost(struct hop *h)
{
	const struct conf *c = daemon_conf();
	bool checks = str_same(c->remote.smarthost_tls, "verify");

	h->tls = tls_word(c->remote.smarthost_tls);
	h->trust = checks ? hops.checked : hops.any;
	h->user = c->remote.smarthost_user;
	h->secret = buf_str(&hops.secret);
	if (!parse(c->remote.smarthost, h))
		return false;
	h->by_mx = false;
	h->is_wrapped = c->remote.smarthost_wrapped;
	return !h->is_wrapped || h->tls != SMTP_TLS_NEVER;
}

bool
hop_find(struct str nexthop, uint32_t transport, struct hop *out)
{
	const struct conf *c = daemon_conf();
	struct hop h = { .by_mx = true, .port = (uint16_t)c->remote.port,
	    .tls = tls_word(c->remote.tls), .trust = hops.any,
	    .is_lmtp = transport == TRANSPORT_LMTP };
	struct str own;

	if (!parse(nexthop, &h))
		return false;
	own = h.by_mx ? transport_of(h.host) : STR("");
	if (own.n > 0) {
		if (!parse(own, &h))
			return false;
	} else if (h.by_mx && c->remote.smarthost.n > 0 && !by_smarthost(&h))
		return false;
	*out = h;
	return h.trust != NULL || h.tls == SMTP_TLS_NEVER;
}

/* --- files --------------------------------------------------------------- */

static bool
read_dealt(const char *name, size_t max, struct buf *out)
{
	int fd = daemon_file(name);
	struct stat st;
	uint8_t *p;

	buf_init(out, max);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    (p = buf_grow(out, (size_t)st.st_size)) == NULL ||
	    file_pread(fd, p, (size_t)st.st_size, 0) != 0)
		return false;
	buf_grown(out, (size_t)st.st_size);
	return true;
}

static struct tls_client *
make_client(struct str authorities)
{
	struct tls_client *c = NULL;
	struct why why;

	if (tls_client_new(authorities, &c, &why) != 0)
		log_say(LOG_LEVEL_ERROR, "remote-tls", "%s", why.text);
	return c;
}

/* The first line of the password file is the password. */
static void
load_secret(void)
{
	struct str line, all;

	buf_wipe(&hops.secret);
	if (!read_dealt("smarthost-secret", SECRET_MAX, &hops.secret))
		return;
	all = buf_str(&hops.secret);
	if (str_line(&all, &line))
		buf_cut(&hops.secret, line.n);
}

void
hop_reload(void)
{
	struct buf authorities;

	if (hops.any == NULL)
		hops.any = make_client(STR(""));
	load_secret();
	tls_client_unref(hops.checked);
	hops.checked = NULL;
	if (daemon_conf()->remote.smarthost.n > 0 &&
	    read_dealt("smarthost-ca", AUTHORITIES_MAX, &authorities)) {
		hops.checked = make_client(buf_str(&authorities));
		buf_free(&authorities);
	}
}

void
hop_free(void)
{
	buf_wipe(&hops.secret);
	tls_client_unref(hops.any);
	tls_client_unref(hops.checked);
	hops.any = hops.checked = NULL;
}
