/* SPDX-License-Identifier: ISC */
/*
 * tests/cage/breakout.c - makes a running process try what it may not.
 *
 *	breakout PID CALL [TEXT]
 *	breakout PID write FD HEX	says these bytes on a descriptor of its own
 *
 * The process is one of the suite, in its real cage: it is stopped by
 * ptrace(2) as root, one system call is put into its registers, and it goes
 * on.  Printed: "killed SIGNAL" or "returned VALUE".  After a call that
 * returned, the process goes on as if nothing had been.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/mman.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#ifdef __x86_64__

/* TEXT_AT stands for the address of TEXT in the memory of the process. */
#define TEXT_AT	INT64_MIN

static const struct attempt {
	const char	*name;
	long		nr;
	int64_t		arg[6];
} attempts[] = {
	{ "getpid", SYS_getpid, { 0 } },	/* may: the control */
	{ "openat", SYS_openat, { AT_FDCWD, TEXT_AT, O_RDONLY } },
	{ "openat-write", SYS_openat, { AT_FDCWD, TEXT_AT, O_RDWR | O_CREAT,
	    0600 } },
	{ "socket-inet", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
	{ "socket-unix", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "socketpair", SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, TEXT_AT } },
	{ "connect", SYS_connect, { 0, TEXT_AT, 16 } },
	{ "execve", SYS_execve, { TEXT_AT, 0, 0 } },
	{ "fork", SYS_fork, { 0 } },
	{ "clone", SYS_clone, { SIGCHLD } },
	{ "ptrace", SYS_ptrace, { PTRACE_TRACEME } },
	{ "process_vm_readv", SYS_process_vm_readv, { 1, TEXT_AT, 1,
	    TEXT_AT, 1, 0 } },
	{ "kill", SYS_kill, { 1, 0 } },
	{ "tgkill-other", SYS_tgkill, { 1, 1, 0 } },
	{ "chroot", SYS_chroot, { TEXT_AT } },
	{ "chdir", SYS_chdir, { TEXT_AT } },
	{ "mount", SYS_mount, { TEXT_AT, TEXT_AT, 0, 0, 0 } },
	{ "setuid", SYS_setuid, { 0 } },
	{ "setresuid", SYS_setresuid, { 0, 0, 0 } },
	{ "prctl", SYS_prctl, { 4, 1 } },
	{ "mmap-exec", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0 } },
	{ "mprotect-exec", SYS_mprotect, { TEXT_AT, 4096,
	    PROT_READ | PROT_EXEC } },
	{ "ioctl", SYS_ioctl, { 0, 0x5412, TEXT_AT } },
	{ "bpf", SYS_bpf, { 0, 0, 0 } },
	{ "io_uring", SYS_io_uring_setup, { 8, TEXT_AT } },
	{ "keyctl", SYS_keyctl, { 0 } },
	{ "unshare", SYS_unshare, { 0x10000000 } },
	{ "symlinkat", SYS_symlinkat, { TEXT_AT, AT_FDCWD, TEXT_AT } },
	{ "mknodat", SYS_mknodat, { AT_FDCWD, TEXT_AT, 0010600 } },
};

static void
fail(const char *what)
{
	fprintf(stderr, "breakout: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Well below the stack pointer, beyond the red zone. */
static uint64_t
put_bytes(pid_t pid, uint64_t sp, const char *text, size_t n)
{
	uint64_t at = (sp - 8192) & ~4095ul, word;

	for (size_t i = 0; i < n; i += 8) {
		word = 0;
		memcpy(&word, text + i, n - i < 8 ? n - i : 8);
		if (ptrace(PTRACE_POKEDATA, pid, (void *)(at + i),
		    (void *)word) != 0)
			fail("memory");
	}
	return at;
}

/* Waits for the next stop; false: it is dead and that was printed.  The
 * SIGSYS of the cage may be shown to us first; nothing can take it back. */
static int
wait_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		fail("wait");
	while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGSYS) {
		(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(long)SIGSYS);
		if (waitpid(pid, &status, __WALL) != pid)
			fail("wait");
	}
	if (WIFSIGNALED(status))
		printf("killed %s\n", sigabbrev_np(WTERMSIG(status)));
	else if (WIFEXITED(status))
		printf("exited %d\n", WEXITSTATUS(status));
	return WIFSTOPPED(status);
}

/* Runs to the entry of its next system call; false: it is dead. */
static int
to_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;

	do {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0)
			fail("go on");
		if (!wait_stop(pid))
			return 0;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) <= 0)
			fail("syscall info");
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY);
	return 1;
}

/* At the entry of whatever it calls next we put our call in its place; then
 * it goes back to the instruction and makes its own. */
static void
attempt(pid_t pid, const struct attempt *a, const char *text, size_t n)
{
	struct user_regs_struct was, regs;
	uint64_t at, arg[6];

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		fail("attach");
	if (!wait_stop(pid) || !to_entry(pid))
		return;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &was) != 0)
		fail("registers");
	at = put_bytes(pid, was.rsp, text, n);
	for (int i = 0; i < 6; i++)
		arg[i] = a->arg[i] == TEXT_AT ? at : (uint64_t)a->arg[i];
	regs = was;
	regs.orig_rax = (uint64_t)a->nr;
	regs.rdi = arg[0];
	regs.rsi = arg[1];
	regs.rdx = arg[2];
	regs.r10 = arg[3];
	regs.r8 = arg[4];
	regs.r9 = arg[5];
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0 ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0)
		fail("go on");
	if (!wait_stop(pid))
		return;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0)
		fail("registers");
	was.rax = was.orig_rax;
	was.rip -= 2;
	was.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &was) != 0)
		fail("registers");
	/* a forbidden call kills only now */
	if (!to_entry(pid))
		return;
	printf("returned %lld\n", (long long)regs.rax);
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

static void
say(pid_t pid, const char *fd, const char *hex)
{
	static char bytes[4096];
	size_t n = strlen(hex) / 2;
	struct attempt a = { "write", SYS_write, { strtol(fd, NULL, 10),
	    TEXT_AT, (int64_t)n } };
	char two[3] = "";

	for (size_t i = 0; i < n && i < sizeof(bytes); i++) {
		memcpy(two, hex + 2 * i, 2);
		bytes[i] = (char)strtol(two, NULL, 16);
	}
	attempt(pid, &a, bytes, n < sizeof(bytes) ? n : sizeof(bytes));
}

int
main(int argc, char **argv)
{
	const char *text = argc > 3 ? argv[3] : "/etc/passwd";

	if (argc == 5 && strcmp(argv[2], "write") == 0) {
		say((pid_t)strtol(argv[1], NULL, 10), argv[3], argv[4]);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
			puts(attempts[i].name);
		return 0;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: breakout PID CALL [TEXT]\n");
		return 64;
	}
	for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
		if (strcmp(attempts[i].name, argv[2]) == 0) {
			attempt((pid_t)strtol(argv[1], NULL, 10), &attempts[i],
			    text, strlen(text) + 1);
			return 0;
		}
	fprintf(stderr, "breakout: no such attempt\n");
	return 64;
}

#else
int
main(void)
{
	puts("skipped: written for x86-64");
	return 77;
}
#endif
