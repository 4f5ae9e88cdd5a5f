/* SPDX-License-Identifier: ISC */
/*
 * base/log.h - one line an event, key=value.
 *
 *	log_event(LOG_LEVEL_INFO, "smtpd-message");
 *	log_str("sid", sid); log_str("mid", mid); log_u64("size", n); log_end();
 *
 * Values from strangers go only through log_str: a value with a blank, quote,
 * backslash, control or 8-bit byte, or an empty one, stands in quotes, and in
 * there all of these but the blank, and '=', are written \xHH.  So ` key='
 * in a line was always written by us.  Cut at 1,000 bytes with "...".  Secrets
 * have no log function.  One line is built at a
 * time in static memory; log_end hands it to the sink.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR };

#define LOG_LINE_MAX	4096

/* Where finished lines go; without one: standard error.  line has no line
 * end.  mid is the value of the "mid" key of the line or empty. */
typedef void log_sink_fn(enum log_level, struct str line, struct str mid,
    void *arg);
void	log_set_sink(log_sink_fn *sink, void *arg);
void	log_set_level(enum log_level least);
void	log_set_name(const char *process);	/* "smtpd/0"; copied */

/* event: lower-case words joined by '-', fixed text of ours */
void	log_event(enum log_level, const char *event);
void	log_str(const char *key, struct str value);
void	log_z(const char *key, const char *value);	/* as log_str */
void	log_u64(const char *key, uint64_t value);
void	log_i64(const char *key, int64_t value);
void	log_errno(void);			/* error="..." from errno */
void	log_end(void);

/* For one-liners of ours: log_say(LOG_LEVEL_WARN, "reload-failed", "%s", x)
 * gives event and text="..." (escaped). */
void	log_say(enum log_level, const char *event, const char *fmt, ...)
	    PRINTF(3, 4);

#endif
