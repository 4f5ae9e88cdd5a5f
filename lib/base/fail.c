/* SPDX-License-Identifier: ISC */
/*
 * base/fail.c - reasons, and the end of a process that is at fault itself.
 *
 * bug_at calls nothing but write and abort: it runs in a broken process,
 * perhaps inside a cage (where dprintf's fstat and lseek kill it before it
 * has said a word), and must neither allocate nor lock.  What
 * it says also reaches logd by the hook, when log.c was told of a sink.
 */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#include "base/banned.h"

static const char *const names[] = {
	"ok", "temp", "perm", "syntax", "too-big", "denied", "gone", "bug",
};

const char *
fail_name(int code)
{
	if (code > 0 || code <= -(int)NITEMS(names))
		return "unknown";
	return names[-code];
}

int
why_set(struct why *why, int code, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return code;
	why->code = code;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return code;
}

int
why_errno(struct why *why, int code, const char *fmt, ...)
{
	int err = errno;
	va_list ap;
	size_t n;

	if (why == NULL)
		return code;
	why->code = code;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof(why->text) - n, ": %s", strerror(err));
	return code;
}

void
bug_at(const char *file, int line, const char *fmt, ...)
{
	static bool twice;
	char text[512], line_text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (twice)	/* the sink itself has a bug: do not ask it again */
		abort();
	twice = true;
	(void)snprintf(line_text, sizeof(line_text), "bug: %s:%d: %s\n", file,
	    line, text);
	if (write(STDERR_FILENO, line_text, strlen(line_text)) < 0)
		line_text[0] = '\0';	/* nobody is left to tell */
	log_event(LOG_LEVEL_ERROR, "bug");
	log_z("file", file);
	log_i64("line", line);
	log_z("text", text);
	log_end();
	abort();
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n == 0 ? 1 : n);

	if (p == NULL)
		bug("out of memory at %zu bytes", n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p;

	if (n == 0 || size == 0)
		n = size = 1;
	if ((p = calloc(n, size)) == NULL)
		bug("out of memory at %zu times %zu bytes", n, size);
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n == 0 ? 1 : n);

	if (p == NULL)
		bug("out of memory at %zu bytes", n);
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

char *
xmemdupz(const void *p, size_t n)
{
	char *z = xmalloc(n + 1);

	if (n > 0)
		memcpy(z, p, n);
	z[n] = '\0';
	return z;
}
