/* SPDX-License-Identifier: ISC */
/*
 * mail/date.c - dates of mail.
 *
 * Pure arithmetic on the Gregorian calendar; no libc time function, no time
 * zone of this host.  RFC 5322 3.3 and 4.3, RFC 3501 9.
 */
#include "mail/date.h"

#include <stdio.h>
#include <string.h>

#include "mail/header.h"

#include "base/banned.h"

#define DAY_S	86400

static const char months[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char days[7][4] = {
	"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed",	/* 1970-01-01 */
};

/* RFC 5322 4.3; the letters of the military count as +0000, for RFC 822 had
 * them with the wrong sign. */
static const struct {
	const char	*name;
	int		minutes;
} zones[] = {
	{ "UT", 0 }, { "GMT", 0 }, { "UTC", 0 },
	{ "EST", -300 }, { "EDT", -240 }, { "CST", -360 }, { "CDT", -300 },
	{ "MST", -420 }, { "MDT", -360 }, { "PST", -480 }, { "PDT", -420 },
	{ "CET", 60 }, { "CEST", 120 }, { "JST", 540 },
};

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned
month_length(int64_t year, unsigned month)
{
	static const uint8_t length[12] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
	};

	return length[month - 1] + (month == 2 && is_leap(year));
}

bool
date_days(int64_t year, unsigned month, unsigned day, int64_t *days_out)
{
	int64_t y, era, yoe, doy;

	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
	    day > month_length(year, month))
		return false;
	/* Count years from March, so that the leap day comes last. */
	y = month <= 2 ? year - 1 : year;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 +
	    day - 1;
	*days_out = era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	    719468;
	return true;
}

struct civil {
	int64_t		year;
	unsigned	month, day, hour, minute, second, weekday;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The inverse; out-of-range times are cut to years 1-9999. */
static struct civil
civil_of(int64_t s)
{
	int64_t first = -62135596800, last = 253402300799, day, z, era, doe,
	    yoe, doy, mp;
	struct civil c;

	s = s < first ? first : s > last ? last : s;
	day = floor_div(s, DAY_S);
	z = day + 719468;
	era = floor_div(z, 146097);
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	c.day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	c.year = yoe + era * 400 + (c.month <= 2);
	s -= day * DAY_S;
	c.hour = (unsigned)(s / 3600);
	c.minute = (unsigned)(s / 60 % 60);
	c.second = (unsigned)(s % 60);
	c.weekday = (unsigned)(day - floor_div(day, 7) * 7);
	return c;
}

/* --- reading ------------------------------------------------------------- */

/* min to max digits; a digit more is no number. */
static bool
take_number(struct str *s, size_t min, size_t max, unsigned *out)
{
	size_t i = 0;
	unsigned v = 0;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		if (i == max)
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	if (i < min)
		return false;
	*s = str_from(*s, i);
	*out = v;
	return true;
}

static bool
take_char(struct str *s, uint8_t c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static struct str
take_letters(struct str *s)
{
	size_t i = 0;
	struct str word;

	while (i < s->n && ((s->p[i] | 32) >= 'a' && (s->p[i] | 32) <= 'z'))
		i++;
	word = str_sub(*s, 0, i);
	*s = str_from(*s, i);
	return word;
}

/* "Nov", also "November". */
static bool
take_month(struct str *s, unsigned *out)
{
	struct str word = take_letters(s);

	for (unsigned i = 0; i < 12; i++)
		if (word.n >= 3 && str_is(str_sub(word, 0, 3), months[i])) {
			*out = i + 1;
			return true;
		}
	return false;
}

static bool
take_offset(struct str *s, int *zone_out)
{
	unsigned v;
	int sign;

	if (take_char(s, '+'))
		sign = 1;
	else if (take_char(s, '-'))
		sign = -1;
	else
		return false;
	if (!take_number(s, 4, 4, &v) || v % 100 > 59)
		return false;
	*zone_out = sign * (int)(v / 100 * 60 + v % 100);
	return true;
}

/* A zone that nobody knows, or none at all, is taken as UTC. */
static bool
take_zone(struct str *s, int *zone_out)
{
	struct str word;

	*zone_out = 0;
	if (s->n > 0 && (s->p[0] == '+' || s->p[0] == '-'))
		return take_offset(s, zone_out);
	word = take_letters(s);
	for (size_t i = 0; i < NITEMS(zones); i++)
		if (str_is(word, zones[i].name))
			*zone_out = zones[i].minutes;
	return true;
}

/* hh:mm[:ss]; 60 is a leap second. */
static bool
take_time(struct str *s, bool seconds_needed, struct civil *c)
{
	c->second = 0;
	if (!take_number(s, 1, 2, &c->hour) || !take_char(s, ':') ||
	    !take_number(s, 2, 2, &c->minute))
		return false;
	if (take_char(s, ':')) {
		if (!take_number(s, 2, 2, &c->second))
			return false;
	} else if (seconds_needed) {
		return false;
	}
	return c->hour < 24 && c->minute < 60 && c->second <= 60;
}

static bool
put_together(const struct civil *c, int zone, int64_t *utc_s_out,
    int64_t *day_out)
{
	int64_t day;

	if (!date_days(c->year, c->month, c->day, &day))
		return false;
	*utc_s_out = day * DAY_S + c->hour * 3600 + c->minute * 60 +
	    c->second - zone * 60;
	if (day_out != NULL)
		*day_out = day;
	return true;
}

/* [week day ","] day month year */
static bool
take_date(struct str *s, struct civil *c)
{
	size_t digits;
	unsigned year;

	header_skip_cfws(s);
	if (take_letters(s).n > 0) {
		header_skip_cfws(s);
		(void)take_char(s, ',');
		header_skip_cfws(s);
	}
	if (!take_number(s, 1, 2, &c->day))
		return false;
	header_skip_cfws(s);
	if (!take_month(s, &c->month))
		return false;
	header_skip_cfws(s);
	digits = s->n;
	if (!take_number(s, 2, 4, &year))
		return false;
	digits -= s->n;
	c->year = digits == 4 ? year :
	    year + (digits == 2 && year < 50 ? 2000 : 1900);
	header_skip_cfws(s);
	return true;
}

int
date_parse(struct str s, int64_t *utc_s_out, int *zone_out, int64_t *day_out)
{
	struct civil c;
	int zone;

	if (!take_date(&s, &c) || !take_time(&s, false, &c))
		return FAIL_SYNTAX;
	header_skip_cfws(&s);
	if (!take_zone(&s, &zone) ||
	    !put_together(&c, zone, utc_s_out, day_out))
		return FAIL_SYNTAX;
	if (zone_out != NULL)
		*zone_out = zone;
	return 0;
}

/* d-Mon-yyyy */
static bool
take_imap_day(struct str *s, struct civil *c)
{
	unsigned year;

	if (!take_number(s, 1, 2, &c->day) || !take_char(s, '-') ||
	    s->n < 4 || s->p[3] != '-' || !take_month(s, &c->month) ||
	    !take_char(s, '-') || !take_number(s, 4, 4, &year))
		return false;
	c->year = year;
	return true;
}

int
date_imap_parse(struct str s, int64_t *utc_s_out, int *zone_out)
{
	struct civil c;
	bool is_padded = take_char(&s, ' ');
	size_t n = s.n;
	int zone;

	if (!take_imap_day(&s, &c) || n - s.n != (is_padded ? 10 : 11) ||
	    !take_char(&s, ' ') || !take_time(&s, true, &c) ||
	    !take_char(&s, ' ') || !take_offset(&s, &zone) || s.n > 0 ||
	    !put_together(&c, zone, utc_s_out, NULL))
		return FAIL_SYNTAX;
	if (zone_out != NULL)
		*zone_out = zone;
	return 0;
}

int
date_imap_day(struct str s, int64_t *day_out)
{
	struct civil c;

	if (!take_imap_day(&s, &c) || s.n > 0 ||
	    !date_days(c.year, c.month, c.day, day_out))
		return FAIL_SYNTAX;
	return 0;
}

/* --- writing ------------------------------------------------------------- */

/* Zones are at most four digits, whatever was asked for. */
static int
zone_digits(int zone)
{
	int m = zone < 0 ? -zone : zone;

	m = m > 99 * 60 + 59 ? 99 * 60 + 59 : m;
	return m / 60 * 100 + m % 60;
}

void
date_format(int64_t utc_s, int zone, char out[DATE_TEXT_MAX])
{
	struct civil c = civil_of(utc_s + (int64_t)zone * 60);

	(void)snprintf(out, DATE_TEXT_MAX,
	    "%s, %u %s %04u %02u:%02u:%02u %c%04d", days[c.weekday],
	    c.day, months[c.month - 1], (unsigned)c.year, c.hour, c.minute,
	    c.second, zone < 0 ? '-' : '+', zone_digits(zone));
}

void
date_imap_format(int64_t utc_s, int zone, char out[DATE_TEXT_MAX])
{
	struct civil c = civil_of(utc_s + (int64_t)zone * 60);

	(void)snprintf(out, DATE_TEXT_MAX,
	    "%02u-%s-%04u %02u:%02u:%02u %c%04d", c.day,
	    months[c.month - 1], (unsigned)c.year, c.hour, c.minute,
	    c.second, zone < 0 ? '-' : '+', zone_digits(zone));
}
