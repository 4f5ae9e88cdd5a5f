/* SPDX-License-Identifier: ISC */
/*
 * base/enc.c - base64, hexadecimal, quoted-printable, xtext, JSON.
 *
 * RFC 4648 (base64), RFC 2045 6.7 (quoted-printable), RFC 2047 4.2 ("Q"),
 * RFC 3461 4 (xtext), RFC 8259 7 (JSON).
 */
#include "base/enc.h"

#include "base/fail.h"
#include "base/utf8.h"

#include "base/banned.h"

static const char digits64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char lower16[] = "0123456789abcdef";
static const char upper16[] = "0123456789ABCDEF";

/* Value of a base64 digit, -1 of any other byte. */
static int
value64(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int
value16(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
enc_base64(struct buf *out, struct str in)
{
	for (; in.n > 0; in = str_from(in, 3)) {
		uint32_t v = (uint32_t)in.p[0] << 16;
		char four[4];

		if (in.n > 1)
			v |= (uint32_t)in.p[1] << 8;
		if (in.n > 2)
			v |= in.p[2];
		four[0] = digits64[v >> 18];
		four[1] = digits64[v >> 12 & 63];
		four[2] = in.n > 1 ? digits64[v >> 6 & 63] : '=';
		four[3] = in.n > 2 ? digits64[v & 63] : '=';
		buf_mem(out, four, 4);
	}
}

/* The bytes of a group of 2, 3 or 4 digits; what is left over in v. */
static uint32_t
put_group(struct buf *out, uint32_t v, unsigned digits)
{
	unsigned left = digits * 6;

	while (left >= 8) {
		left -= 8;
		buf_c(out, (uint8_t)(v >> left));
	}
	return v & ((1u << left) - 1);
}

static unsigned
padding(struct str in)
{
	if (str_ends(in, "=="))
		return 2;
	return str_ends(in, "=") ? 1 : 0;
}

int
dec_base64(struct buf *out, struct str in)
{
	unsigned pad = padding(in), digits = 0;
	uint32_t v = 0;

	if (in.n % 4 != 0)
		return FAIL_SYNTAX;
	for (size_t i = 0; i < in.n - pad; i++) {
		int six = value64(in.p[i]);

		if (six < 0)
			return FAIL_SYNTAX;
		v = v << 6 | (uint32_t)six;
		if (++digits == 4) {
			put_group(out, v, 4);
			v = digits = 0;
		}
	}
	if (digits > 0 && put_group(out, v, digits) != 0)
		return FAIL_SYNTAX;
	return buf_failed(out) ? FAIL_TOO_BIG : 0;
}

void
dec_base64_mime(struct buf *out, struct str in)
{
	unsigned digits = 0;
	uint32_t v = 0;

	for (size_t i = 0; i < in.n && in.p[i] != '='; i++) {
		int six = value64(in.p[i]);

		if (six < 0)
			continue;
		v = v << 6 | (uint32_t)six;
		if (++digits == 4) {
			put_group(out, v, 4);
			v = digits = 0;
		}
	}
	if (digits > 1)
		put_group(out, v, digits);
}

void
enc_hex(struct buf *out, struct str in)
{
	for (size_t i = 0; i < in.n; i++) {
		buf_c(out, (uint8_t)lower16[in.p[i] >> 4]);
		buf_c(out, (uint8_t)lower16[in.p[i] & 15]);
	}
}

/* The byte that two hexadecimal digits at the front of s say, or -1. */
static int
hex_byte(struct str s)
{
	int hi, lo;

	if (s.n < 2 || (hi = value16(s.p[0])) < 0 ||
	    (lo = value16(s.p[1])) < 0)
		return -1;
	return hi << 4 | lo;
}

int
dec_hex(struct buf *out, struct str in)
{
	for (; in.n > 0; in = str_from(in, 2)) {
		int c = hex_byte(in);

		if (c < 0)
			return FAIL_SYNTAX;
		buf_c(out, (uint8_t)c);
	}
	return buf_failed(out) ? FAIL_TOO_BIG : 0;
}

/* One line without its end.  A '=' at the end joins it with the next; white
 * space there was added in transport and goes (RFC 2045 6.7 rule 3). */
static bool
qp_line(struct buf *out, struct str line)
{
	while (line.n > 0 && (line.p[line.n - 1] == ' ' ||
	    line.p[line.n - 1] == '\t'))
		line.n--;
	while (line.n > 0) {
		int c = line.p[0] == '=' ? hex_byte(str_from(line, 1)) : -1;

		if (line.p[0] == '=' && line.n == 1)
			return true;
		buf_c(out, c < 0 ? line.p[0] : (uint8_t)c);
		line = str_from(line, c < 0 ? 1 : 3);
	}
	return false;
}

/* Broken "=XY" stands as it is: RFC 2045 leaves it to us, and the reader
 * sees more than if it were dropped. */
void
dec_qp(struct buf *out, struct str in)
{
	while (in.n > 0) {
		size_t lf = str_chr(in, '\n');
		size_t n = lf;
		bool joined;

		if (n > 0 && lf < in.n && in.p[n - 1] == '\r')
			n--;
		joined = qp_line(out, str_sub(in, 0, n));
		if (lf == in.n)
			break;
		if (!joined)
			buf_add(out, str_sub(in, n, lf + 1 - n));
		in = str_from(in, lf + 1);
	}
}

void
dec_qp_word(struct buf *out, struct str in)
{
	while (in.n > 0) {
		int c = in.p[0] == '=' ? hex_byte(str_from(in, 1)) : -1;

		if (c < 0)
			c = in.p[0] == '_' ? ' ' : in.p[0];
		else
			in = str_from(in, 2);
		buf_c(out, (uint8_t)c);
		in = str_from(in, 1);
	}
}

static bool
is_xchar(uint8_t c)
{
	return c >= '!' && c <= '~' && c != '+' && c != '=';
}

int
dec_xtext(struct buf *out, struct str in)
{
	while (in.n > 0) {
		struct str hex = str_sub(in, 1, 2);
		int c = in.p[0];

		if (c == '+') {
			if ((c = hex_byte(hex)) < 0 ||
			    ascii_upper(hex.p[0]) != hex.p[0] ||
			    ascii_upper(hex.p[1]) != hex.p[1])
				return FAIL_SYNTAX;
			in = str_from(in, 3);
		} else {
			if (!is_xchar((uint8_t)c))
				return FAIL_SYNTAX;
			in = str_from(in, 1);
		}
		buf_c(out, (uint8_t)c);
	}
	return buf_failed(out) ? FAIL_TOO_BIG : 0;
}

void
enc_xtext(struct buf *out, struct str in)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (is_xchar(c)) {
			buf_c(out, c);
			continue;
		}
		buf_c(out, '+');
		buf_c(out, (uint8_t)upper16[c >> 4]);
		buf_c(out, (uint8_t)upper16[c & 15]);
	}
}

void
enc_json(struct buf *out, struct str in)
{
	uint32_t cp;

	buf_c(out, '"');
	while (in.n > 0) {
		if (!utf8_next(&in, &cp)) {
			buf_fmt(out, "\\\\x%02X", in.p[0]);
			in = str_from(in, 1);
			continue;
		}
		if (cp == '"' || cp == '\\')
			buf_fmt(out, "\\%c", (char)cp);
		else if (cp < 32 || cp == 127)
			buf_fmt(out, "\\u%04x", cp);
		else
			utf8_put(out, cp);
	}
	buf_c(out, '"');
}
