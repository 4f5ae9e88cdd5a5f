/* SPDX-License-Identifier: ISC */
/*
 * tools/cli.h - what the verbs of veredus(8) share.
 *
 * Exit codes are those of sysexits.h: 0 done, 64 wrong usage, 65 bad input,
 * 66 no such thing, 69 the suite does not run, 73 cannot write, 75 try
 * later, 77 not allowed, 78 bad configuration file.
 */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <sys/types.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/file.h"
#include "tools/json.h"

struct cli {
	const char	*conf_path;	/* -c, or the compiled-in place */
	bool		json;		/* --json */
	bool		trace;		/* --trace */
	bool		quiet;		/* control_ask prints nothing of an answer */
	const char	*selector, *type; /* --selector, --type; NULL: not given */
	int		wait_ms;	/* --timeout: for a line of an answer;
					 * 0: the verb's own, or two minutes */
	enum { CLI_UNREAD, CLI_WRONG, CLI_GOOD } state; /* of the file */
	struct conf_file file;
	struct conf	conf;
	struct arena	arena;		/* freed when the program ends */
};

typedef int verb_fn(struct cli *c, int argc, char **argv);

struct verb {
	const char	*name;		/* "queue list": one or two words */
	const char	*args;		/* for the usage line */
	int		min, max;	/* arguments behind the name */
	verb_fn		*run;
	const char	*text;		/* one line */
};

extern const struct verb service_verbs[], account_verbs[], alias_verbs[],
    domain_verbs[], mail_verbs[], dkim_verbs[];

/* Reads and checks the file; on errors prints them all and returns 78. */
int	cli_load(struct cli *c) MUST_CHECK;
/* The same for who only looks for the running suite, or for maildrop: a file
 * with errors will do, as far as it can be understood.  An operator who has
 * begun to change it must be able to stop what runs, and cron to send. */
int	cli_find(struct cli *c) MUST_CHECK;
/* Path of a folder setting, made absolute; folder "users" defaults to
 * state/users and so on. */
const char *cli_folder(struct cli *c, const char *which);
/* mkdir -p, so that accounts and tables can be made before the first start;
 * mode is that of the last one. */
int	cli_make_folders(struct cli *c, const char *path, mode_t mode)
	    MUST_CHECK;
/* A complaint on standard error, "PROGRAM: ...". */
void	cli_say(const char *fmt, ...) PRINTF(1, 2);

/* Says what master and signd would refuse of the DKIM keys; dkim.c. */
void	dkim_look(struct cli *c);
/* The keys of a domain; public is what stands behind p=.  EX_NOPERM, and a
 * complaint, when they are not ours to read; none at all is EX_OK. */
typedef void dkim_key_fn(void *arg, struct str selector, const char *type,
	    unsigned bits, struct str public);
int	dkim_each(struct cli *c, struct str domain, dkim_key_fn *fn, void *arg)
	    MUST_CHECK;
/* Says which folder lies where a power cut may lose what was flushed; disk.c. */
void	disk_look(struct cli *c);

/* --- the control socket (doc/control.md) --------------------------------- */

typedef void control_row_fn(struct cli *c, const struct json_row *r,
	    void *arg);
/* Asks one question (words are quoted as needed), calls on_row for each row
 * (or prints it as it is with --json; on_row is called then too if there is
 * an arg), says the text of the end when there
 * is one.  Returns an exit code. */
int	control_ask(struct cli *c, const char *const *words, size_t n,
	    control_row_fn *on_row, void *arg);
/* Is somebody there? */
bool	control_alive(struct cli *c);

/* --- small things for printing ------------------------------------------- */

/* "2026-11-26 18:02:03" local time; in the arena. */
const char *cli_time(struct cli *c, int64_t ms);
/* "3m", "2h 5m", "4d": a length of time for people. */
const char *cli_age(struct cli *c, int64_t ms);
const char *cli_z(struct cli *c, struct str s);	/* never NULL */
/* What others said: each line as it came, what is no printable ASCII as \xHH,
 * for a terminal obeys more than one would think. */
void	cli_lines(struct str text, const char *indent);
void	cli_json_pair(struct buf *b, const char *key, struct str value);

#endif
