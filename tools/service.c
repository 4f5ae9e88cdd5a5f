/* SPDX-License-Identifier: ISC */
/*
 * tools/service.c - verbs about the suite as a whole: start, stop, reload,
 * status, check, config show.
 */
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

#include "base/banned.h"

#define STOP_WAIT_MS	60000

/* Uninstalled, VEREDUS_PROGRAMS names one folder with veredus-master and the
 * daemons. */
static const char *
programs(const char *installed)
{
	const char *z = getenv("VEREDUS_PROGRAMS");

	return z != NULL ? z : installed;
}

#define ARGS_MAX	8

static const char *
master_args(struct cli *c, const char *flag, const char *argv[ARGS_MAX])
{
	size_t n = 0;

	argv[n++] = "veredus-master";
	argv[n++] = "-c";
	argv[n++] = c->conf_path;
	argv[n++] = "-L";
	argv[n++] = programs(VEREDUS_LIBEXEC);
	if (flag != NULL)
		argv[n++] = flag;
	argv[n] = NULL;
	return cli_z(c, arena_fmt(&c->arena, "%s/veredus-master",
	    programs(VEREDUS_SBIN)));
}

static int
become_master(struct cli *c, const char *flag)
{
	const char *argv[ARGS_MAX], *path = master_args(c, flag, argv);

	execv(path, (char *const *)(uintptr_t)argv);
	cli_say("%s: %s", path, strerror(errno));
	return EX_OSFILE;
}

/* Returns when it serves, or has said why not. */
static int
spawn_master(struct cli *c)
{
	const char *argv[ARGS_MAX], *path = master_args(c, NULL, argv);
	int status, err;
	pid_t pid;

	err = posix_spawn(&pid, path, NULL, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	if (err != 0) {
		cli_say("%s: %s", path, strerror(err));
		return EX_OSFILE;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

static int
verb_start(struct cli *c, int argc, char **argv)
{
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	if (argc == 1 && strcmp(argv[0], "foreground") != 0) {
		cli_say("start what? only `foreground' may follow");
		return EX_USAGE;
	}
	if (control_alive(c)) {
		cli_say("runs already");
		return EX_OK;
	}
	return argc == 1 ? become_master(c, "-f") : spawn_master(c);
}

static pid_t
pid_of_master(struct cli *c)
{
	struct str z = c->conf.master.pid_file;
	const char *path = z.n > 0 ? cli_z(c, z) : cli_z(c,
	    arena_fmt(&c->arena, "%s/master.pid", cli_folder(c, "run")));
	FILE *f = fopen(path, "re");
	int pid = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &pid) != 1 || pid <= 1 || kill(pid, 0) != 0)
		pid = 0;
	(void)fclose(f);
	return pid;
}

static int
verb_stop(struct cli *c, int argc, char **argv)
{
	const struct timespec step = { .tv_nsec = 50 * 1000 * 1000 };
	int code = cli_find(c);
	pid_t pid;

	if (code != EX_OK)
		return code;
	if ((pid = pid_of_master(c)) == 0) {
		if ((code = cli_load(c)) == EX_OK)
			cli_say("does not run");
		return code;	/* EX_OK: what was asked for holds */
	}
	if (kill(pid, SIGTERM) != 0) {
		cli_say("cannot stop process %d: %s", (int)pid,
		    strerror(errno));
		return EX_NOPERM;
	}
	for (int ms = 0; ms < STOP_WAIT_MS; ms += 50) {
		if (kill(pid, 0) != 0)
			return EX_OK;
		(void)nanosleep(&step, NULL);
	}
	cli_say("process %d still runs", (int)pid);
	return EX_TEMPFAIL;
}

static int
verb_reload(struct cli *c, int argc, char **argv)
{
	const char *words[] = { "reload" };
	int code = control_ask(c, words, 1, NULL, NULL);

	/* master refuses for good only what is in the file */
	return code == EX_UNAVAILABLE && control_alive(c) ? EX_CONFIG : code;
}

/* A counter of resolvd that an operator must not read over. */
static bool
say_resolver_down(struct str stat, struct str seconds)
{
	if (!str_starts(stat, "down "))
		return false;
	printf("    resolver %.*s has been down for %.*s s; others are "
	    "asked, or mail waits\n", STR_ARG(str_from(stat, 5)), STR_ARG(seconds));
	return true;
}

static void
status_line(struct cli *c, const struct json_row *r, void *arg)
{
	int64_t since = json_num(r, "since_ms");

	if (say_resolver_down(json_get(r, "stat"), json_get(r, "value")))
		return;
	if (json_get(r, "stat").n > 0) {
		printf("    %-28.*s %.*s\n", STR_ARG(json_get(r, "stat")),
		    STR_ARG(json_get(r, "value")));
		return;
	}
	printf("%-7.*s %2" PRId64 "  %-8.*s pid %-7" PRId64 " %-16.*s root %-7.*s"
	    " %s%s", STR_ARG(json_get(r, "name")), json_num(r, "index"),
	    STR_ARG(json_get(r, "state")), json_num(r, "pid"),
	    STR_ARG(json_get(r, "user")), STR_ARG(json_get(r, "root")),
	    since > 0 ? "since " : "", since > 0 ? cli_time(c, since) : "");
	if (json_num(r, "restarts") > 0)
		printf("  %" PRId64 " restarts: %.*s", json_num(r, "restarts"),
		    STR_ARG(json_get(r, "text")));
	printf("\n");
}

static int
verb_status(struct cli *c, int argc, char **argv)
{
	const char *words[] = { "status" };

	return control_ask(c, words, 1, status_line, NULL);
}

/* Everything master would refuse, without starting anything. */
static int
verb_check(struct cli *c, int argc, char **argv)
{
	int code;

	if (argc == 1)
		c->conf_path = argv[0];
	if ((code = cli_load(c)) != EX_OK)
		return code;
	dkim_look(c);
	disk_look(c);
	return become_master(c, "-n");
}

static void
show_json(struct cli *c, const struct buf *shown)
{
	struct str text = buf_str(shown), line;
	struct buf out;

	buf_init(&out, 1 << 20);
	while (str_line(&text, &line)) {
		buf_reset(&out);
		buf_c(&out, '{');
		cli_json_pair(&out, "statement", line);
		buf_c(&out, '}');
		printf("%s\n", buf_cstr(&out));
	}
	buf_free(&out);
}

static int
verb_config_show(struct cli *c, int argc, char **argv)
{
	bool only_changed = argc == 1 && strcmp(argv[0], "changed") == 0;
	struct buf out;
	int code = cli_load(c);

	if (code != EX_OK)
		return code;
	if (argc == 1 && !only_changed) {
		cli_say("show what? only `changed' may follow");
		return EX_USAGE;
	}
	buf_init(&out, 1 << 20);
	conf_file_show(&c->file, only_changed, &out);
	if (c->json)
		show_json(c, &out);
	else
		printf("%s", buf_cstr(&out));
	buf_free(&out);
	return EX_OK;
}

const struct verb service_verbs[] = {
	{ "start", "[foreground]", 0, 1, verb_start,
	    "start the suite; returns when it serves" },
	{ "stop", "", 0, 0, verb_stop, "stop it; returns when it is gone" },
	{ "reload", "", 0, 0, verb_reload,
	    "read the configuration anew; a bad one changes nothing" },
	{ "status", "", 0, 0, verb_status, "every process and its counters" },
	{ "check", "[FILE]", 0, 1, verb_check,
	    "check the configuration and all it names" },
	{ "config show", "[changed]", 0, 1, verb_config_show,
	    "all settings, or only what differs from the defaults" },
	{ NULL, NULL, 0, 0, NULL, NULL },
};
