/* SPDX-License-Identifier: ISC */
/*
 * master/main.c - the program veredus-master: options, signals, pid file.
 *
 * Master is the only process that is root.  It reads the configuration,
 * binds, starts and watches; it reads no byte of a client, of a message or
 * of an operator.
 */
#include "master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rand.h"
#include "daemon/cage.h"
#include "daemon/drop.h"
#include "base/banned.h"

#define PATH_DEFAULT	VEREDUS_SYSCONF "/veredus.conf"

struct master master = {
	.path = PATH_DEFAULT, .libexec = VEREDUS_LIBEXEC, .base_fd = -1,
	.lock_fd = -1, .ready_fd = -1,
	.sockets = { &master.sockets, &master.sockets },
};

/* Before there is a log: to whoever started us. */
NORETURN static void
die(int code, const char *what)
{
	fprintf(stderr, "veredus-master: %s\n", what);
	exit(code);
}

/* --- log: to logd, and to the terminal what matters ---------------------- */

static void
on_log_line(enum log_level level, struct str line, struct str mid, void *arg)
{
	struct chan *logd = master.child[LOGD][0].chan;
	struct note_log_line n = { .level = (uint32_t)level,
	    .when_ms = clock_real_ms(), .mid = str_sub(mid, 0, MID_LEN),
	    .line = str_sub(line, 0, LOG_LINE_MAX) };

	(void)arg;
	if (chan_ok(logd) && logd->queued < CHAN_QUEUE_MAX / 2)
		note_put_log_line(logd, &n);
	if (level >= LOG_LEVEL_WARN || !chan_ok(logd))
		dprintf(STDERR_FILENO, "veredus: %.*s\n", STR_ARG(line));
}

/* --- pid file ------------------------------------------------------------ */

static void
write_pid(void)
{
	struct str path = master.config->conf.master.pid_file;
	int at = master.base_fd;
	char text[24], *z;
	int fd = -1;

	(void)snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (path.n == 0) {
		path = STR("master.pid");
		at = master.folder[FOLDER_RUN];
	}
	z = strndup((const char *)path.p, path.n);
	if (z != NULL)
		fd = openat(at, z, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		    0644);
	if (fd < 0 || file_write(fd, str_of(text)) != 0)
		log_say(LOG_LEVEL_ERROR, "pid-file-failed", "%s",
		    strerror(errno));
	fd_close(&fd);
	free(z);
}

static void
remove_pid(void)
{
	if (master.config->conf.master.pid_file.n == 0)
		(void)unlinkat(master.folder[FOLDER_RUN], "master.pid", 0);
}

/* --- signals ------------------------------------------------------------- */

static void
on_signal(int signo)
{
	struct buf text;
	struct note_log_reopen again = { .generation = master.generation };

	switch (signo) {
	case SIGCHLD:
		watch_reap();
		break;
	case SIGHUP:
		buf_init(&text, 16384);
		(void)reload(&text);
		buf_free(&text);
		break;
	case SIGUSR1:
		note_put_log_reopen(master.child[LOGD][0].chan, &again);
		break;
	default:
		watch_stop();
	}
}

/* --- start --------------------------------------------------------------- */

/* Relative paths of the settings start where the file lies. */
static void
open_base(void)
{
	const char *slash = strrchr(master.path, '/');
	char *folder = slash == NULL ? xstrdup(".") : xstrdup(master.path);

	if (slash != NULL)
		folder[slash == master.path ? 1 : slash - master.path] = '\0';
	master.base_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (master.base_fd < 0) {
		fprintf(stderr, "%s: %s\n", folder, strerror(errno));
		die(CONF_EXIT, "nothing was started");
	}
	free(folder);
}

static void
open_programs(void)
{
	int folder = open(master.libexec, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool all = folder >= 0;

	for (int k = MASTER + 1; all && k < PROC_COUNT; k++) {
		master.program[k] = openat(folder, procs[k].name,
		    O_RDONLY | O_CLOEXEC);
		if (master.program[k] < 0) {
			fprintf(stderr, "veredus-master: %s/%s: %s\n",
			    master.libexec, procs[k].name, strerror(errno));
			all = false;
		}
	}
	if (!all)
		die(EXIT_FAILURE, "programs are missing");
	(void)close(folder);
}

static void
raise_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	if (geteuid() == 0 && rl.rlim_max < 262144) {
		struct rlimit more = { 262144, 262144 };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* The parent stays until we are ready, so that who started us knows. */
static void
go_to_background(void)
{
	int fd[2];
	char c;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		die(EXIT_FAILURE, strerror(errno));
	if (pid > 0) {
		(void)close(fd[1]);
		_exit(read(fd[0], &c, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	(void)close(fd[0]);
	master.ready_fd = fd[1];
	(void)setsid();
}

/* In the background standard error is a file of the log folder: traces of
 * our own faults go there. */
static void
turn_away(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int err = openat(master.folder[FOLDER_LOG], "errors",
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (null_fd >= 0) {
		(void)dup2(null_fd, STDIN_FILENO);
		(void)dup2(null_fd, STDOUT_FILENO);
		(void)dup2(err >= 0 ? err : null_fd, STDERR_FILENO);
	}
	fd_close(&null_fd);
	fd_close(&err);
}

static void
check_cage(void)
{
	const char *missing;

	if (cage_possible(&missing))
		return;
	fprintf(stderr, "veredus-master: this kernel has no %s\n", missing);
	if (!str_same(master.config->conf.master.cage, "optional"))
		die(EXIT_FAILURE, "refusing to run without (see the setting "
		    "`cage')");
}

static void
read_config(void)
{
	struct buf errors;

	buf_init(&errors, 1024 * 1024);
	master.config = config_read(&errors);
	if (master.config == NULL ||
	    !config_find_users(master.config, &errors)) {
		fprintf(stderr, "%s", buf_cstr(&errors));
		die(CONF_EXIT, "nothing was started");
	}
	buf_free(&errors);
}

static void
prepare(void)
{
	struct why why;

	(void)umask(022);
	raise_limit();
	check_cage();
	open_programs();
	if (folders_open(&why) != 0 || folders_lock(&why) != 0 ||
	    folders_boot(&why) != 0 || listen_bind(master.config, &why) != 0 ||
	    drop_master(&why) != 0)
		die(EXIT_FAILURE, why.text);
	listen_keep_new();
	sync_choose();
	master.generation++;
	rand_bytes(master.grant_key, GRANT_KEY);
	rand_bytes(master.place_key, PLACE_KEY);
	if (master.is_unprivileged)
		fprintf(stderr, "veredus-master: UNPRIVILEGED MODE: no chroot, "
		    "all processes run as uid %u; for development only\n",
		    geteuid());
}

NORETURN static void
usage(int code)
{
	fprintf(code == 0 ? stdout : stderr,
	    "usage: veredus-master [-fn] [-c FILE] [-L FOLDER]\n"
	    "	-c FILE		configuration (" PATH_DEFAULT ")\n"
	    "	-f		stay in the foreground\n"
	    "	-n		check the configuration and exit\n"
	    "	-L FOLDER	where the programs are\n"
	    "	--processes	the process table, a line a kind\n"
	    "	--help, --version\n");
	exit(code);
}

/* For the tests and the curious: name, user, cage, root, peers. */
static void
print_processes(void)
{
	for (int k = 0; k < PROC_COUNT; k++) {
		const struct proc_row *r = &procs[k];

		printf("%s %s %s %s", r->name, r->user, cage_name(r->cage),
		    r->root[0] != '\0' ? r->root : "empty");
		for (int p = 0; p < PROC_COUNT; p++)
			if (procs_are_peers((enum proc)k, (enum proc)p))
				printf(" %s", procs[p].name);
		printf("\n");
	}
}

static bool
options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "processes", no_argument, NULL, 'P' },
		{ NULL, 0, NULL, 0 },
	};
	bool only_check = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:fnL:h", words, NULL)) != -1) {
		if (o == 'c')
			master.path = optarg;
		else if (o == 'f')
			master.is_foreground = true;
		else if (o == 'n')
			only_check = true;
		else if (o == 'L')
			master.libexec = optarg;
		else if (o == 'V') {
			printf("veredus %s\n", VEREDUS_VERSION);
			exit(EXIT_SUCCESS);
		} else if (o == 'P') {
			print_processes();
			exit(EXIT_SUCCESS);
		} else
			usage(o == 'h' ? EXIT_SUCCESS : 64);
	}
	if (optind < argc)
		usage(64);
	return only_check;
}

int
main(int argc, char **argv)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM,
	    SIGUSR1 };
	bool only_check = options(argc, argv);

	master.is_unprivileged = geteuid() != 0;
	log_set_name("master/0");
	open_base();
	read_config();
	if (only_check) {
		fprintf(stderr, "%s", buf_cstr(&master.config->warnings));
		return EXIT_SUCCESS;
	}
	if (!master.is_foreground)
		go_to_background();
	prepare();
	if (!master.is_foreground)
		turn_away();
	(void)signal(SIGPIPE, SIG_IGN);
	loop_init();
	for (size_t i = 0; i < NITEMS(signals); i++)
		loop_signal(signals[i], on_signal);
	log_set_sink(on_log_line, NULL);
	write_pid();
	init_watchdog();
	tickets_begin();
	watch_start_all();
	certs_warn(master.config);
	sync_tell();
	loop_run();
	remove_pid();
	listen_forget_unix();
	return EXIT_SUCCESS;
}
