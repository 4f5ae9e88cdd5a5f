/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/replay.c - main() of a fuzz target in ordinary builds: feeds it
 * each file of its corpus, and each of them cut at every length (up to 4,096
 * places), which is where parsers read past an end.  A target that plays a
 * whole session, or opens a whole spool, costs a thousand times as much as a
 * parser; it says itself how many places are worth it (replay_cuts).
 *
 * The corpus is tests/fuzz/corpus/NAME of the source tree; other files or
 * folders may be given as arguments.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target's own number takes the place of this one. */
extern size_t replay_cuts;
__attribute__((weak)) size_t replay_cuts = 4096;

static unsigned long runs, files;

static void
feed(const uint8_t *p, size_t n)
{
	/* an exact allocation, so that a sanitizer sees the first byte past */
	uint8_t *copy = malloc(n > 0 ? n : 1);

	if (copy == NULL)
		exit(1);
	memcpy(copy, p, n);
	(void)LLVMFuzzerTestOneInput(copy, n);
	free(copy);
	runs++;
}

static void
feed_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n, step;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, sizeof(data), f);
	(void)fclose(f);
	feed(data, n);
	step = n / replay_cuts + 1;
	for (size_t cut = 0; cut < n; cut += step)
		feed(data, cut);
	files++;
}

static void
feed_path(const char *path)
{
	struct stat st;
	struct dirent *e;
	char name[4096];
	DIR *d;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		feed_file(path);
		return;
	}
	if ((d = opendir(path)) == NULL) {
		perror(path);
		exit(1);
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		feed_path(name);
	}
	(void)closedir(d);
}

int
main(int argc, char **argv)
{
	const char *top = getenv("srcdir"), *name = strrchr(argv[0], '/');
	char path[4096];

	name = name != NULL ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	for (int i = 1; i < argc; i++)
		feed_path(argv[i]);
	if (argc == 1) {
		(void)snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s",
		    top != NULL ? top : ".", name);
		feed_path(path);
	}
	printf("%s - corpus of %s: %lu files, %lu runs\n", files > 0 ? "ok" :
	    "not ok", name, files, runs);
	return files > 0 ? 0 : 1;
}
