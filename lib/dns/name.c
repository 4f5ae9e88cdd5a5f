/* SPDX-License-Identifier: ISC */
/*
 * dns/name.c - names of the DNS, RFC 1035 2.3.4, 3.1 and 5.1; case by
 * RFC 4343.
 */
#include "dns/name.h"

#include <string.h>

#include "base/banned.h"

enum { LABEL_MAX = 63 };

/* The next octet of a label; *is_dot: an unescaped dot instead. */
static int
take_octet(struct str *s, uint8_t *c_out, bool *is_dot_out)
{
	uint8_t c = s->p[0];
	uint64_t v;

	*is_dot_out = c == '.';
	*s = str_from(*s, 1);
	if (c != '\\') {
		*c_out = c;
		return c > ' ' && c < 127 ? 0 : FAIL_SYNTAX;
	}
	if (s->n == 0)
		return FAIL_SYNTAX;
	if (s->p[0] < '0' || s->p[0] > '9') {
		*c_out = s->p[0];
		*s = str_from(*s, 1);
		return *c_out > ' ' && *c_out < 127 ? 0 : FAIL_SYNTAX;
	}
	if (s->n < 3 || !str_u64(str_sub(*s, 0, 3), 255, &v))
		return FAIL_SYNTAX;
	*c_out = (uint8_t)v;
	*s = str_from(*s, 3);
	return 0;
}

/* One label and the dot behind it. */
static int
take_label(struct str *s, struct dns_name *name)
{
	size_t at = name->n, len = 0;
	bool is_dot = false;
	uint8_t c;
	int r;

	while (s->n > 0) {
		if ((r = take_octet(s, &c, &is_dot)) != 0)
			return r;
		if (is_dot)
			break;
		/* room for its length and for the root */
		if (len == LABEL_MAX || at + 1 + len + 1 >= DNS_NAME_MAX)
			return FAIL_TOO_BIG;
		name->wire[at + 1 + len++] = c;
	}
	if (len == 0)
		return FAIL_SYNTAX;
	name->wire[at] = (uint8_t)len;
	name->n = (uint8_t)(at + 1 + len);
	return 0;
}

int
dns_name_parse(struct str text, struct dns_name *out)
{
	struct dns_name name = { .n = 0 };
	int r;

	if (text.n == 0)
		return FAIL_SYNTAX;
	if (!str_same(text, "."))
		while (text.n > 0)
			if ((r = take_label(&text, &name)) != 0)
				return r;
	name.wire[name.n++] = 0;
	*out = name;
	return 0;
}

int
dns_name_of_wire(struct str wire, struct dns_name *out)
{
	size_t at = 0;

	if (wire.n == 0 || wire.n > DNS_NAME_MAX)
		return FAIL_SYNTAX;
	while (at < wire.n && wire.p[at] != 0) {
		if (wire.p[at] > LABEL_MAX)
			return FAIL_SYNTAX;
		at += 1u + wire.p[at];
	}
	if (at + 1 != wire.n)
		return FAIL_SYNTAX;
	memset(out, 0, sizeof(*out));
	memcpy(out->wire, wire.p, wire.n);
	out->n = (uint8_t)wire.n;
	return 0;
}

static void
put_octet(uint8_t c, struct buf *out)
{
	if (c == '.' || c == '\\')
		buf_fmt(out, "\\%c", c);
	else if (c <= ' ' || c >= 127)
		buf_fmt(out, "\\%03u", c);
	else
		buf_c(out, (uint8_t)ascii_lower(c));
}

void
dns_name_text(const struct dns_name *name, struct buf *out)
{
	if (name->n <= 1)
		buf_c(out, '.');
	for (size_t at = 0; at + 1 < name->n; at += 1u + name->wire[at]) {
		if (at > 0)
			buf_c(out, '.');
		for (size_t i = 1; i <= name->wire[at]; i++)
			put_octet(name->wire[at + i], out);
	}
}

/* Lengths are below 64 and no letters: the whole can be compared at once. */
bool
dns_name_eq(const struct dns_name *a, const struct dns_name *b)
{
	return str_ieq(dns_name_str(a), dns_name_str(b));
}

void
dns_name_lower(struct dns_name *name)
{
	for (size_t i = 0; i < name->n; i++)
		name->wire[i] = (uint8_t)ascii_lower(name->wire[i]);
}

void
dns_name_mix(struct dns_name *name, const uint8_t bits[32])
{
	for (size_t i = 0; i < name->n; i++)
		name->wire[i] = (uint8_t)(bits[i / 8] >> i % 8 & 1
		    ? ascii_upper(name->wire[i]) : ascii_lower(name->wire[i]));
}

struct str
dns_name_str(const struct dns_name *name)
{
	return str_mem(name->wire, name->n);
}
