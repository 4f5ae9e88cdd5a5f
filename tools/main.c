/* SPDX-License-Identifier: ISC */
/*
 * tools/main.c - veredus(8): the operator's one command.  A verb is a row of
 * a table in service.c, account.c, alias.c, mail.c, domain.c or dkim.c; this
 * file knows none of them.
 */
#include "tools/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/banned.h"

#define PATH_DEFAULT	VEREDUS_SYSCONF "/veredus.conf"

static const struct {
	const char	*title;
	const struct verb *verbs;
} groups[] = {
	{ "the suite", service_verbs },
	{ "accounts", account_verbs },
	{ "aliases", alias_verbs },
	{ "mail", mail_verbs },
	{ "domains", domain_verbs },
	{ "DKIM keys", dkim_verbs },
};

static void
print_usage(FILE *f)
{
	fprintf(f, "usage: veredus [-c FILE] [--json] VERB ...\n"
	    "	-c FILE		configuration (" PATH_DEFAULT ")\n"
	    "	--json		one JSON object a row, where something is "
	    "listed\n"
	    "	--timeout S	wait so many seconds for an answer\n"
	    "	--help, --version\n");
	for (size_t g = 0; g < NITEMS(groups); g++) {
		fprintf(f, "\n%s\n", groups[g].title);
		for (const struct verb *v = groups[g].verbs; v->name; v++) {
			int n = fprintf(f, "  %s %s", v->name, v->args);

			fprintf(f, "%*s%s\n", n < 40 ? 40 - n : 1, "", v->text);
		}
	}
}

/* How many words of argv the name of the verb takes; 0: another verb. */
static int
words_matched(const struct verb *v, int argc, char **argv)
{
	const char *blank = strchr(v->name, ' ');
	size_t first = blank == NULL ? strlen(v->name) :
	    (size_t)(blank - v->name);

	if (argc < 1 || strlen(argv[0]) != first ||
	    strncmp(argv[0], v->name, first) != 0)
		return 0;
	if (blank == NULL)
		return 1;
	return argc > 1 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

/* `check domain' before `check', which would take the word for a file. */
static const struct verb *
find(int argc, char **argv, int *taken_out)
{
	const struct verb *best = NULL;

	*taken_out = 0;
	for (size_t g = 0; g < NITEMS(groups); g++)
		for (const struct verb *v = groups[g].verbs; v->name; v++) {
			int n = words_matched(v, argc, argv);

			if (n > *taken_out) {
				*taken_out = n;
				best = v;
			}
		}
	return best;
}

static int
run(struct cli *c, int argc, char **argv)
{
	int taken = 0;
	const struct verb *v = find(argc, argv, &taken);

	if (v == NULL) {
		if (argc > 0)
			cli_say("no such verb: %s%s%s", argv[0],
			    argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
		print_usage(stderr);
		return EX_USAGE;
	}
	argc -= taken;
	argv += taken;
	if (argc < v->min || argc > v->max) {
		fprintf(stderr, "usage: veredus %s %s\n", v->name, v->args);
		return EX_USAGE;
	}
	return v->run(c, argc, argv);
}

static bool
take_timeout(struct cli *c, const char *seconds)
{
	uint64_t n;

	if (!str_u64(str_of(seconds), 3600, &n) || n == 0) {
		cli_say("--timeout: seconds, 1 to 3600");
		return false;
	}
	c->wait_ms = (int)n * 1000;
	return true;
}

int
main(int argc, char **argv)
{
	static const struct option words[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "json", no_argument, NULL, 'j' },
		{ "trace", no_argument, NULL, 'T' },
		{ "selector", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 't' },
		{ "timeout", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	static struct cli c = { .conf_path = PATH_DEFAULT };
	int o, code;

	arena_init(&c.arena, 64u << 20);
	/* also behind the verb, where people type it */
	while ((o = getopt_long(argc, argv, "c:hj", words, NULL)) != -1) {
		if (o == 'c')
			c.conf_path = optarg;
		else if (o == 'j')
			c.json = true;
		else if (o == 'T')
			c.trace = true;
		else if (o == 's')
			c.selector = optarg;
		else if (o == 't')
			c.type = optarg;
		else if (o == 'w') {
			if (!take_timeout(&c, optarg))
				return EX_USAGE;
		} else if (o == 'V') {
			printf("veredus %s\n", VEREDUS_VERSION);
			return EX_OK;
		} else {
			print_usage(o == 'h' ? stdout : stderr);
			return o == 'h' ? EX_OK : EX_USAGE;
		}
	}
	code = run(&c, argc - optind, argv + optind);
	if (fflush(stdout) != 0 && code == EX_OK)
		code = EX_IOERR;
	arena_free(&c.arena);
	return code;
}
