/* SPDX-License-Identifier: ISC */
/*
 * MIME walk: each message is fed whole, octet by octet, and with LF line
 * ends; all three must give the same parts with the same sizes on the wire.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "mail/mime.h"

#include "base/banned.h"

/* "[type/subtype header body lines (children)]", sizes on the wire. */
static const struct mime_case {
	const char	*in;
	const char	*tree;
} cases[] = {
	{ "A: b\r\n\r\nx\r\n", "[text/plain 8 3 1]" },
	{ "A: b\r\n\r\nx", "[text/plain 8 1 1]" },
	{ "A: b\r\n\r\n", "[text/plain 8 0 0]" },
	{ "A: b\r\n", "[text/plain 6 0 0]" },
	{ "", "[text/plain 0 0 0]" },
	{ "\r\nx\r\n\r\n", "[text/plain 2 5 2]" },
	{ "Content-Type: IMAGE/png\r\n\r\nx", "[IMAGE/png 27 1 1]" },
	/* an ordinary multipart, preamble and epilogue */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\n"
	  "one\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\n"
	  "post\r\n",
	  "[multipart/mixed 45 69 11([text/plain 2 3 1][text/html 27 5 1])]" },
	/* empty parts: the line end before a delimiter is the delimiter's */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n"
	  "--b\r\nA: b\r\n--b--",
	  "[multipart/mixed 45 28 6([text/plain 0 0 0][text/plain 2 0 0]"
	  "[text/plain 4 0 0])]" },
	/* blanks behind a delimiter are fine, other text is not */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b \t\r\n\r\n--bx\r\n"
	  "--b--x\r\n --b\r\n--b-- \r\n",
	  "[multipart/mixed 45 37 6([text/plain 2 18 3])]" },
	/* a prefix of a boundary is another boundary */
	{ "Content-Type: multipart/a; boundary=a\r\n\r\n--a\r\n"
	  "Content-Type: multipart/b; boundary=aa\r\n\r\n--aa\r\n\r\nx\r\n"
	  "--aa--\r\n--a--\r\n",
	  "[multipart/a 41 73 8([multipart/b 42 17 4([text/plain 2 1 1])])]" },
	/* the outer delimiter ends what is open inside */
	{ "Content-Type: multipart/a; boundary=a\r\n\r\n--a\r\n"
	  "Content-Type: multipart/b; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--a--\r\n",
	  "[multipart/a 41 63 7([multipart/b 41 8 3([text/plain 2 1 1])])]" },
	/* the same boundary twice: the innermost takes it */
	{ "Content-Type: multipart/a; boundary=a\r\n\r\n--a\r\n"
	  "Content-Type: multipart/b; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n"
	  "--a--\r\n",
	  "[multipart/a 41 70 8([multipart/b 41 15 4([text/plain 2 1 1])])]" },
	/* multiparts without a part get an empty one */
	{ "Content-Type: multipart/mixed\r\n\r\nx\r\n",
	  "[multipart/mixed 33 3 1([text/plain 0 0 0])]" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n--b\r\n",
	  "[multipart/mixed 45 12 2([text/plain 0 0 0])]" },
	{ "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n\r\nx",
	  "[multipart/mixed 46 7 3([text/plain 0 0 0])]" },
	/* a message in a message */
	{ "Content-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nx\r\n",
	  "[message/rfc822 32 17 3([text/plain 14 3 1])]" },
	{ "Content-Type: message/rfc822\r\n\r\n",
	  "[message/rfc822 32 0 0([text/plain 0 0 0])]" },
	{ "Content-Type: message/rfc822\r\n",
	  "[message/rfc822 30 0 0([text/plain 0 0 0])]" },
	{ "Content-Type: message/partial; id=x\r\n\r\nA: b\r\n\r\n",
	  "[message/partial 39 8 2]" },
	/* digests: RFC 2046 5.1.5 */
	{ "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n"
	  "Subject: s\r\n\r\nx\r\n--b\r\nContent-Type: text/plain\r\n\r\ny\r\n"
	  "--b--\r\n",
	  "[multipart/digest 46 67 10([message/rfc822 2 15 3([text/plain 14 1 1])]"
	  "[text/plain 28 1 1])]" },
	/* an empty line before the delimiter is the delimiter's, not the
	 * header's of the message in the message */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	  "Content-Type: message/rfc822\r\n\r\nS: t\r\n\r\n--b--\r\n",
	  "[multipart/mixed 45 52 6([message/rfc822 32 6 1([text/plain 6 0 0])])]" },
	/* the header of a part ends at a delimiter */
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	  "Content-Type: message/rfc822\r\n--b\r\n\r\nx\r\n--b--\r\n",
	  "[multipart/mixed 45 52 6([message/rfc822 28 0 0([text/plain 0 0 0])]"
	  "[text/plain 2 1 1])]" },
	/* broken types are text/plain; of doubled ones the first counts */
	{ "Content-Type: text\r\n\r\n", "[text/plain 22 0 0]" },
	{ "Content-Type:\r\n\r\n", "[text/plain 17 0 0]" },
	{ "Content-Type: //\r\n\r\n", "[text/plain 20 0 0]" },
	{ "Content-Type: \"text/html\"\r\n\r\n", "[text/plain 29 0 0]" },
	{ "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", "[a/b 40 0 0]" },
	{ "content-type : a/b (x)\r\n\r\n", "[a/b 26 0 0]" },
	{ "Content-Type: (x) a/b\r\n\r\n", "[a/b 25 0 0]" },
	{ " Content-Type: a/b\r\n\r\n", "[text/plain 22 0 0]" },
	/* a folded boundary in quotes, with a comment */
	{ "Content-Type: multipart/mixed;\r\n boundary (c) = \"b b\"\r\n\r\n"
	  "--b b\r\n\r\nx\r\n--b b--\r\n",
	  "[multipart/mixed 57 21 4([text/plain 2 1 1])]" },
};

static void
put_tree(struct buf *out, const struct mime *m)
{
	const struct mime_part *p = m->root;

	for (;;) {
		buf_fmt(out, "[%.*s/%.*s %" PRIu64 " %" PRIu64 " %" PRIu64,
		    STR_ARG(p->type), STR_ARG(p->subtype), p->header.wire,
		    p->body.wire, p->body.lines);
		if (p->child != NULL) {
			buf_c(out, '(');
			p = p->child;
			continue;
		}
		buf_c(out, ']');
		while (p != m->root && p->next == NULL) {
			buf_z(out, ")]");
			p = p->parent;
		}
		if (p == m->root)
			return;
		p = p->next;
	}
}

static void
check(const char *how, const struct mime_case *c, struct str in, size_t step)
{
	struct arena a;
	struct mime m;
	struct buf b;

	arena_init(&a, MIME_ARENA_CAP);
	buf_init(&b, 10000);
	assert_int_equal(mime_begin(&m, &a), 0);
	for (size_t at = 0; at < in.n; at += step)
		mime_feed(&m, str_sub(in, at, step));
	mime_end(&m);
	put_tree(&b, &m);
	if (strcmp(buf_cstr(&b), c->tree) != 0)
		fail_msg("%s, %s:\n%s\n%s", c->in, how, c->tree, buf_cstr(&b));
	assert_int_equal(m.whole.size, in.n);
	assert_int_equal(m.whole.wire, strlen(c->in));
	assert_int_equal(m.root->header.wire + m.root->body.wire,
	    m.whole.wire);
	buf_free(&b);
	arena_free(&a);
}

static void
test_trees(void **state)
{
	for (size_t i = 0; i < NITEMS(cases); i++) {
		const struct mime_case *c = &cases[i];
		struct buf lf;

		check("whole", c, str_of(c->in), 100000);
		check("by octets", c, str_of(c->in), 1);
		check("by sevens", c, str_of(c->in), 7);
		buf_init(&lf, 10000);
		buf_z(&lf, "");
		for (const char *p = c->in; *p != '\0'; p++)
			if (*p != '\r' || p[1] != '\n')
				buf_c(&lf, (uint8_t)*p);
		check("with LF", c, buf_str(&lf), 100000);
		check("with LF by octets", c, buf_str(&lf), 1);
		buf_free(&lf);
	}
}

/* Offsets lead to the bytes: what IMAP sends for BODY[1.2]. */
static void
test_offsets(void **state)
{
	const struct str in = STR("Content-Type: multipart/x; boundary=b\n\n"
	    "--b\n\none\n--b\nContent-Type: message/rfc822\n\nS: t\n\ntwo\n"
	    "three\n--b--\n");
	struct arena a;
	struct mime m;
	struct mime_part *p;

	arena_init(&a, MIME_ARENA_CAP);
	assert_int_equal(mime_begin(&m, &a), 0);
	mime_feed(&m, in);
	mime_end(&m);
	p = mime_find(&m, (uint32_t[]){ 1 }, 1);
	assert_true(str_same(str_sub(in, p->body.at, p->body.size), "one"));
	p = mime_find(&m, (uint32_t[]){ 2 }, 1);
	assert_true(str_same(str_sub(in, p->body.at, p->body.size),
	    "S: t\n\ntwo\nthree"));
	assert_int_equal(p->body.wire, p->body.size + 3);
	p = mime_find(&m, (uint32_t[]){ 2, 1 }, 2);
	assert_true(str_same(str_sub(in, p->body.at, p->body.size),
	    "two\nthree"));
	assert_true(str_same(str_sub(in, p->header.at, p->header.size),
	    "S: t\n\n"));
	assert_null(mime_find(&m, (uint32_t[]){ 3 }, 1));
	assert_null(mime_find(&m, (uint32_t[]){ 0 }, 1));
	assert_null(mime_find(&m, (uint32_t[]){ 1, 1 }, 2));
	assert_null(mime_find(&m, (uint32_t[]){ 2, 2 }, 2));
	assert_null(mime_find(&m, (uint32_t[]){ 2, 1, 1 }, 3));
	assert_ptr_equal(mime_find(&m, NULL, 0), m.root);
	arena_free(&a);
}

static struct mime_part *
walk(struct mime *m, struct arena *a, const char *in)
{
	arena_init(a, MIME_ARENA_CAP);
	assert_int_equal(mime_begin(m, a), 0);
	mime_feed(m, str_of(in));
	mime_end(m);
	return m->root;
}

static void
test_fields(void **state)
{
	struct arena a;
	struct mime m;
	struct mime_part *p = walk(&m, &a,
	    "Subject: one\r\n two \r\n"
	    "Subject: other\r\n"
	    "To: a@x\r\n"
	    "To:\r\n"
	    "TO : b@y\r\n"
	    "cc:\r\n"
	    "Content-ID: <i>\r\n"
	    "Content-Description:\r\n"
	    "Content-Transfer-Encoding: base64 junk\r\n"
	    "Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"\r\n"
	    "Content-Type: text/plain; charset; =x; charset=utf-8 (c);\r\n"
	    "\tCHARSET=latin1; name=\"a;b\"; empty=\"\"; x=1/2;;\r\n"
	    "\r\n");
	const struct str *f = p->message->field;

	assert_true(str_same(f[MIME_SUBJECT], "one\r\n two"));
	assert_true(str_same(f[MIME_TO], "a@x, b@y"));
	assert_non_null(f[MIME_CC].p);
	assert_int_equal(f[MIME_CC].n, 0);
	assert_null(f[MIME_FROM].p);
	assert_true(str_same(p->id, "<i>"));
	assert_null(p->description.p);
	assert_true(str_same(p->encoding, "base64"));
	assert_true(str_same(p->disposition, "attachment"));
	assert_true(str_same(mime_param_get(p->disposition_params,
	    "filename"), "a \"b\".txt"));
	assert_true(str_same(mime_param_get(p->params, "charset"), "utf-8"));
	assert_true(str_same(mime_param_get(p->params, "NAME"), "a;b"));
	assert_true(str_same(mime_param_get(p->params, "x"), "1/2"));
	assert_non_null(mime_param_get(p->params, "empty").p);
	assert_null(mime_param_get(p->params, "gone").p);
	assert_true(p->has_type);
	assert_false(m.has_8bit);
	assert_false(m.has_nul);
	arena_free(&a);
}

static void
feed_z(struct mime *m, const char *z)
{
	mime_feed(m, str_of(z));
}

/* Just at the limit nothing is lost, just past it the rest is opaque. */
static void
test_part_limit(void **state)
{
	for (int past = 0; past <= 1; past++) {
		struct arena a;
		struct mime m;

		arena_init(&a, MIME_ARENA_CAP);
		assert_int_equal(mime_begin(&m, &a), 0);
		feed_z(&m, "Content-Type: multipart/x; boundary=b\r\n\r\n");
		for (int i = 1; i < MIME_PARTS_MAX + past; i++)
			feed_z(&m, "--b\r\n\r\nx\r\n");
		feed_z(&m, "--b--\r\n");
		mime_end(&m);
		assert_int_equal(m.parts, MIME_PARTS_MAX);
		assert_int_equal(m.limited, past);
		assert_int_equal(m.root->last_child->number,
		    MIME_PARTS_MAX - 1);
		assert_int_equal(m.root->last_child->body.wire,
		    past ? 3 + 10 + 7 : 1);
		arena_free(&a);
	}
}

static void
test_depth_limit(void **state)
{
	for (int kind = 0; kind <= 1; kind++) {
		struct arena a;
		struct mime m;
		struct mime_part *p;
		unsigned deepest = 0;
		char text[200];

		arena_init(&a, MIME_ARENA_CAP);
		assert_int_equal(mime_begin(&m, &a), 0);
		for (int i = 0; i < 500; i++) {
			if (kind == 0)
				(void)snprintf(text, sizeof(text),
				    "Content-Type: message/rfc822\r\n\r\n");
			else
				(void)snprintf(text, sizeof(text),
				    "Content-Type: multipart/x; boundary=b%d"
				    "\r\n\r\n--b%d\r\n", i, i);
			feed_z(&m, text);
		}
		mime_end(&m);
		for (p = m.root; p != NULL; p = p->child)
			deepest = p->depth;
		assert_int_equal(deepest, MIME_DEPTH_MAX - 1);
		assert_true(m.limited);
		arena_free(&a);
	}
}

static void
test_boundary_limit(void **state)
{
	for (int past = 0; past <= 1; past++) {
		struct arena a;
		struct mime m;
		struct buf b;
		char line[MIME_BOUNDARY_MAX + 2];

		memset(line, 'b', sizeof(line));
		line[MIME_BOUNDARY_MAX + past] = '\0';
		buf_init(&b, 10000);
		buf_fmt(&b, "Content-Type: multipart/x; boundary=%s\r\n\r\n"
		    "--%s\r\n\r\none\r\n--%s--\r\n", line, line, line);
		(void)walk(&m, &a, buf_cstr(&b));
		assert_int_equal(m.root->child->body.wire, past ? 0 : 3);
		buf_free(&b);
		arena_free(&a);
	}
}

/* Many fields, long fields, many parameters: bounded, and the rest is read. */
static void
test_floods(void **state)
{
	struct arena a;
	struct mime m;
	size_t n = 0;

	arena_init(&a, MIME_ARENA_CAP);
	assert_int_equal(mime_begin(&m, &a), 0);
	for (int i = 0; i < 100000; i++)
		feed_z(&m, "To: somebody@example.org\r\n");
	feed_z(&m, "Subject: ");
	for (int i = 0; i < 100000; i++)
		feed_z(&m, "0123456789");
	feed_z(&m, "\r\nContent-Type: text/plain");
	for (int i = 0; i < 30000; i++) {
		char text[40];

		(void)snprintf(text, sizeof(text), ";\r\n p%d=v", i);
		feed_z(&m, text);
	}
	feed_z(&m, "\r\nDate: x\r\n\r\nbody\r\n");
	mime_end(&m);
	assert_true(m.root->message->field[MIME_TO].n <= MIME_FIELD_MAX + 64);
	assert_true(m.root->message->field[MIME_TO].n > MIME_FIELD_MAX - 64);
	assert_true(m.root->message->field[MIME_SUBJECT].n <= MIME_FIELD_MAX);
	assert_true(str_same(m.root->message->field[MIME_DATE], "x"));
	for (struct mime_param *p = m.root->params; p != NULL; p = p->next)
		n++;
	assert_int_equal(n, MIME_PARAMS_MAX);
	assert_int_equal(m.root->body.wire, 6);
	assert_true(a.used < MIME_ARENA_CAP / 8);
	arena_free(&a);
}

/* No memory: the walk ends all the same, and says so. */
static void
test_small_arena(void **state)
{
	struct arena a;
	struct mime m;

	arena_init(&a, 64 * 1024);
	assert_int_equal(mime_begin(&m, &a), 0);
	feed_z(&m, "Content-Type: multipart/x; boundary=b\r\n\r\n");
	for (int i = 0; i < 5000; i++)
		feed_z(&m, "--b\r\nContent-Type: text/plain; charset=x\r\n\r\n"
		    "x\r\n");
	mime_end(&m);
	assert_true(m.limited);
	assert_int_equal(m.root->header.wire + m.root->body.wire,
	    m.whole.wire);
	arena_free(&a);
	arena_init(&a, 16);
	assert_int_equal(mime_begin(&m, &a), FAIL_TOO_BIG);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_part_limit),
		cmocka_unit_test(test_depth_limit),
		cmocka_unit_test(test_boundary_limit),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_small_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
