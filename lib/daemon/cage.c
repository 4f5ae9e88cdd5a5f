/* SPDX-License-Identifier: ISC */
/*
 * daemon/cage.c - the lists, and the lock.
 *
 * One table: a system call, which classes may make it, and what its
 * arguments must be.  The entries were found by running, and the cage test
 * fails for an entry that no process uses, so nothing stays "in case".
 *
 * A path is never checked here (seccomp sees a pointer): that is Landlock's,
 * which lets DISK at the folders it was dealt and everybody else at nothing,
 * and of the empty root's.
 */
#include "daemon/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/banned.h"

/* Bits of the classes of procs.h. */
#define FACE	(1u << CAGE_FACE)
#define CPU	(1u << CAGE_CPU)
#define OUT	(1u << CAGE_OUT)
#define DISK	(1u << CAGE_DISK)
#define RO	(1u << CAGE_DISK_RO)
#define SYNC	(1u << CAGE_SYNC)
#define ALL	(FACE | CPU | OUT | DISK | RO | SYNC)
#define SOCKETS	(FACE | OUT)

/* One condition on one argument; arg < 0: none. */
struct rule {
	int		nr;
	unsigned	classes;
	int		arg;
	enum scmp_compare how;
	uint64_t	mask, value;
};

#define CALL(name, classes) \
	{ SCMP_SYS(name), classes, -1, SCMP_CMP_EQ, 0, 0 }
#define CALL_EQ(name, classes, arg, value) \
	{ SCMP_SYS(name), classes, arg, SCMP_CMP_EQ, value, 0 }
#define CALL_MASK(name, classes, arg, mask, value) \
	{ SCMP_SYS(name), classes, arg, SCMP_CMP_MASKED_EQ, mask, value }
/* The process itself, filled in at the lock. */
#define SELF	UINT64_MAX

static const struct rule rules[] = {
	/* bytes */
	CALL(read, FACE | OUT | DISK | RO),
	CALL(write, ALL),	/* standard error, when we abort */
	CALL(writev, ALL),	/* libc's own last words */
	CALL(pread64, ALL & ~SYNC),
	CALL(close, ALL),
	CALL(lseek, DISK | RO),
	/* channels and clients */
	CALL(recvmsg, ALL),
	CALL(sendmsg, ALL),
	CALL(recvfrom, SOCKETS),
	CALL(sendto, SOCKETS),
	CALL(accept4, FACE),
	CALL(shutdown, SOCKETS),
	CALL(getsockopt, SOCKETS),
	CALL(setsockopt, SOCKETS),
	CALL_EQ(socket, OUT, 0, AF_INET),
	CALL_EQ(socket, OUT, 0, AF_INET6),
	CALL(connect, OUT),
	CALL(bind, OUT),
	CALL(getsockname, OUT),
	/* waiting */
	CALL(epoll_wait, ALL),
	CALL(epoll_ctl, ALL),
	CALL(poll, ALL),
	CALL(restart_syscall, ALL),	/* SIGCONT in poll */
	/* descriptors */
	CALL_EQ(fcntl, ALL, 1, F_GETFL),
	CALL_EQ(fcntl, ALL, 1, F_SETFL),	/* O_ASYNC: see below */
	CALL_EQ(fcntl, ALL, 1, F_DUPFD_CLOEXEC),
	CALL_EQ(fcntl, ALL, 1, F_GET_SEALS),
	CALL_EQ(fcntl, FACE | CPU | DISK, 1, F_ADD_SEALS),
	CALL_EQ(fcntl, DISK, 1, F_OFD_SETLK),
	CALL_EQ(fcntl, DISK | RO, 1, F_SETFD),
	CALL(fstat, ALL),
	CALL_EQ(newfstatat, FACE | CPU | OUT | SYNC, 3, AT_EMPTY_PATH),
	CALL(memfd_create, FACE | CPU | DISK),
	/* files below the dealt folders */
	CALL(newfstatat, DISK | RO),
	CALL(openat, DISK | RO),
	CALL(openat2, DISK | RO),
	CALL(getdents64, DISK | RO),
	CALL(unlinkat, DISK),
	CALL(renameat, DISK),
	CALL(renameat2, DISK),
	CALL(linkat, DISK),
	CALL(mkdirat, DISK),
	CALL(pwrite64, DISK),
	CALL(pwritev, DISK),
	CALL(ftruncate, DISK),
	CALL(fstatfs, DISK),
	CALL(fsync, DISK | SYNC),
	CALL(fdatasync, DISK),
	CALL(syncfs, SYNC),
	/* memory: nothing that could become code */
	CALL(brk, ALL),
	CALL_MASK(mmap, ALL, 2, PROT_EXEC, 0),
	CALL(munmap, ALL),
	CALL(mremap, ALL),
	CALL_MASK(mprotect, ALL, 2, PROT_EXEC, 0),
	CALL(madvise, ALL),
	CALL(futex, ALL),
	/* the process itself */
	CALL(getrandom, ALL),
	CALL(clock_gettime, ALL),
	CALL(getpid, ALL),
	CALL(gettid, ALL),
	CALL_EQ(tgkill, ALL, 0, SELF),	/* abort() */
	CALL(rt_sigaction, ALL),
	CALL(rt_sigprocmask, ALL),
	CALL(rt_sigreturn, ALL),
	CALL(sysinfo, ALL),	/* qsort asks how much memory there is */
	CALL(sched_getaffinity, RO),	/* Berkeley DB counts cores at each open */
	CALL(exit_group, ALL),
#ifdef VEREDUS_SANITIZE
	/* AddressSanitizer's own, so that it can report before it dies */
	CALL(sigaltstack, ALL),
	CALL(sched_yield, ALL),
	CALL(readlink, ALL),
	CALL(openat, ALL),
	CALL(open, ALL),
	CALL(stat, ALL),
	CALL(newfstatat, ALL),
	CALL(getrlimit, ALL),
	CALL(prlimit64, ALL),
	CALL(prctl, ALL),
	CALL(getuid, ALL),
	CALL(geteuid, ALL),
	CALL(clock_nanosleep, ALL),
	CALL(pipe, ALL),
	CALL(pipe2, ALL),
	CALL(process_vm_readv, ALL),
	CALL(sched_getaffinity, ALL),
	CALL(ioctl, ALL),
	CALL(mmap, ALL),
#endif
};

#ifdef VEREDUS_SANITIZE
/* The search for leaks at exit clones a process that traces us, which no cage
 * allows: each clean stop looked like a crime.  Unit tests look for leaks. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* F_SETFL with O_ASYNC would let one process signal another. */
static int
add_setfl(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
	    SCMP_CMP(1, SCMP_CMP_EQ, F_SETFL),
	    SCMP_CMP(2, SCMP_CMP_MASKED_EQ, O_ASYNC, 0));
}

static int
add(scmp_filter_ctx ctx, const struct rule *r)
{
	struct scmp_arg_cmp cmp = { .arg = (unsigned)r->arg, .op = r->how,
	    .datum_a = r->mask, .datum_b = r->value };

	if (r->arg < 0)
		return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->nr, 0,
		    NULL);
	if (r->nr == SCMP_SYS(fcntl) && r->mask == F_SETFL)
		return add_setfl(ctx);
	if (r->mask == SELF)
		cmp.datum_a = (uint64_t)getpid();
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->nr, 1, &cmp);
}

static int
lock_calls(enum cage cage, struct why *why)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < NITEMS(rules); i++)
		if (rules[i].classes & (1u << cage))
			r = add(ctx, &rules[i]);
	if (r == 0)
		r = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (r == 0)
		return 0;
	errno = -r;
	return why_errno(why, FAIL_PERM, "seccomp");
}

/* --- Landlock ------------------------------------------------------------ */

#define LANDLOCK_READ	(LANDLOCK_ACCESS_FS_READ_FILE |			\
	LANDLOCK_ACCESS_FS_READ_DIR)
#define LANDLOCK_V1	((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static int
landlock_version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

/* Everything the kernel of that version can refuse. */
static uint64_t
handled(int version)
{
	uint64_t all = LANDLOCK_V1;

#ifdef LANDLOCK_ACCESS_FS_REFER
	if (version >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
#endif
#ifdef LANDLOCK_ACCESS_FS_TRUNCATE
	if (version >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
#endif
	return all;
}

/* Programs, devices and sockets are made by nobody. */
static uint64_t
granted(enum cage cage, uint64_t all)
{
	if (cage == CAGE_DISK_RO)
		return LANDLOCK_READ;
	return all & ~(uint64_t)(LANDLOCK_ACCESS_FS_EXECUTE |
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
	    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	    LANDLOCK_ACCESS_FS_MAKE_SYM);
}

static int
lock_files(const struct cage_plan *plan, struct why *why)
{
	struct landlock_ruleset_attr attr = {
	    .handled_access_fs = handled(landlock_version()) };
	struct landlock_path_beneath_attr beneath = {
	    .allowed_access = granted(plan->cage, attr.handled_access_fs) };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);
	int r = fd < 0 ? -1 : 0;

	for (size_t i = 0; r == 0 && i < plan->n_folders; i++) {
		beneath.parent_fd = plan->folders[i];
		r = (int)syscall(SYS_landlock_add_rule, fd,
		    LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	}
	if (r == 0)
		r = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	if (r != 0)
		(void)why_errno(why, FAIL_PERM, "Landlock");
	fd_close(&fd);
	return r == 0 ? 0 : FAIL_PERM;
}

bool
cage_possible(const char **missing_out)
{
	bool files = landlock_version() >= 1;
	bool calls = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
	static const char *const names[] = { "seccomp and Landlock",
	    "seccomp", "Landlock", "" };

	*missing_out = names[(files ? 1 : 0) + (calls ? 2 : 0)];
	return files && calls;
}

int
cage_lock(const struct cage_plan *plan, const char **missing_out,
    struct why *why)
{
	int r;

	if (!cage_possible(missing_out) && !plan->is_optional)
		return why_set(why, FAIL_PERM,
		    "this kernel has no %s (setting: cage optional)",
		    *missing_out);
	if (landlock_version() >= 1 && (r = lock_files(plan, why)) != 0)
		return r;
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return 0;
	return lock_calls(plan->cage, why);
}

/* --- for the test -------------------------------------------------------- */

void
cage_print(enum cage cage, FILE *out)
{
	char *name;

	for (size_t i = 0; i < NITEMS(rules); i++) {
		if (!(rules[i].classes & (1u << cage)))
			continue;
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    rules[i].nr);
		fprintf(out, "%s\n", name != NULL ? name : "?");
		free(name);
	}
}
