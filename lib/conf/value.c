/* SPDX-License-Identifier: ISC */
/*
 * conf/value.c - typed values of settings.
 *
 * Text in, a C value or a reason for the operator out.  Two tables: the
 * kinds (flag, num, size ...) and the shapes of texts (host, net, listen
 * ...); a new one is a row and a function.
 */
#include "conf/value.h"

#include <inttypes.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "conf/net.h"
#include "base/banned.h"

#define HOST_MAX	253	/* RFC 1035 2.3.4, in text */
#define LABEL_MAX	63
#define LOCAL_MAX	64	/* RFC 5321 4.5.3.1.1 */

/* Long values are cut in messages. */
#define SHOW(s)		(int)((s).n < 60 ? (s).n : 60), (const char *)(s).p

/* --- words --------------------------------------------------------------- */

static bool
is_bare(struct str word)
{
	size_t i;

	if (word.n == 0 || word.p[0] == '#')
		return false;
	for (i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] == 0x7f ||
		    memchr(";{}\",", word.p[i], 5) != NULL)
			return false;
	return true;
}

void
conf_quote(struct buf *out, struct str word)
{
	size_t i;

	if (is_bare(word)) {
		buf_add(out, word);
		return;
	}
	buf_c(out, '"');
	for (i = 0; i < word.n; i++) {
		if (word.p[i] == '"' || word.p[i] == '\\')
			buf_c(out, '\\');
		buf_c(out, word.p[i]);
	}
	buf_c(out, '"');
}

/* The quoted word at the front of *s, which is moved behind it. */
static bool
take_quoted(struct str *s, struct str *word_out, struct arena *a)
{
	uint8_t *to = arena_get(a, s->n);
	size_t i, n = 0;

	if (to == NULL)
		return false;
	for (i = 1; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && ++i == s->n)
			return false;
		to[n++] = s->p[i];
	}
	if (i == s->n)
		return false;
	*word_out = str_mem(to, n);
	*s = str_from(*s, i + 1);
	return true;
}

size_t
conf_split(struct str s, struct str *word, size_t max, struct arena *a)
{
	struct str one;
	size_t n = 0;

	for (s = str_trim(s); s.n > 0; s = str_trim(s), n++) {
		if (n == max)
			return max + 1;
		if (s.p[0] != '"')
			one = str_word(&s);
		else if (!take_quoted(&s, &one, a))
			return 0;
		word[n] = one;
	}
	return n;
}

/* --- shapes -------------------------------------------------------------- */

static bool
is_label(struct str label)
{
	size_t i;
	int c;

	if (label.n == 0 || label.n > LABEL_MAX || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (i = 0; i < label.n; i++) {
		c = ascii_lower(label.p[i]);
		if (c != '-' && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static int
shape_host(struct str s, struct why *why)
{
	struct str rest = s, label;
	uint64_t n;

	if (!str_is_ascii(s))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\": write the domain "
		    "in its ASCII form (xn--...)", SHOW(s));
	if (s.n > HOST_MAX || str_ends(s, "."))
		return why_set(why, FAIL_SYNTAX,
		    "\"%.*s\" is not a host or domain name", SHOW(s));
	do {
		label = str_until(&rest, '.');
		if (!is_label(label))
			return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a "
			    "host or domain name", SHOW(s));
	} while (rest.n > 0);
	if (str_u64(label, UINT64_MAX, &n))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is an address, "
		    "a name is wanted", SHOW(s));
	return 0;
}

static int
shape_address(struct str s, struct why *why)
{
	size_t at = str_rchr(s, '@'), i;

	if (at == 0 || at >= s.n - 1 || at > LOCAL_MAX || s.p[0] == '.' ||
	    s.p[at - 1] == '.')
		return why_set(why, FAIL_SYNTAX,
		    "\"%.*s\" is not an address like joe@example.org", SHOW(s));
	for (i = 0; i < at; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 ||
		    memchr("()<>[]:;@\\,\"", s.p[i], 12) != NULL)
			return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not an "
			    "address like joe@example.org", SHOW(s));
	return shape_host(str_from(s, at + 1), why);
}

static int
shape_net(struct str s, struct why *why)
{
	struct net net;

	if (net_parse(s, &net))
		return 0;
	return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a network like "
	    "192.0.2.0/24 or 2001:db8::/32", SHOW(s));
}

/* No way up and out. */
static bool
climbs(struct str path)
{
	while (path.n > 0)
		if (str_same(str_until(&path, '/'), ".."))
			return true;
	return false;
}

static int
shape_path(struct str s, struct why *why)
{
	if (climbs(s))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\": a path has no "
		    "\"..\"", SHOW(s));
	return 0;
}

static const char *const services[] = { "smtp", "submission", "submissions",
    "pop3", "pop3s", "imap", "imaps" };

static bool
is_service(struct str s)
{
	size_t i;

	for (i = 0; i < NITEMS(services); i++)
		if (str_same(s, services[i]))
			return true;
	return false;
}

int
listen_parse(struct str entry, struct listen *out, struct why *why)
{
	struct listen l = { .service = str_word(&entry) };
	struct str where = str_rest(&entry);
	size_t colon = str_rchr(where, ':');
	uint8_t addr[16];
	uint64_t port;
	bool boxed;

	if (!is_service(l.service))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is no service: "
		    "smtp, submission, submissions, pop3, pop3s, imap or "
		    "imaps", SHOW(l.service));
	if (where.n == 0)
		return why_set(why, FAIL_SYNTAX, "where does %.*s listen? "
		    "Like *:25 or 127.0.0.1:2525", SHOW(l.service));
	if (colon == where.n ||
	    !str_u64(str_from(where, colon + 1), 65535, &port) || port == 0)
		return why_set(why, FAIL_SYNTAX,
		    "\"%.*s\" does not end in a port like :25", SHOW(where));
	l.host = str_sub(where, 0, colon);
	boxed = l.host.n > 2 && l.host.p[0] == '[' && str_ends(l.host, "]");
	if (boxed)
		l.host = str_sub(l.host, 1, l.host.n - 2);
	if (!str_same(l.host, "*") && (!net_addr(l.host, addr) ||
	    boxed != (str_chr(l.host, ':') < l.host.n)))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not an address "
		    "like *, 192.0.2.7 or [2001:db8::1]", SHOW(where));
	l.port = (uint32_t)port;
	*out = l;
	return 0;
}

static int
shape_listen(struct str s, struct why *why)
{
	struct listen l;

	return listen_parse(s, &l, why);
}

static int
shape_table(struct str s, struct why *why)
{
	struct str driver = str_word(&s), path = str_rest(&s);

	if (!str_same(driver, "text") && !str_same(driver, "bdb"))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is no kind of "
		    "table: text or bdb", SHOW(driver));
	if (path.n == 0)
		return why_set(why, FAIL_SYNTAX, "the path of the table is "
		    "missing");
	if (path.p[0] == '/' || climbs(path))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\": a table is named "
		    "by its path below `folders tables'", SHOW(path));
	return 0;
}

int
server_parse(struct str entry, struct str *host_out, uint32_t *port_out,
    struct why *why)
{
	struct str host = entry;
	size_t colon = str_rchr(entry, ':');
	uint64_t port = 53;
	uint8_t addr[16];

	if (!net_addr(entry, addr) && colon < entry.n &&
	    str_u64(str_from(entry, colon + 1), 65535, &port)) {
		host = str_sub(entry, 0, colon);
		if (host.n > 2 && host.p[0] == '[' && str_ends(host, "]"))
			host = str_sub(host, 1, host.n - 2);
		else if (str_chr(host, ':') < host.n)
			port = 0;	/* where does the address end? */
	}
	if (!net_addr(host, addr) || port == 0)
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not an address "
		    "like 192.0.2.7, 192.0.2.7:53 or [2001:db8::1]:53",
		    SHOW(entry));
	*host_out = host;
	*port_out = (uint32_t)port;
	return 0;
}

static int
shape_server(struct str s, struct why *why)
{
	struct str host;
	uint32_t port;

	return server_parse(s, &host, &port, why);
}

/* The hop itself is read by remote. */
static int
shape_transport(struct str s, struct why *why)
{
	struct str domain = str_word(&s), hop = str_trim(s);

	if (hop.n == 0)
		return why_set(why, FAIL_SYNTAX, "the host behind \"%.*s\" is "
		    "missing", SHOW(domain));
	if (str_chr(hop, ' ') < hop.n || !str_is_print(hop))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is no host like "
		    "mx.example.org, [192.0.2.7]:25 or lmtp:host:24", SHOW(hop));
	return 0;
}

static int
shape_layout(struct str s, struct why *why)
{
	bool names_user = false;
	size_t i;

	if (s.n > 256 || s.p[0] == '/' || climbs(s))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a path "
		    "below the mail folder", SHOW(s));
	for (i = 0; i < s.n; i++) {
		if (s.p[i] != '%')
			continue;
		if (++i == s.n || memchr("uda%", s.p[i], 4) == NULL)
			return why_set(why, FAIL_SYNTAX, "\"%.*s\": only %%u, "
			    "%%d, %%a and %%%% may follow a %%", SHOW(s));
		names_user |= s.p[i] == 'u' || s.p[i] == 'a';
	}
	if (!names_user)
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" names one folder "
		    "for everybody: %%u or %%a is missing", SHOW(s));
	return 0;
}

/* A mailbox, and perhaps its special use (RFC 6154). */
static int
shape_folder(struct str s, struct why *why)
{
	struct str quoted = s, use;

	if (s.p[0] == '"') {
		quoted = str_from(s, 1);
		(void)str_until(&quoted, '"');
		use = str_trim(quoted);
	} else {
		(void)str_word(&s);
		use = str_trim(s);
	}
	if (use.n > 0 && (use.p[0] != '\\' || use.n < 2))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is no special use "
		    "like \\Sent", SHOW(use));
	return 0;
}

static int
shape_char(struct str s, struct why *why)
{
	if (s.n == 1 && memchr("+-_=#!.", s.p[0], 7) != NULL)
		return 0;
	return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not one of + - _ = # ! .",
	    SHOW(s));
}

static int
shape_any(struct str s, struct why *why)
{
	(void)s, (void)why;
	return 0;
}

static const struct shape {
	const char	*name;
	size_t		 words;
	bool		 folds;
	int		(*check)(struct str, struct why *);
} shapes[] = {
	{ "",		1, false, shape_any },
	{ "address",	1, true,  shape_address },
	{ "char",	1, false, shape_char },
	{ "domain",	1, true,  shape_host },
	{ "folder",	2, false, shape_folder },
	{ "host",	1, true,  shape_host },
	{ "layout",	1, false, shape_layout },
	{ "listen",	2, false, shape_listen },
	{ "net",	1, false, shape_net },
	{ "path",	1, false, shape_path },
	{ "server",	1, false, shape_server },
	{ "table",	2, false, shape_table },
	{ "transport",	2, false, shape_transport },
};

static const struct shape *
shape_of(const char *name)
{
	size_t i;

	for (i = 0; i < NITEMS(shapes); i++)
		if (strcmp(shapes[i].name, name) == 0)
			return &shapes[i];
	return NULL;
}

bool
shape_known(const char *shape)
{
	return shape_of(shape) != NULL;
}

bool
shape_folds(const char *shape)
{
	return shape_of(shape)->folds;
}

size_t
shape_words(const char *shape)
{
	return shape_of(shape)->words;
}

int
shape_check(const char *shape, struct str s, struct why *why)
{
	const struct shape *row = shape_of(shape);

	if (row == NULL)
		bug("no shape %s", shape);
	if (str_has_nul(s) || !utf8_valid(s))
		return why_set(why, FAIL_SYNTAX, "not UTF-8 text");
	return s.n == 0 ? 0 : row->check(s, why);
}

/* --- kinds --------------------------------------------------------------- */

static int
parse_flag(const struct param *p, struct str s, union value *v,
    struct why *why)
{
	(void)p;
	v->flag = str_same(s, "yes");
	if (v->flag || str_same(s, "no"))
		return 0;
	return why_set(why, FAIL_SYNTAX, "\"%.*s\" is neither yes nor no",
	    SHOW(s));
}

static int
parse_num(const struct param *p, struct str s, union value *v,
    struct why *why)
{
	uint32_t n, min, max;

	if (!str_u32(str_of(p->min), &min) || !str_u32(str_of(p->max), &max))
		bug("bounds of %s", p->path);
	if (!str_u32(s, &n))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a number",
		    SHOW(s));
	if (n < min || n > max)
		return why_set(why, FAIL_SYNTAX, "%" PRIu32 " is not between "
		    "%s and %s", n, p->min, p->max);
	v->num = n;
	return 0;
}

static int
parse_size(const struct param *p, struct str s, union value *v,
    struct why *why)
{
	uint64_t n, min, max;

	if (!num_size(str_of(p->min), &min) || !num_size(str_of(p->max), &max))
		bug("bounds of %s", p->path);
	if (!num_size(s, &n))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a size like "
		    "512, 64k, 50M or 1G", SHOW(s));
	if (n < min || n > max)
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not between %s "
		    "and %s", SHOW(s), p->min, p->max);
	v->size = n;
	return 0;
}

static int
parse_ms(const struct param *p, struct str s, union value *v, struct why *why)
{
	int64_t n, min, max;

	if (!num_duration_ms(str_of(p->min), &min) ||
	    !num_duration_ms(str_of(p->max), &max))
		bug("bounds of %s", p->path);
	if (!num_duration_ms(s, &n))
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not a time like "
		    "500ms, 30s, 5m, 2h or 4d", SHOW(s));
	if (n < min || n > max)
		return why_set(why, FAIL_SYNTAX, "\"%.*s\" is not between %s "
		    "and %s", SHOW(s), p->min, p->max);
	v->ms = n;
	return 0;
}

static int
parse_word(const struct param *p, struct str s, union value *v,
    struct why *why)
{
	struct str words = str_of(p->min);

	v->text = s;
	while (str_more(words))
		if (str_eq(s, str_word(&words)))
			return 0;
	return why_set(why, FAIL_SYNTAX, "\"%.*s\" is none of: %s", SHOW(s),
	    p->min);
}

static int
parse_text(const struct param *p, struct str s, union value *v,
    struct why *why)
{
	v->text = s;
	return shape_check(p->min, s, why);
}

int
value_parse(const struct param *p, struct str s, union value *value_out,
    struct why *why)
{
	static int (*const parse[])(const struct param *, struct str,
	    union value *, struct why *) = {
		[PARAM_flag] = parse_flag, [PARAM_num] = parse_num,
		[PARAM_size] = parse_size, [PARAM_ms] = parse_ms,
		[PARAM_word] = parse_word, [PARAM_text] = parse_text,
		[PARAM_list] = parse_text,
	};
	union value v;
	int rc = parse[p->kind](p, s, &v, why);

	if (rc == 0 && value_out != NULL)
		*value_out = v;
	return rc;
}
