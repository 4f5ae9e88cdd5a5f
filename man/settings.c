/* SPDX-License-Identifier: ISC */
/*
 * man/settings.c - writes veredus.conf(5): the frame of veredus.conf.5.in
 * with an item for each row of conf/params.h, so that page and program
 * cannot differ.  Run by make; not installed.
 */
#include <stdio.h>
#include <string.h>

#include "conf/params.h"

#include "base/attr.h"

static const struct row {
	const char	*path, *kind, *dflt, *min, *max, *text;
} rows[] = {
#define P(member, kind, path, dflt, min, max, who, text) \
	{ path, #kind, dflt, min, max, text },
#define S(section) PARAMS_##section(P)
	PARAM_SECTIONS(S)
#undef S
#undef P
};

static const struct {
	const char	*list, *name, *shape, *text;
} options[] = {
#define O(list, name, shape, text) { list, name, shape, text },
	PARAM_OPTIONS(O)
#undef O
};

/* A period or quote at the start of a line would be a request of roff; each
 * line here begins with a letter or "\&". */
static void
put_text(const char *text)
{
	printf("\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			printf("\\e");
		else if (*text == '-')
			printf("\\-");
		else
			putchar(*text);
	}
	putchar('\n');
}

static void
put_bounds(const struct row *r)
{
	if (strcmp(r->kind, "word") == 0)
		printf("One of: %s.\n", r->min);
	else if (r->max[0] != '\0')
		printf("From %s to %s.\n", r->min, r->max);
	else if (r->min[0] != '\0')
		printf("Value: %s.\n", r->min);
	if (strcmp(r->kind, "list") == 0)
		printf("May be given more than once.\n");
	if (r->dflt[0] != '\0') {
		printf("Default: ");
		put_text(r->dflt);
	}
}

static void
put_settings(void)
{
	for (size_t i = 0; i < NITEMS(rows); i++) {
		printf(".It Cm %s Ar %s\n", rows[i].path, rows[i].kind);
		put_text(rows[i].text);
		put_bounds(&rows[i]);
		for (size_t o = 0; o < NITEMS(options); o++) {
			if (strcmp(options[o].list, rows[i].path) != 0)
				continue;
			printf(".Pp\nOption in its block:\n.Cm %s Ar %s\n.br\n",
			    options[o].name, options[o].shape);
			put_text(options[o].text);
		}
	}
}

int
main(int argc, char **argv)
{
	char line[1024];
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (f == NULL) {
		perror("settings");
		return 1;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, "@settings@\n") == 0)
			put_settings();
		else
			fputs(line, stdout);
	}
	return fclose(f) != 0 || fflush(stdout) != 0;
}
