/* SPDX-License-Identifier: ISC */
/*
 * linkprobe DIR UID - can a chrooted, unprivileged, Landlocked process publish an O_TMPFILE?
 *
 * Opens /proc/self/fd (of each child in turn), chroots into DIR, drops to UID, applies
 * Landlock to "/" (= DIR) with the named rights, then tries
 *   a  linkat(fd, "", dirfd, name, AT_EMPTY_PATH)
 *   b  linkat(procfd, "N", dirfd, name, AT_SYMLINK_FOLLOW), procfd = /proc/self/fd opened before chroot
 *   c  linkat(AT_FDCWD, "/proc/self/fd/N", ...) (no /proc in the chroot: must fail)
 *   r  rename tmp/x -> new/00/x, both folders in the chroot
 * and, in the last lines, a and b with a descriptor opened before the change of credentials,
 * before Landlock, or by another process of the same uid (SCM_RIGHTS, and inherited by fork),
 * and prints one line for each set of rights.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define FS(x) LANDLOCK_ACCESS_FS_##x
#define ALL ((1ULL << 15) - 1) /* execute .. truncate: ABI 3, Linux 6.2 */
#define ALL2 ((1ULL << 14) - 1) /* ABI 2, Linux 5.19 (6.1 has it) */
#define BASIC (FS(READ_FILE) | FS(WRITE_FILE) | FS(READ_DIR) | FS(REMOVE_FILE) | FS(MAKE_REG))

static int cage(uint64_t handled, uint64_t allowed, int beneath)
{
	struct landlock_ruleset_attr ra = { .handled_access_fs = handled };
	struct landlock_path_beneath_attr pb = { .allowed_access = allowed & handled };
	int rs = syscall(SYS_landlock_create_ruleset, &ra, sizeof ra.handled_access_fs, 0);

	if (rs < 0)
		return -1;
	pb.parent_fd = beneath;
	if (syscall(SYS_landlock_add_rule, rs, LANDLOCK_RULE_PATH_BENEATH, &pb, 0) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, rs, 0) < 0)
		return -1;
	close(rs);
	return 0;
}

static const char *say(int r)
{
	return r == 0 ? "ok" : strerrorname_np(errno);
}

static void child(const char *what, int uid, int caged, uint64_t handled, uint64_t allowed, const char *tmpdir)
{
	char num[16], path[64], name[32];
	int procfd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int top, dst, fd, r;

	umask(077);
	if (chroot(".") < 0 || chdir("/") < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0) {
		perror("chroot/setuid");
		_exit(1);
	}
	top = open("/", O_PATH | O_DIRECTORY);
	if (caged && cage(handled, allowed, top) < 0) {
		printf("%-44s landlock: %s\n", what, strerrorname_np(errno));
		return;
	}
	dst = open("new/00", O_RDONLY | O_DIRECTORY);
	fd = open(tmpdir, O_RDWR | O_TMPFILE, 0600);
	printf("%-44s dir %s, O_TMPFILE %s", what, dst >= 0 ? "ok" : strerrorname_np(errno), fd >= 0 ? "ok" : strerrorname_np(errno));
	if (fd < 0)
		goto end;
	if (write(fd, "x", 1) != 1)
		printf(" write %s", strerrorname_np(errno));
	sprintf(name, "a%d", getpid());
	r = linkat(fd, "", dst, name, AT_EMPTY_PATH);
	printf(", a=%s", say(r));
	sprintf(num, "%d", fd);
	sprintf(name, "b%d", getpid());
	r = linkat(procfd, num, dst, name, AT_SYMLINK_FOLLOW);
	printf(", b=%s", say(r));
	sprintf(path, "/proc/self/fd/%d", fd);
	sprintf(name, "c%d", getpid());
	r = linkat(AT_FDCWD, path, dst, name, AT_SYMLINK_FOLLOW);
	printf(", c=%s", say(r));
	r = fsync(fd);
	printf(", fsync=%s", say(r));
	r = fsync(dst);
	printf(", fsync(dir)=%s", say(r));
	close(fd);
	/* linkat of a file that was opened with O_CREAT, into another folder; and rename between folders */
	sprintf(name, "tmp/r%d", getpid());
	fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	sprintf(path, "new/00/r%d", getpid());
	r = fd < 0 ? -1 : rename(name, path);
	printf(", r=%s", say(r));
end:
	putchar('\n');
}

static void linkboth(int procfd, int fd, int dst)
{
	char num[16], name[32];
	int r;

	sprintf(name, "e%d.%d", getpid(), fd);
	r = linkat(fd, "", dst, name, AT_EMPTY_PATH);
	printf("a=%s", say(r));
	sprintf(num, "%d", fd);
	sprintf(name, "f%d.%d", getpid(), fd);
	r = linkat(procfd, num, dst, name, AT_SYMLINK_FOLLOW);
	printf(" b=%s", say(r));
}

static void sendfd(int s, int fd)
{
	char x = 0, ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &x, 1 };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	if (sendmsg(s, &h, 0) < 0)
		perror("sendmsg");
}

static int recvfd(int s)
{
	char x, ctl[CMSG_SPACE(sizeof(int))];
	struct iovec io = { &x, 1 };
	struct msghdr h = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	int fd = -1;

	if (recvmsg(s, &h, 0) > 0 && CMSG_FIRSTHDR(&h))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof fd);
	return fd;
}

/* Whose descriptor may be linked?  Landlock: BASIC + REFER. */
static void origins(int uid)
{
	int procfd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC), sv[2], early, before, dst, fd;

	early = open("tmp", O_RDWR | O_TMPFILE, 0600); /* by root, owned by root */
	if (chroot(".") < 0 || chdir("/") < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		_exit(1);
	before = open("tmp", O_RDWR | O_TMPFILE, 0600);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	if (!fork()) { /* same uid, own Landlock */
		if (cage(ALL2, BASIC | FS(REFER), open("/", O_PATH | O_DIRECTORY)) < 0)
			_exit(1);
		sendfd(sv[0], open("tmp", O_RDWR | O_TMPFILE, 0600));
		_exit(0);
	}
	wait(NULL);
	if (cage(ALL2, BASIC | FS(REFER), open("/", O_PATH | O_DIRECTORY)) < 0)
		_exit(1);
	dst = open("new/00", O_RDONLY | O_DIRECTORY);
	printf("opened by root before setuid:                 "), linkboth(procfd, early, dst);
	printf("\nopened as uid, before landlock_restrict_self: "), linkboth(procfd, before, dst);
	printf("\nreceived by SCM_RIGHTS from the same uid:     "), linkboth(procfd, recvfd(sv[1]), dst);
	printf("\n");
	fd = open("tmp", O_RDWR | O_TMPFILE, 0600);
	fflush(stdout);
	if (!fork()) {
		printf("inherited from the parent by fork:            "), linkboth(procfd, fd, dst);
		printf("\n");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	_exit(0);
}

static void try(const char *what, int uid, int caged, uint64_t handled, uint64_t allowed, const char *tmpdir)
{
	fflush(stdout);
	if (!fork()) {
		child(what, uid, caged, handled, allowed, tmpdir);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	int uid = argc > 2 ? atoi(argv[2]) : 65534;

	if (argc < 2 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: linkprobe DIR UID\n");
		return 2;
	}
	printf("landlock ABI %ld, uid %d\n", syscall(SYS_landlock_create_ruleset, NULL, 0, 1), uid);
	for (int i = 0; i < 3; i++) {
		const char *d = (const char *[]){ "tmp", "new", "new/00" }[i];

		mkdir(d, 0700);
		if (chown(d, uid, uid) < 0)
			perror(d);
	}
	try("no landlock, O_TMPFILE in tmp", uid, 0, 0, 0, "tmp");
	try("ABI2 handled, basic+REFER, tmp", uid, 1, ALL2, BASIC | FS(REFER), "tmp");
	try("ABI2 handled, basic, no REFER, tmp", uid, 1, ALL2, BASIC, "tmp");
	try("ABI2 handled, basic, no REFER, new/00", uid, 1, ALL2, BASIC, "new/00");
	try("ABI2 handled, basic+REFER, no MAKE_REG, tmp", uid, 1, ALL2, (BASIC & ~FS(MAKE_REG)) | FS(REFER), "tmp");
	try("ABI2 handled, no REMOVE_FILE, +REFER, tmp", uid, 1, ALL2, (BASIC & ~FS(REMOVE_FILE)) | FS(REFER), "tmp");
	try("ABI2 handled, no READ_*, +REFER, tmp", uid, 1, ALL2, FS(WRITE_FILE) | FS(MAKE_REG) | FS(REFER), "tmp");
	try("ABI2 handled, basic+REFER, tmp = root of it", uid, 1, ALL2, BASIC | FS(REFER), ".");
	try("ABI1 handled (no REFER known), basic, tmp", uid, 1, (1ULL << 13) - 1, BASIC, "tmp");
	try("ABI3 handled, basic+REFER+TRUNCATE, tmp", uid, 1, ALL, BASIC | FS(REFER) | FS(TRUNCATE), "tmp");
	fflush(stdout);
	if (!fork())
		origins(uid);
	wait(NULL);
	return 0;
}
