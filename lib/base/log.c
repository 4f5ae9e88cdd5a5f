/* SPDX-License-Identifier: ISC */
/*
 * base/log.c - one line an event, key=value.
 *
 * A value stands bare when it is printable and has no blank, quote or
 * backslash.  Any other value stands in quotes, with quote, backslash,
 * control and 8-bit bytes as \xHH, and '=' too: so the text ` key=' in a line
 * was always written by us, never by a stranger, and a grep for it can be
 * believed.
 *
 * File-static state: the line being built, the sink, level and name.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

#include "base/banned.h"

#define VALUE_MAX	1000
#define MID_MAX		64

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static log_sink_fn *the_sink;
static void *the_sink_arg;
static enum log_level least_level = LOG_LEVEL_INFO;
static char process_name[32] = "veredus";

static struct {
	bool		open, skip, cut;
	enum log_level	level;
	size_t		len;
	char		text[LOG_LINE_MAX];
	size_t		mid_len;
	char		mid[MID_MAX];
} line;

void
log_set_sink(log_sink_fn *sink, void *arg)
{
	the_sink = sink;
	the_sink_arg = arg;
}

void
log_set_level(enum log_level least)
{
	least_level = least;
}

void
log_set_name(const char *process)
{
	snprintf(process_name, sizeof(process_name), "%s", process);
}

/* Room is kept for the "..." that marks a cut line. */
static void
put(const char *p, size_t n)
{
	size_t room = sizeof(line.text) - 4 - line.len;

	if (n > room) {
		n = room;
		line.cut = true;
	}
	memcpy(line.text + line.len, p, n);
	line.len += n;
}

static void
put_z(const char *z)
{
	put(z, strlen(z));
}

static bool
is_plain(uint8_t c)
{
	return c > ' ' && c < 127 && c != '"' && c != '\\';
}

static bool
is_bare(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_plain(s.p[i]))
			return false;
	return s.n > 0;
}

static void
put_quoted(struct str s)
{
	char esc[5];

	put_z("\"");
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if ((is_plain(c) && c != '=') || c == ' ') {
			put((const char *)&s.p[i], 1);
			continue;
		}
		snprintf(esc, sizeof(esc), "\\x%02x", c);
		put(esc, 4);
	}
	put_z("\"");
}

static void
put_key(const char *key)
{
	put_z(" ");
	put_z(key);
	put_z("=");
}

/* A line that somebody forgot to end goes out before the next begins. */
void
log_event(enum log_level level, const char *event)
{
	if (line.open)
		log_end();
	line.open = true;
	line.skip = level < least_level;
	line.cut = false;
	line.level = level;
	line.len = line.mid_len = 0;
	if (!line.skip)
		put_z(event);
}

void
log_str(const char *key, struct str value)
{
	struct str shown = str_sub(value, 0, VALUE_MAX);

	if (!line.open || line.skip)
		return;
	if (strcmp(key, "mid") == 0) {
		line.mid_len = str_sub(value, 0, MID_MAX).n;
		if (line.mid_len > 0)
			memcpy(line.mid, value.p, line.mid_len);
	}
	put_key(key);
	if (is_bare(shown))
		put((const char *)shown.p, shown.n);
	else
		put_quoted(shown);
	if (shown.n < value.n)
		put_z("...");
}

void
log_z(const char *key, const char *value)
{
	log_str(key, str_of(value));
}

void
log_u64(const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	log_z(key, text);
}

void
log_i64(const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	log_z(key, text);
}

void
log_errno(void)
{
	log_z("error", strerror(errno));
}

/* To standard error when nobody else listens: start-up, tools, tests. */
static void
say_on_stderr(void)
{
	char when[CLOCK_TEXT_MAX];

	clock_text(clock_real_ms(), when);
	dprintf(STDERR_FILENO, "%s %s %s: %.*s\n", when,
	    level_names[line.level], process_name, (int)line.len, line.text);
}

void
log_end(void)
{
	int err = errno;

	if (!line.open)
		return;
	line.open = false;
	if (line.skip)
		return;
	if (line.cut) {
		memcpy(line.text + line.len, "...", 3);
		line.len += 3;
	}
	if (the_sink == NULL)
		say_on_stderr();
	else
		the_sink(line.level, str_mem(line.text, line.len),
		    str_mem(line.mid, line.mid_len), the_sink_arg);
	errno = err;
}

void
log_say(enum log_level level, const char *event, const char *fmt, ...)
{
	char text[VALUE_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(level, event);
	log_z("text", text);
	log_end();
}
