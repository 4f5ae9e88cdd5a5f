/* SPDX-License-Identifier: ISC */
/*
 * tools/cli.c - what the verbs share: the configuration, folders, times.
 */
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/file.h"

#include "base/banned.h"

void
cli_say(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);	/* what was found before what was wrong */
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int
parse(struct cli *c, struct str text)
{
	struct why why;
	bool ok = conf_file_parse(&c->file, text) == 0;

	conf_init(&c->conf);
	for (struct conf_set *s = c->file.rows; s != NULL; s = s->next)
		if (conf_row(&c->conf, s->path, s->value, &why) != 0 && ok) {
			conf_file_error(&c->file, s->line, s->col, "%s",
			    why.text);
			ok = false;
		}
	return ok ? EX_OK : EX_CONFIG;
}

static int
read_file(struct cli *c, struct buf *text)
{
	int fd = open(c->conf_path, O_RDONLY | O_CLOEXEC), rc = FAIL_TEMP;

	buf_init(text, CONF_FILE_MAX);
	if (fd >= 0) {
		rc = file_read_fd(fd, text);
		(void)close(fd);
	}
	if (rc == 0)
		return EX_OK;
	cli_say("%s: %s", c->conf_path, rc == FAIL_TOO_BIG ?
	    "too big" : strerror(errno));
	return EX_CONFIG;
}

int
cli_find(struct cli *c)
{
	static struct buf text;	/* rows point into it */
	int code;

	if (c->state != CLI_UNREAD)
		return EX_OK;
	if ((code = read_file(c, &text)) != EX_OK)
		return code;
	c->state = parse(c, buf_str(&text)) == EX_OK ? CLI_GOOD : CLI_WRONG;
	return EX_OK;
}

int
cli_load(struct cli *c)
{
	struct buf errors;
	int code = cli_find(c);

	if (code != EX_OK || c->state == CLI_GOOD)
		return code;
	buf_init(&errors, 1 << 20);
	conf_file_errors(&c->file, c->conf_path, &errors);
	fprintf(stderr, "%s", buf_cstr(&errors));
	buf_free(&errors);
	return EX_CONFIG;
}

const char *
cli_z(struct cli *c, struct str s)
{
	const char *z = str_z(&c->arena, s);

	return z != NULL ? z : "";
}

static const char *
absolute(struct cli *c, struct str path)
{
	const char *slash = strrchr(c->conf_path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - c->conf_path) + 1;

	if (path.n > 0 && path.p[0] == '/')
		return cli_z(c, path);
	return cli_z(c, arena_fmt(&c->arena, "%.*s%.*s", (int)n, c->conf_path,
	    STR_ARG(path)));
}

const char *
cli_folder(struct cli *c, const char *which)
{
	const struct { const char *name; struct str path; } folders[] = {
		{ "run", c->conf.master.run }, { "state", c->conf.master.state },
		{ "spool", c->conf.master.spool },
		{ "mail", c->conf.master.mail }, { "log", c->conf.master.log },
		{ "users", c->conf.master.users },
		{ "tables", c->conf.master.tables },
		{ "dkim", c->conf.master.dkim },
	};

	for (size_t i = 0; i < NITEMS(folders); i++)
		if (str_same(str_of(which), folders[i].name) &&
		    folders[i].path.n > 0)
			return absolute(c, folders[i].path);
	return cli_z(c, arena_fmt(&c->arena, "%s/%s", cli_folder(c, "state"),
	    which));
}

int
cli_make_folders(struct cli *c, const char *path, mode_t mode)
{
	char *z = arena_get(&c->arena, strlen(path) + 1);

	if (z == NULL)
		return FAIL_TOO_BIG;
	memcpy(z, path, strlen(path));
	for (char *slash = z; (slash = strchr(slash + 1, '/')) != NULL;) {
		*slash = '\0';
		if (mkdir(z, 0755) != 0 && errno != EEXIST)
			return FAIL_TEMP;
		*slash = '/';
	}
	return mkdir(z, mode) == 0 || errno == EEXIST ? 0 : FAIL_TEMP;
}

const char *
cli_time(struct cli *c, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	if (ms == 0 || localtime_r(&t, &tm) == NULL)
		return "-";
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return cli_z(c, arena_fmt(&c->arena, "%s", text));
}

const char *
cli_age(struct cli *c, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;
	struct str t;

	if (s < 60)
		t = arena_fmt(&c->arena, "%" PRId64 "s", s);
	else if (s < 3600)
		t = arena_fmt(&c->arena, "%" PRId64 "m", s / 60);
	else if (s < 86400)
		t = arena_fmt(&c->arena, "%" PRId64 "h %" PRId64 "m", s / 3600,
		    s / 60 % 60);
	else
		t = arena_fmt(&c->arena, "%" PRId64 "d %" PRId64 "h", s / 86400,
		    s / 3600 % 24);
	return cli_z(c, t);
}

void
cli_lines(struct str text, const char *indent)
{
	struct str line;

	while (str_line(&text, &line)) {
		printf("%s", indent);
		for (size_t i = 0; i < line.n; i++)
			if (line.p[i] >= 32 && line.p[i] < 127)
				putchar(line.p[i]);
			else
				printf("\\x%02X", line.p[i]);
		putchar('\n');
	}
}

void
cli_json_pair(struct buf *b, const char *key, struct str value)
{
	buf_fmt(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
	enc_json(b, value);
}
