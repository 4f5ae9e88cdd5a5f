/* SPDX-License-Identifier: ISC */
/*
 * tools/account.c - verbs about accounts and domains: user list, add,
 * passwd, rm; domain list.
 *
 * The users file has a line an account, `address:hash:id:home'.  It is
 * written beside and renamed, under a lock, and takes effect at once:
 * authd and routed notice the new file at their next look-up.  Lines this
 * program does not understand are kept as they are.
 */
#include "tools/cli.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/file.h"

#include "base/banned.h"

#define USERS_MAX	(256u << 20)
#define PASSWORD_MAX	512

struct users {
	int		dir, lock;
	struct buf	old, new;
	uint64_t	next_id;
};

/* One line of the file. */
struct user {
	struct str	address, hash, id, home;
};

static bool
user_of_line(struct str line, struct user *u)
{
	if (line.n == 0 || line.p[0] == '#')
		return false;
	u->address = str_until(&line, ':');
	u->hash = str_until(&line, ':');
	u->id = str_until(&line, ':');
	u->home = line;
	return u->address.n > 0;
}

/* As master will set it: authd's group reads, and files made here inherit
 * it.  Before the first start nobody else has done that. */
static void
give_to_readers(struct cli *c, int dir)
{
	const char *name = cli_z(c, arena_fmt(&c->arena, "%.*sauthd",
	    STR_ARG(c->conf.master.user_prefix)));
	const struct passwd *pw = getpwnam(name);
	uint32_t base = c->conf.master.uid_base;
	gid_t gid = base != 0 ? base + AUTHD : pw != NULL ? pw->pw_gid : 0;

	if (geteuid() == 0 && gid != 0 && fchown(dir, 0, gid) == 0 &&
	    fchmod(dir, 02750) != 0)
		cli_say("users: %s", strerror(errno));
}

static int
users_open(struct cli *c, struct users *u)
{
	const char *path = cli_folder(c, "users");
	int rc;

	if (cli_make_folders(c, path, 0750) != 0 ||
	    (u->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	    (u->lock = openat(u->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC,
	    0600)) < 0 || flock(u->lock, LOCK_EX) != 0) {
		cli_say("%s: %s", path, strerror(errno));
		return errno == EACCES ? EX_NOPERM : EX_CANTCREAT;
	}
	give_to_readers(c, u->dir);
	buf_init(&u->old, USERS_MAX);
	buf_init(&u->new, USERS_MAX);
	u->next_id = 1;
	rc = file_read_all(u->dir, "users", &u->old);
	if (rc == 0 || rc == FAIL_GONE)
		return EX_OK;
	cli_say("%s/users: %s", path, strerror(errno));
	return EX_NOINPUT;
}

static void
users_close(struct users *u)
{
	buf_free(&u->old);
	buf_free(&u->new);
	(void)close(u->lock);
	(void)close(u->dir);
}

/* The folder's group (authd's) reads the file, nobody else does. */
static int
users_write(struct users *u)
{
	int rc = buf_failed(&u->new) ? FAIL_TOO_BIG :
	    file_replace(u->dir, "users", buf_str(&u->new), 0640);

	if (rc == 0)
		return EX_OK;
	cli_say("users: %s", rc == FAIL_TOO_BIG ? "too many accounts" :
	    strerror(errno));
	return EX_CANTCREAT;
}

/* Copies all lines but those of `but`; true when there was one.  hash_out
 * and the other parts are of that line. */
static bool
copy_lines(struct users *u, struct str but, struct user *found_out)
{
	struct str text = buf_str(&u->old), line;
	struct user one;
	bool found = false;

	while (str_line(&text, &line)) {
		uint64_t id;
		bool is_user = user_of_line(line, &one);

		if (is_user && str_u64(one.id, UINT32_MAX, &id) &&
		    id >= u->next_id)
			u->next_id = id + 1;
		if (is_user && str_ieq(one.address, but)) {
			*found_out = one;
			found = true;
			continue;
		}
		buf_add(&u->new, line);
		buf_c(&u->new, '\n');
	}
	return found;
}

/* --- passwords ----------------------------------------------------------- */

static bool
is_terminal_quiet(struct termios *old)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, old) != 0)
		return false;
	t = *old;
	t.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "password: ");
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0;
}

/* One line of standard input; never from the command line, where ps shows
 * it. */
static int
read_password(char out[PASSWORD_MAX])
{
	struct termios old;
	bool quiet = is_terminal_quiet(&old);
	size_t n = 0;
	char ch;

	while (read(STDIN_FILENO, &ch, 1) == 1 && ch != '\n')
		if (n < PASSWORD_MAX)
			out[n++] = ch;
	if (quiet) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	if (n > 0 && n < PASSWORD_MAX && memchr(out, 0, n) == NULL) {
		out[n] = '\0';
		return EX_OK;
	}
	cli_say("the password is read from standard input: one line, 1 to %d "
	    "bytes", PASSWORD_MAX - 1);
	return EX_DATAERR;
}

static int
hash_password(char out[CRYPT_OUTPUT_SIZE])
{
	static struct crypt_data data;
	char password[PASSWORD_MAX], setting[CRYPT_GENSALT_OUTPUT_SIZE], *hash;
	int code = read_password(password);

	if (code != EX_OK)
		return code;
	hash = crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting))
	    != NULL ? crypt_r(password, setting, &data) : NULL;
	explicit_bzero(password, sizeof(password));
	if (hash == NULL || hash[0] == '*') {
		cli_say("crypt: %s", strerror(errno));
		return EX_OSERR;
	}
	(void)snprintf(out, CRYPT_OUTPUT_SIZE, "%s", hash);
	explicit_bzero(&data, sizeof(data));
	return EX_OK;
}

/* --- verbs --------------------------------------------------------------- */

/* Lower case, with a domain of ours, and nothing that would break a line of
 * the file or a path. */
static int
check_address(struct cli *c, const char *z, struct str *out)
{
	const struct strs *domains = &c->conf.site.domains;
	struct str s = arena_lower(&c->arena, str_of(z));
	bool ours = str_iamong(str_from(s, str_rchr(s, '@') + 1), domains->v,
	    domains->n);

	if (s.p == NULL || s.n > 320)
		return EX_DATAERR;
	*out = s;
	if (str_chr(*out, '@') == 0 || !str_is_print(*out) ||
	    str_chr(*out, ':') < out->n || str_chr(*out, '/') < out->n ||
	    str_chr(*out, ' ') < out->n || out->p[0] == '.') {
		cli_say("%s is no address for an account", z);
		return EX_DATAERR;
	}
	if (!ours) {
		cli_say("%s: no such domain here (domains are settings)", z);
		return EX_DATAERR;
	}
	return EX_OK;
}

static int
change(struct cli *c, const char *address, bool is_new, bool is_removal)
{
	char hash[CRYPT_OUTPUT_SIZE] = "";
	struct user was = { .address = { NULL, 0 } };
	struct users u;
	struct str name;
	bool found;
	int code = cli_load(c);

	if (code != EX_OK || (code = check_address(c, address, &name)) != EX_OK)
		return code;
	if (!is_removal && (code = hash_password(hash)) != EX_OK)
		return code;
	if ((code = users_open(c, &u)) != EX_OK)
		return code;
	found = copy_lines(&u, name, &was);
	if (found == is_new) {
		cli_say(found ? "%s exists already" : "%s: no such account",
		    address);
		code = found ? EX_DATAERR : EX_NOINPUT;
	} else {
		if (!is_removal && found)
			buf_fmt(&u.new, "%.*s:%s:%.*s:%.*s\n", STR_ARG(name),
			    hash, STR_ARG(was.id), STR_ARG(was.home));
		else if (!is_removal)
			buf_fmt(&u.new, "%.*s:%s:%" PRIu64 ":\n", STR_ARG(name),
			    hash, u.next_id);
		code = users_write(&u);
	}
	users_close(&u);
	return code;
}

static int
verb_user_add(struct cli *c, int argc, char **argv)
{
	return change(c, argv[0], true, false);
}

static int
verb_user_passwd(struct cli *c, int argc, char **argv)
{
	return change(c, argv[0], false, false);
}

static int
verb_user_rm(struct cli *c, int argc, char **argv)
{
	return change(c, argv[0], false, true);
}

static int
verb_user_list(struct cli *c, int argc, char **argv)
{
	struct str text, line;
	struct users u;
	struct user one;
	struct buf out;
	int code = cli_load(c);

	if (code != EX_OK || (code = users_open(c, &u)) != EX_OK)
		return code;
	buf_init(&out, USERS_MAX);
	for (text = buf_str(&u.old); str_line(&text, &line);) {
		if (!user_of_line(line, &one))
			continue;
		if (!c->json) {
			buf_fmt(&out, "%.*s\n", STR_ARG(one.address));
			continue;
		}
		buf_z(&out, "{\"address\":");
		enc_json(&out, one.address);
		buf_fmt(&out, ",\"id\":%.*s,\"home\":", STR_ARG(one.id.n > 0 ?
		    one.id : STR("0")));
		enc_json(&out, one.home);
		buf_z(&out, "}\n");
	}
	printf("%s", buf_cstr(&out));
	buf_free(&out);
	users_close(&u);
	return EX_OK;
}

static int
verb_domain_list(struct cli *c, int argc, char **argv)
{
	struct buf out;
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; i < c->conf.site.domains.n; i++) {
		struct str name = c->conf.site.domains.v[i];

		if (c->json) {
			buf_z(&out, "{\"domain\":");
			enc_json(&out, name);
			buf_z(&out, "}\n");
		} else
			buf_fmt(&out, "%.*s\n", STR_ARG(name));
	}
	printf("%s", buf_cstr(&out));
	buf_free(&out);
	return EX_OK;
}

const struct verb account_verbs[] = {
	{ "user list", "", 0, 0, verb_user_list, "all accounts" },
	{ "user add", "ADDRESS", 1, 1, verb_user_add,
	    "a new account; its password comes from standard input" },
	{ "user passwd", "ADDRESS", 1, 1, verb_user_passwd,
	    "a new password, from standard input" },
	{ "user rm", "ADDRESS", 1, 1, verb_user_rm,
	    "no more logins and deliveries; mail stays on the disk" },
	{ "domain list", "", 0, 0, verb_domain_list, "domains served here" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
