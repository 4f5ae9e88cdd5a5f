/* SPDX-License-Identifier: ISC */
/*
 * tools/dkim.c - verbs about DKIM keys: dkim new, show, list, retire.
 *
 * A key is a file, state/dkim/DOMAIN/SELECTOR.key, root's and nobody else's
 * to read.  What is made here signs from the next `veredus reload' on, so
 * that its record can be published first; all keys of a domain sign side by
 * side.  A retired one keeps its octets under another name.
 *
 * RFC 6376 3.6.1 (the record), RFC 8463 (Ed25519), RFC 1035 3.3.14 (strings
 * of at most 255 octets).
 */
#include "tools/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/keypair.h"
#include "mail/addr.h"

#include "base/banned.h"

#define SUFFIX		".key"
#define RETIRED		".retired"
#define TXT_STRING	255
#define OUT_MAX		(64u << 20)
#define RSA_BITS	2048	/* RFC 8301 3.2; 4096 fits in few records */

struct key {
	struct str	domain, selector;
	enum keypair_type type;
	unsigned	bits;
	struct buf	public;
};

/* --- what is given ------------------------------------------------------- */

static int
take_domain(struct cli *c, const char *z, struct str *out)
{
	struct str s = arena_str(&c->arena, str_of(z));
	uint8_t *p = arena_get(&c->arena, s.n + 1);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = (uint8_t)ascii_lower(s.p[i]);
	*out = str_mem(p, s.n);
	if (p != NULL && addr_domain_valid(*out))
		return EX_OK;
	cli_say("%s is no domain", z);
	return EX_DATAERR;
}

/* A selector is one or more labels (RFC 6376 3.1); here one. */
static int
take_selector(const char *z, struct str *out)
{
	*out = str_of(z);
	if (out->n > 0 && out->n <= ADDR_LABEL_MAX && addr_domain_valid(*out) &&
	    str_chr(*out, '.') == out->n)
		return EX_OK;
	cli_say("%s is no selector: letters, digits and hyphens", z);
	return EX_DATAERR;
}

static const char *
folder_of(struct cli *c, struct str domain)
{
	return cli_z(c, arena_fmt(&c->arena, "%s/%.*s", cli_folder(c, "dkim"),
	    STR_ARG(domain)));
}

static int
open_folder(struct cli *c, struct str domain, bool make)
{
	const char *path = folder_of(c, domain);
	int fd;

	/* before master has made it; it checks the modes again */
	if (make && (cli_make_folders(c, cli_folder(c, "dkim"), 0700) != 0 ||
	    cli_make_folders(c, path, 0700) != 0)) {
		cli_say("%s: %s", path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		cli_say("%s: %s", path, errno == ENOENT ?
		    "no keys: make one with `veredus dkim new'" :
		    strerror(errno));
	return fd;
}

/* --- the record ---------------------------------------------------------- */

static void
put_value(struct buf *out, const struct key *k)
{
	buf_fmt(out, "v=DKIM1; k=%s; p=%s", keypair_name(k->type),
	    buf_cstr((struct buf *)(uintptr_t)&k->public));
}

static void
put_zone(struct buf *out, const struct key *k, struct str value)
{
	buf_fmt(out, "%.*s._domainkey.%.*s. IN TXT (", STR_ARG(k->selector),
	    STR_ARG(k->domain));
	for (size_t at = 0; at < value.n; at += TXT_STRING)
		buf_fmt(out, "\n\t\"%.*s\"", STR_ARG(str_sub(value, at,
		    TXT_STRING)));
	buf_z(out, " )\n");
}

static void
put_json(struct buf *out, const struct key *k, struct str value)
{
	struct buf row;

	buf_init(&row, 1 << 20);
	buf_c(&row, '{');
	cli_json_pair(&row, "domain", k->domain);
	cli_json_pair(&row, "selector", k->selector);
	cli_json_pair(&row, "key", str_of(keypair_name(k->type)));
	buf_fmt(&row, ",\"bits\":%u,\"name\":\"%.*s._domainkey.%.*s\"",
	    k->bits, STR_ARG(k->selector), STR_ARG(k->domain));
	cli_json_pair(&row, "record", value);
	buf_z(&row, "}\n");
	buf_add(out, buf_str(&row));
	buf_free(&row);
}

/* out: whatever the put_fn writes to; a struct buf of the verbs here. */
typedef void put_fn(struct cli *c, void *out, const struct key *k);

static void
put_record(struct cli *c, void *out, const struct key *k)
{
	struct buf value;

	buf_init(&value, 1 << 16);
	put_value(&value, k);
	if (c->json)
		put_json(out, k, buf_str(&value));
	else
		put_zone(out, k, buf_str(&value));
	buf_free(&value);
}

static void
put_row(struct cli *c, void *out, const struct key *k)
{
	if (c->json)
		put_record(c, out, k);
	else
		buf_fmt(out, "%-30.*s %-20.*s %s-%u\n", STR_ARG(k->domain),
		    STR_ARG(k->selector), keypair_name(k->type), k->bits);
}

/* --- reading ------------------------------------------------------------- */

static int
read_key(int folder, struct str domain, struct str selector, struct key *k)
{
	char file[ADDR_LABEL_MAX + sizeof(SUFFIX)];
	struct buf pem;
	int rc;

	(void)snprintf(file, sizeof(file), "%.*s" SUFFIX, STR_ARG(selector));
	*k = (struct key){ .domain = domain, .selector = selector };
	buf_init(&pem, KEYPAIR_PEM_MAX);
	buf_init(&k->public, 16384);
	rc = file_read_all(folder, file, &pem);
	if (rc == 0 && (rc = keypair_read(buf_str(&pem), &k->type, &k->bits,
	    &k->public)) != 0)
		cli_say("%.*s/%s: no private key", STR_ARG(domain), file);
	else if (rc != 0)
		cli_say("%.*s/%s: %s", STR_ARG(domain), file,
		    strerror(errno));
	buf_wipe(&pem);
	if (rc != 0)
		buf_free(&k->public);
	return rc == 0 ? EX_OK : errno == EACCES ? EX_NOPERM : EX_NOINPUT;
}

static int
put_one(struct cli *c, int folder, struct str domain, struct str selector,
    put_fn *put, void *out)
{
	struct key k;
	int code = read_key(folder, domain, selector, &k);

	if (code == EX_OK) {
		put(c, out, &k);
		buf_free(&k.public);
	}
	return code;
}

static int
is_key(const struct dirent *e)
{
	return e->d_name[0] != '.' && str_ends(str_of(e->d_name), SUFFIX) &&
	    strlen(e->d_name) <= ADDR_LABEL_MAX + sizeof(SUFFIX) - 1;
}

static int
is_shown(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
put_domain(struct cli *c, int folder, struct str domain, put_fn *put,
    void *out)
{
	struct dirent **e = NULL;
	int n = scandirat(folder, ".", &e, is_key, alphasort), code = EX_OK;

	for (int i = 0; i < n; i++) {
		struct str name = arena_str(&c->arena, str_of(e[i]->d_name));
		int one = put_one(c, folder, domain, str_sub(name, 0,
		    name.n - sizeof(SUFFIX) + 1), put, out);

		code = one != EX_OK ? one : code;
		free(e[i]);
	}
	free(e);
	return code;
}

/* --- verbs --------------------------------------------------------------- */

static int
make_file(int folder, const char *file, struct str pem)
{
	int fd = openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);

	if (fd < 0) {
		cli_say("%s: %s", file, errno == EEXIST ?
		    "there is a key of that selector" : strerror(errno));
		return errno == EEXIST ? EX_DATAERR : EX_CANTCREAT;
	}
	if (file_write(fd, pem) == 0 && fsync(fd) == 0 && close(fd) == 0 &&
	    fsync(folder) == 0)
		return EX_OK;
	cli_say("%s: %s", file, strerror(errno));
	(void)unlinkat(folder, file, 0);
	return EX_CANTCREAT;
}

static int
make_key(struct cli *c, int folder, struct str domain, struct str selector,
    enum keypair_type type)
{
	char file[ADDR_LABEL_MAX + sizeof(SUFFIX)];
	struct buf pem, out;
	int code = EX_OSERR;

	(void)snprintf(file, sizeof(file), "%.*s" SUFFIX, STR_ARG(selector));
	buf_init(&pem, KEYPAIR_PEM_MAX);
	buf_init(&out, OUT_MAX);
	if (keypair_make(type, RSA_BITS, &pem) != 0)
		cli_say("a key cannot be made");
	else
		code = make_file(folder, file, buf_str(&pem));
	buf_wipe(&pem);
	if (code == EX_OK)
		code = put_one(c, folder, domain, selector, put_record, &out);
	printf("%s", buf_cstr(&out));
	buf_free(&out);
	return code;
}

/* "v2611r": by month and type, so that the next ones are others. */
static struct str
default_selector(struct cli *c, enum keypair_type type)
{
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL)
		tm = (struct tm){ .tm_year = 100 };
	return arena_fmt(&c->arena, "v%02d%02d%c", tm.tm_year % 100,
	    tm.tm_mon + 1, type == KEYPAIR_RSA ? 'r' : 'e');
}

static int
make_keys(struct cli *c, int folder, struct str domain)
{
	struct str selector = STR("");
	enum keypair_type type = KEYPAIR_RSA;
	int code;

	if (c->type != NULL && strcmp(c->type, "ed25519") == 0)
		type = KEYPAIR_ED25519;
	else if (c->type != NULL && strcmp(c->type, "rsa") != 0) {
		cli_say("--type is rsa or ed25519");
		return EX_USAGE;
	}
	if (c->selector != NULL)
		return (code = take_selector(c->selector, &selector)) != EX_OK
		    ? code : make_key(c, folder, domain, selector, type);
	code = make_key(c, folder, domain, default_selector(c, type), type);
	if (code != EX_OK || c->type != NULL)
		return code;
	return make_key(c, folder, domain,
	    default_selector(c, KEYPAIR_ED25519), KEYPAIR_ED25519);
}

static int
verb_dkim_new(struct cli *c, int argc, char **argv)
{
	struct str domain;
	int code = cli_load(c), folder;

	if (code != EX_OK || (code = take_domain(c, argv[0], &domain)) != EX_OK)
		return code;
	if ((folder = open_folder(c, domain, true)) < 0)
		return errno == EACCES ? EX_NOPERM : EX_CANTCREAT;
	code = make_keys(c, folder, domain);
	(void)close(folder);
	if (code == EX_OK && !c->json)
		fprintf(stderr, "Publish this, then run `veredus reload': "
		    "the key signs from then on.\n");
	return code;
}

static int
verb_dkim_show(struct cli *c, int argc, char **argv)
{
	struct str domain, selector;
	struct buf out;
	int code = cli_load(c), folder;

	if (code != EX_OK || (code = take_domain(c, argv[0], &domain)) != EX_OK)
		return code;
	if (argc > 1 && (code = take_selector(argv[1], &selector)) != EX_OK)
		return code;
	if ((folder = open_folder(c, domain, false)) < 0)
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	buf_init(&out, OUT_MAX);
	code = argc > 1 ? put_one(c, folder, domain, selector, put_record, &out)
	    : put_domain(c, folder, domain, put_record, &out);
	printf("%s", buf_cstr(&out));
	buf_free(&out);
	(void)close(folder);
	return code;
}

/* All domains with keys, one after the other. */
typedef int domain_fn(struct cli *c, int folder, struct str domain,
    struct buf *out);

static int
each_domain(struct cli *c, domain_fn *fn, struct buf *out)
{
	struct dirent **e = NULL;
	int n = scandir(cli_folder(c, "dkim"), &e, is_shown, alphasort);
	int code = EX_OK;

	if (n < 0 && errno != ENOENT) {
		cli_say("%s: %s", cli_folder(c, "dkim"), strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	}
	for (int i = 0; i < n; i++) {
		struct str domain = arena_str(&c->arena, str_of(e[i]->d_name));
		int folder = addr_domain_valid(domain) ?
		    open_folder(c, domain, false) : -1, one;

		free(e[i]);
		if (folder < 0)
			continue;
		one = fn(c, folder, domain, out);
		code = one != EX_OK ? one : code;
		(void)close(folder);
	}
	free(e);
	return code;
}

static int
list_domain(struct cli *c, int folder, struct str domain, struct buf *out)
{
	return put_domain(c, folder, domain, put_row, out);
}

static int
verb_dkim_list(struct cli *c, int argc, char **argv)
{
	struct buf out;
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	buf_init(&out, OUT_MAX);
	code = each_domain(c, list_domain, &out);
	printf("%s", buf_cstr(&out));
	buf_free(&out);
	return code;
}

/* What master would refuse (master/dkim.c), and signd (an unreadable key is
 * said by read_key). */
static void
put_doubts(struct cli *c, void *out, const struct key *k)
{
	if (k->type == KEYPAIR_RSA && k->bits < 1024)
		cli_say("%.*s/%.*s" SUFFIX ": an RSA key has at least 1024 "
		    "bits", STR_ARG(k->domain), STR_ARG(k->selector));
}

static int
look_at_domain(struct cli *c, int folder, struct str domain, struct buf *out)
{
	struct dirent **e = NULL;
	int n = scandirat(folder, ".", &e, is_key, alphasort);
	struct stat st;

	for (int i = 0; i < n; i++) {
		if (fstatat(folder, e[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) !=
		    0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		    (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
			cli_say("%.*s/%s: not a file that is root's alone "
			    "(mode 0600): it will not be used",
			    STR_ARG(domain), e[i]->d_name);
		free(e[i]);
	}
	free(e);
	return put_domain(c, folder, domain, put_doubts, out);
}

/* Keys that cannot be used stop nothing else, so this only says so. */
void
dkim_look(struct cli *c)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	(void)each_domain(c, look_at_domain, &out);
	buf_free(&out);
}

struct each {
	dkim_key_fn	*fn;
	void		*arg;
};

static void
give(struct cli *c, void *each, const struct key *k)
{
	const struct each *e = each;

	e->fn(e->arg, k->selector, keypair_name(k->type), k->bits,
	    arena_str(&c->arena, buf_str(&k->public)));
}

int
dkim_each(struct cli *c, struct str domain, dkim_key_fn *fn, void *arg)
{
	struct each each = { .fn = fn, .arg = arg };
	int folder, code;

	if (faccessat(AT_FDCWD, folder_of(c, domain), F_OK, AT_EACCESS) != 0 &&
	    errno == ENOENT)
		return EX_OK;
	if ((folder = open_folder(c, domain, false)) < 0)
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	code = put_domain(c, folder, domain, give, &each);
	(void)close(folder);
	return code;
}

static int
verb_dkim_retire(struct cli *c, int argc, char **argv)
{
	char file[ADDR_LABEL_MAX + sizeof(SUFFIX RETIRED)];
	char aside[ADDR_LABEL_MAX + sizeof(SUFFIX RETIRED)];
	struct str domain, selector;
	int code = cli_load(c), folder;

	if (code != EX_OK ||
	    (code = take_domain(c, argv[0], &domain)) != EX_OK ||
	    (code = take_selector(argv[1], &selector)) != EX_OK)
		return code;
	if ((folder = open_folder(c, domain, false)) < 0)
		return errno == EACCES ? EX_NOPERM : EX_NOINPUT;
	(void)snprintf(file, sizeof(file), "%.*s" SUFFIX, STR_ARG(selector));
	(void)snprintf(aside, sizeof(aside), "%.*s" SUFFIX RETIRED,
	    STR_ARG(selector));
	if (renameat2(folder, file, folder, aside, RENAME_NOREPLACE) != 0 ||
	    fsync(folder) != 0) {
		cli_say("%s: %s", file, errno == ENOENT ?
		    "no such key" : strerror(errno));
		code = errno == ENOENT ? EX_NOINPUT : EX_CANTCREAT;
	} else if (!c->json) {
		fprintf(stderr, "Run `veredus reload'; leave its record in the "
		    "DNS for a week, for mail that is on its way.\n");
	}
	(void)close(folder);
	return code;
}

const struct verb dkim_verbs[] = {
	{ "dkim new", "DOMAIN [--selector S] [--type rsa|ed25519]", 1, 1,
	    verb_dkim_new, "a new key (without options one of each type)" },
	{ "dkim show", "DOMAIN [SELECTOR]", 1, 2, verb_dkim_show,
	    "the records to publish" },
	{ "dkim list", "", 0, 0, verb_dkim_list, "all keys" },
	{ "dkim retire", "DOMAIN SELECTOR", 2, 2, verb_dkim_retire,
	    "sign with it no more" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
