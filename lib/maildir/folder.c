/* SPDX-License-Identifier: ISC */
/*
 * maildir/folder.c - mailbox names to folders of Maildir++ and back.
 */
#include "maildir/folder.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

#include "base/banned.h"

static const char alphabet[] =	/* RFC 3501 5.1.3: base64 with ',' */
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* --- modified UTF-7 ------------------------------------------------------ */

struct bits {
	uint32_t	held;
	unsigned	n;
};

static void
put_unit(struct buf *out, struct bits *b, uint16_t unit)
{
	b->held = b->held << 16 | unit;
	for (b->n += 16; b->n >= 6; b->n -= 6)
		buf_c(out, (uint8_t)alphabet[b->held >> (b->n - 6) & 63]);
}

static void
end_run(struct buf *out, struct bits *b)
{
	if (b->n > 0)
		buf_c(out, (uint8_t)alphabet[b->held << (6 - b->n) & 63]);
	b->n = 0;
	buf_c(out, '-');
}

/* One octet of a level that stands for itself, or its escape. */
static void
put_plain(struct buf *out, uint32_t c)
{
	switch (c) {
	case '/':
		buf_c(out, '.');
		break;
	case '&':
		buf_z(out, "&-");
		break;
	case '.':
	case '\\':
		buf_fmt(out, "\\%02x", (unsigned)c);
		break;
	default:
		buf_c(out, (uint8_t)c);
	}
}

static int
encode_levels(struct str name, struct buf *out)
{
	struct bits b = { 0, 0 };
	bool in_run = false, at_level = true;
	uint32_t c;

	while (name.n > 0) {
		if (!utf8_next(&name, &c) || c < ' ' || c == 127 ||
		    (c == '/' && at_level))
			return FAIL_SYNTAX;
		at_level = c == '/';
		if (c < 127) {
			if (in_run)
				end_run(out, &b);
			in_run = false;
			put_plain(out, c);
			continue;
		}
		if (!in_run)
			buf_c(out, '&');
		in_run = true;
		if (c > 0xffff) {
			c -= 0x10000;
			put_unit(out, &b, (uint16_t)(0xd800 | c >> 10));
			c = 0xdc00 | (c & 0x3ff);
		}
		put_unit(out, &b, (uint16_t)c);
	}
	if (in_run)
		end_run(out, &b);
	return at_level ? FAIL_SYNTAX : 0;
}

int
folder_encode(struct str name, char out[FOLDER_BUF])
{
	struct buf b;
	int r;

	if (str_is(name, "INBOX")) {
		snprintf(out, FOLDER_BUF, ".");
		return 0;
	}
	if (name.n > FOLDER_NAME_MAX)
		return FAIL_TOO_BIG;
	buf_init(&b, FOLDER_MAX);
	buf_c(&b, '.');
	r = encode_levels(name, &b);
	if (r == 0 && buf_failed(&b))
		r = FAIL_TOO_BIG;
	if (r == 0)
		snprintf(out, FOLDER_BUF, "%s", buf_cstr(&b));
	buf_free(&b);
	return r;
}

/* --- and back ------------------------------------------------------------ */

/* A run "&...-"; *at stands behind the '&' and is moved behind the '-'. */
static bool
decode_run(const char **at, struct buf *out)
{
	uint32_t held = 0, high = 0, unit;
	const char *found;
	unsigned n = 0;

	for (; **at != '-'; (*at)++) {
		if (**at == '\0' || (found = strchr(alphabet, **at)) == NULL)
			return false;
		held = held << 6 | (uint32_t)(found - alphabet);
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		unit = held >> n & 0xffff;
		if (high != 0) {
			if (unit < 0xdc00 || unit > 0xdfff)
				return false;
			utf8_put(out, 0x10000 + ((high & 0x3ff) << 10) +
			    (unit & 0x3ff));
			high = 0;
		} else if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
		} else if (unit >= 0xdc00 && unit <= 0xdfff) {
			return false;	/* the second half of nothing */
		} else {
			utf8_put(out, unit);
		}
	}
	(*at)++;
	return high == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
decode_levels(const char *at, struct buf *out)
{
	while (*at != '\0') {
		if (*at == '.') {
			buf_c(out, '/');
			at++;
		} else if (at[0] == '&' && at[1] == '-') {
			buf_c(out, '&');
			at += 2;
		} else if (*at == '&') {
			at++;
			if (!decode_run(&at, out))
				return false;
		} else if (*at == '\\' && hex_digit(at[1]) >= 0 &&
		    hex_digit(at[2]) >= 0) {
			buf_c(out, (uint8_t)(hex_digit(at[1]) * 16 +
			    hex_digit(at[2])));
			at += 3;
		} else {
			buf_c(out, (uint8_t)*at++);
		}
	}
	return !buf_failed(out);
}

int
folder_decode(const char *folder, char out[FOLDER_NAME_BUF])
{
	char again[FOLDER_BUF];
	struct buf b;
	int r = FAIL_SYNTAX;

	if (folder[0] != '.' || strlen(folder) > FOLDER_MAX)
		return FAIL_SYNTAX;
	buf_init(&b, FOLDER_NAME_MAX);
	/* What would not come out the same is no name of ours: two folders
	 * must never be one mailbox. */
	if (decode_levels(folder + 1, &b) &&
	    folder_encode(buf_str(&b), again) == 0 &&
	    strcmp(again, folder) == 0) {
		snprintf(out, FOLDER_NAME_BUF, "%s", buf_cstr(&b));
		r = 0;
	}
	buf_free(&b);
	return r;
}

/* --- accounts ------------------------------------------------------------ */

static void
put_safe(struct buf *out, struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || s.p[i] == '/' ||
		    s.p[i] == '%' || (i == 0 && s.p[i] == '.'))
			buf_fmt(out, "%%%02X", (unsigned)s.p[i]);
		else
			buf_c(out, s.p[i]);
}

int
folder_account(struct str account, char out[FOLDER_ACCOUNT_BUF])
{
	size_t at = str_rchr(account, '@');
	struct buf b;
	int r = 0;

	if (account.n == 0 || account.n > 320 || at == 0)
		return FAIL_SYNTAX;
	buf_init(&b, FOLDER_ACCOUNT_BUF - 1);
	if (at + 1 < account.n)
		put_safe(&b, str_from(account, at + 1));
	else
		buf_c(&b, '_');		/* an account without domain */
	buf_c(&b, '/');
	put_safe(&b, str_sub(account, 0, at));
	if (buf_failed(&b) || at > 64)
		r = FAIL_TOO_BIG;
	else
		snprintf(out, FOLDER_ACCOUNT_BUF, "%s", buf_cstr(&b));
	buf_free(&b);
	return r;
}
