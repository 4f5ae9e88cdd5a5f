/* SPDX-License-Identifier: ISC */
/*
 * tools/sendmail.c - sendmail(8), mailq(1), newaliases(1): the classic door.
 *
 * Options are those that programs use; what an old option asks for and is
 * always so here (or has no meaning here) is taken and ignored.  Installed
 * with the group veredus-drop, which may only leave files in spool/maildrop;
 * with a configuration file of the caller's choice that group is given up.
 * mailq and newaliases are other names of this program and run veredus(8).
 */
#include "tools/sendmail.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/banned.h"

#define PATH_DEFAULT	VEREDUS_SYSCONF "/veredus.conf"

enum mode { MODE_SEND, MODE_SMTP, MODE_LIST, MODE_ALIASES, MODE_FLUSH };

struct options {
	enum mode	mode;
	struct compose	how;
	const char	*sender;	/* -f; NULL: who called us */
	const char	*conf_path;
};

static void
print_usage(FILE *f)
{
	fprintf(f,
	    "usage: sendmail [-ti] [-f SENDER] [-F NAME] [-B BODY] "
	    "[-C FILE] [RECIPIENT ...]\n"
	    "       sendmail -bs | -bp | -bi | -q\n"
	    "       mailq | newaliases\n"
	    "	-t	recipients are those of To, Cc and Bcc\n"
	    "	-i	a line with a dot alone does not end the message\n"
	    "	-f	envelope sender; <> is the null sender\n"
	    "	-F	full name, for a From field that is missing\n"
	    "	-B	7BIT or 8BITMIME; found out by itself\n"
	    "	-C	another configuration file\n"
	    "	-bs	speak SMTP on standard input and output\n"
	    "	-bp	list what waits (mailq)\n"
	    "	-bi	build the alias tables (newaliases)\n"
	    "	-q	have what waits in maildrop collected now\n"
	    "	-o, -N, -R, -V, -v, -A, -L, -m, -n, -U, -G, -h	taken and "
	    "ignored, but -oi (as -i)\n");
}

static enum mode
mode_of_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash == NULL ? argv0 : slash + 1;

	if (strcmp(name, "mailq") == 0)
		return MODE_LIST;
	return strcmp(name, "newaliases") == 0 ? MODE_ALIASES : MODE_SEND;
}

/* -bX */
static int
set_mode(struct options *o, const char *what)
{
	static const struct {
		char		letter;
		enum mode	mode;
	} rows[] = {
		{ 'm', MODE_SEND }, { 's', MODE_SMTP }, { 'p', MODE_LIST },
		{ 'i', MODE_ALIASES },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (what[0] == rows[i].letter && what[1] == '\0') {
			o->mode = rows[i].mode;
			return EX_OK;
		}
	cli_say("-b%s is not for this sendmail", what);
	return EX_USAGE;
}

static int
set_option(struct options *o, int letter, const char *arg)
{
	switch (letter) {
	case 'b':
		return set_mode(o, arg);
	case 't':
		o->how.from_header = true;
		break;
	case 'i':
		o->how.ignore_dots = true;
		break;
	case 'o':
		o->how.ignore_dots |= strcmp(arg, "i") == 0;
		break;
	case 'f':
	case 'r':
		o->sender = arg;
		break;
	case 'F':
		o->how.full_name = str_of(arg);
		break;
	case 'C':
		o->conf_path = arg;
		break;
	case 'q':	/* -q30m asked the daemon to run; it always does */
		o->mode = MODE_FLUSH;
		break;
	case '?':
		print_usage(stderr);
		return EX_USAGE;
	default:
		break;
	}
	return EX_OK;
}

static int
read_options(struct options *o, int argc, char **argv)
{
	int letter, code = EX_OK;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_usage(stdout);
		exit(EX_OK);
	}
	/* '+': what comes behind the first recipient is a recipient */
	while (code == EX_OK && (letter = getopt(argc, argv,
	    "+A:B:C:F:GL:N:R:UV:b:f:h:imno:q::r:tv")) != -1)
		code = set_option(o, letter, optarg);
	return code;
}

/* --- who sends ----------------------------------------------------------- */

static struct str
our_domain(struct cli *c)
{
	if (c->conf.site.origin.n > 0)
		return c->conf.site.origin;
	return c->conf.site.domains.n > 0 ? c->conf.site.domains.v[0]
	    : c->conf.site.hostname;
}

static struct str
with_domain(struct cli *c, struct str name)
{
	if (name.n == 0 || str_chr(name, '@') < name.n)
		return name;
	return arena_fmt(&c->arena, "%.*s@%.*s", STR_ARG(name),
	    STR_ARG(our_domain(c)));
}

static int
set_sender(struct cli *c, struct options *o, struct mail *m)
{
	const struct passwd *pw = getpwuid(getuid());
	struct str me = arena_fmt(&c->arena, "%s",
	    pw != NULL ? pw->pw_name : "nobody");
	struct str given = str_of(o->sender);

	if (pw != NULL && o->how.full_name.n == 0) {
		struct str gecos = str_of(pw->pw_gecos);

		o->how.full_name = arena_str(&c->arena,
		    str_until(&gecos, ','));
	}
	if (str_starts(given, "<") && str_ends(given, ">"))
		given = str_sub(given, 1, given.n - 2);
	m->sender = with_domain(c, o->sender == NULL ? me : given);
	o->how.sender_address = m->sender.n > 0 ? m->sender
	    : with_domain(c, me);
	if (address_is_clean(m->sender))
		return EX_OK;
	cli_say("the sender has bytes that no address has");
	return EX_DATAERR;
}

/* "joe, ann" in one argument is what some scripts give. */
static int
add_arguments(struct mail *m, char **argv)
{
	for (; *argv != NULL; argv++) {
		struct str rest = str_of(*argv);

		while (rest.n > 0) {
			struct str one = str_trim(str_until(&rest, ','));

			if (str_starts(one, "<") && str_ends(one, ">"))
				one = str_sub(one, 1, one.n - 2);
			if (one.n > 0 && mail_add_recipient(m, one) != 0) {
				cli_say("cannot send to %s", *argv);
				return EX_DATAERR;
			}
		}
	}
	return EX_OK;
}

static int
send_or_leave(struct cli *c, struct mail *m)
{
	enum submit_result r;
	struct buf said;
	int code = EX_OK;

	buf_init(&said, 1 << 20);
	r = submit_mail(c, m, &said);
	if (r != SUBMIT_LATER && said.len > 0) {
		struct str text = buf_str(&said), line;

		while (str_line(&text, &line))
			cli_say("%.*s", STR_ARG(line));
		code = EX_NOUSER;
	}
	buf_free(&said);
	if (r == SUBMIT_LATER || (r == SUBMIT_DONE && m->n_to > 0)) {
		/* a file that is not understood may mean another spool */
		int left = cli_load(c);

		if (left == EX_OK)
			left = drop_mail(c, m);
		return left != EX_OK ? left : code;
	}
	return code;
}

static int
send_mail(struct cli *c, struct options *o, char **argv)
{
	static struct mail m;
	int code;

	if ((code = set_sender(c, o, &m)) != EX_OK ||
	    (code = add_arguments(&m, argv)) != EX_OK ||
	    (code = compose_mail(c, stdin, &o->how, &m)) != EX_OK)
		return code;
	if (m.n_to == 0) {
		cli_say("no recipients");
		return EX_USAGE;
	}
	code = send_or_leave(c, &m);
	buf_free(&m.content);
	return code;
}

/* --- other modes --------------------------------------------------------- */

static int
run_veredus(struct cli *c, const char *first, const char *second)
{
	const char *programs = secure_getenv("VEREDUS_PROGRAMS");
	const char *path = cli_z(c, arena_fmt(&c->arena, "%s/veredus",
	    programs != NULL ? programs : VEREDUS_SBIN));
	const char *argv[] = { "veredus", "-c", c->conf_path, first, second,
	    NULL };

	(void)fflush(stdout);
	execv(path, (char *const *)(uintptr_t)argv);
	cli_say("%s: %s", path, strerror(errno));
	return EX_OSFILE;
}

static int
list(struct cli *c)
{
	int waiting = drop_count(c);

	if (waiting > 0)
		printf("%d waiting in maildrop for the suite to start\n",
		    waiting);
	return run_veredus(c, "queue", "list");
}

static int
run(struct cli *c, struct options *o, char **argv)
{
	int code = cli_find(c);

	if (code != EX_OK)
		return code;
	switch (o->mode) {
	case MODE_SEND:
		return send_mail(c, o, argv);
	case MODE_SMTP:
		return submit_proxy(c);
	case MODE_LIST:
		return list(c);
	case MODE_ALIASES:
		return run_veredus(c, "table", "build");
	case MODE_FLUSH:
		return drop_flush(c);
	}
	return EX_SOFTWARE;
}

int
main(int argc, char **argv)
{
	static struct cli c = { .conf_path = PATH_DEFAULT };
	const char *conf = secure_getenv("VEREDUS_CONF");
	struct options o = { .conf_path = conf };
	int code;

	o.mode = mode_of_name(argv[0]);
	if ((code = read_options(&o, argc, argv)) != EX_OK)
		return code;
	if (o.conf_path != NULL) {
		c.conf_path = o.conf_path;
		/* a file of theirs must not lead our group elsewhere */
		if (setregid(getgid(), getgid()) != 0)
			return EX_OSERR;
	}
	arena_init(&c.arena, 64u << 20);
	code = run(&c, &o, argv + optind);
	arena_free(&c.arena);
	return code;
}
