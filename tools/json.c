/* SPDX-License-Identifier: ISC */
/*
 * tools/json.c - reads flat JSON objects (RFC 8259), no nesting: the control
 * socket has none.  Written they are by enc_json.
 */
#include "tools/json.h"

#include "base/utf8.h"

#include "base/banned.h"

static void
skip_blanks(struct str *s)
{
	while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = str_from(*s, 1);
}

static bool
take(struct str *s, uint8_t c)
{
	skip_blanks(s);
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool
take_hex4(struct str *s, uint32_t *v_out)
{
	uint32_t v = 0;

	if (s->n < 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		int c = ascii_lower(s->p[i]);

		if (c >= '0' && c <= '9')
			v = v * 16 + (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*s = str_from(*s, 4);
	*v_out = v;
	return true;
}

static bool
take_escape(struct str *s, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	uint32_t cp;

	if (s->n == 0)
		return false;
	for (size_t i = 0; i < sizeof(from) - 1; i++) {
		if (s->p[0] != (uint8_t)from[i])
			continue;
		buf_c(out, (uint8_t)to[i]);
		*s = str_from(*s, 1);
		return true;
	}
	if (s->p[0] != 'u')
		return false;
	*s = str_from(*s, 1);
	if (!take_hex4(s, &cp))
		return false;
	utf8_put(out, cp);
	return true;
}

static int
take_text(struct str *s, struct arena *a, struct str *text_out)
{
	struct buf b;
	int rc = FAIL_SYNTAX;

	buf_init(&b, 1 << 20);
	while (s->n > 0) {
		uint8_t c = s->p[0];

		*s = str_from(*s, 1);
		if (c == '"') {
			*text_out = arena_str(a, buf_str(&b));
			rc = buf_failed(&b) ? FAIL_TOO_BIG : 0;
			break;
		}
		if (c != '\\')
			buf_c(&b, c);
		else if (!take_escape(s, &b))
			break;
	}
	buf_free(&b);
	return rc;
}

static void
take_bare(struct str *s, struct str *value_out)
{
	size_t n = 0;

	skip_blanks(s);
	while (n < s->n && s->p[n] != ',' && s->p[n] != '}' && s->p[n] != ' ')
		n++;
	*value_out = str_sub(*s, 0, n);
	*s = str_from(*s, n);
}

static int
take_pair(struct str *s, struct arena *a, struct json_pair *p)
{
	int rc;

	if (!take(s, '"'))
		return FAIL_SYNTAX;
	if ((rc = take_text(s, a, &p->key)) != 0)
		return rc;
	if (!take(s, ':'))
		return FAIL_SYNTAX;
	p->is_text = take(s, '"');
	if (p->is_text)
		return take_text(s, a, &p->value);
	take_bare(s, &p->value);
	return p->value.n == 0 ? FAIL_SYNTAX : 0;
}

int
json_read(struct str line, struct arena *a, struct json_row *out)
{
	struct str s = str_chomp(line);
	int rc;

	out->n = 0;
	if (!take(&s, '{'))
		return FAIL_SYNTAX;
	if (take(&s, '}'))
		return 0;
	do {
		if (out->n == JSON_PAIRS_MAX)
			return FAIL_TOO_BIG;
		if ((rc = take_pair(&s, a, &out->pair[out->n])) != 0)
			return rc;
		out->n++;
	} while (take(&s, ','));
	return take(&s, '}') ? 0 : FAIL_SYNTAX;
}

struct str
json_get(const struct json_row *r, const char *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_same(r->pair[i].key, key))
			return r->pair[i].value;
	return (struct str){ NULL, 0 };
}

int64_t
json_num(const struct json_row *r, const char *key)
{
	struct str v = json_get(r, key);
	bool minus = v.n > 0 && v.p[0] == '-';
	uint64_t n;

	if (!str_u64(str_from(v, minus), INT64_MAX, &n))
		return 0;
	return minus ? -(int64_t)n : (int64_t)n;
}

bool
json_true(const struct json_row *r, const char *key)
{
	return str_same(json_get(r, key), "true");
}
