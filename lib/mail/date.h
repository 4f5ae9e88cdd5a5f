/* SPDX-License-Identifier: ISC */
/*
 * mail/date.h - dates of mail: RFC 5322 3.3 and 4.3 (lenient in, strict
 * out), and IMAP's date-time and date (RFC 3501 9).
 *
 * Times are seconds since 1970 UTC; zones are minutes east.  Years 1-9999.
 */
#ifndef MAIL_DATE_H
#define MAIL_DATE_H

#include "base/fail.h"
#include "base/str.h"

#define DATE_TEXT_MAX	40	/* enough for every text below, with NUL */

/*
 * "Thu, 26 Nov 2026 18:02:03 +0100 (CET)": week day and seconds may be
 * absent, names of zones, years of two digits and comments are read.  day_out
 * (may be NULL) is the date as written, without regard to its zone, in days
 * since 1970: what SEARCH SENTON compares.  FAIL_SYNTAX.
 */
int	date_parse(struct str s, int64_t *utc_s_out, int *zone_out,
	    int64_t *day_out) MUST_CHECK;
void	date_format(int64_t utc_s, int zone, char out[DATE_TEXT_MAX]);

/* "26-Nov-2026 18:02:03 +0100"; the day may begin with a blank. */
int	date_imap_parse(struct str s, int64_t *utc_s_out, int *zone_out)
	    MUST_CHECK;
void	date_imap_format(int64_t utc_s, int zone, char out[DATE_TEXT_MAX]);

/* "1-Feb-1994" as days since 1970. */
int	date_imap_day(struct str s, int64_t *day_out) MUST_CHECK;

/* Days since 1970 of a date of the Gregorian calendar; false: no such day. */
bool	date_days(int64_t year, unsigned month, unsigned day,
	    int64_t *days_out);

#endif
