/* SPDX-License-Identifier: ISC */
/*
 * Line ends: every filter in chunks of every size, and the way to disk and
 * back loses nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "mail/wire.h"

#include "base/banned.h"

typedef void filter_fn(void *, struct str, bool, struct buf *);

static const struct {
	filter_fn	*filter;
	const char	*in, *out;
} cases[] = {
	{ wire_from_disk, "a\nb\n", "a\r\nb\r\n" },
	{ wire_from_disk, "a\r\nb\n", "a\r\nb\r\n" },
	{ wire_from_disk, "\n\n", "\r\n\r\n" },
	{ wire_from_disk, "a\rb", "a\rb" },
	{ wire_from_disk, "a\r", "a\r" },
	{ wire_from_disk, "\r\r\n", "\r\r\n" },
	{ wire_from_disk, ".\n.", ".\r\n." },
	{ wire_from_disk, "", "" },
	{ wire_from_disk_dots, ".\n", "..\r\n" },
	{ wire_from_disk_dots, "a\n.b\n..\n", "a\r\n..b\r\n...\r\n" },
	{ wire_from_disk_dots, "a.\nb", "a.\r\nb\r\n" },
	{ wire_from_disk_dots, "a\r\n.", "a\r\n..\r\n" },
	{ wire_from_disk_dots, "a\r.\n", "a\r.\r\n" },
	{ wire_from_disk_dots, "\r", "\r\r\n" },
	{ wire_from_disk_dots, "", "" },
	{ wire_to_disk, "a\r\nb\r\n", "a\nb\n" },
	{ wire_to_disk, "a\nb", "a\nb" },
	{ wire_to_disk, "a\rb\r", "a\rb\r" },
	{ wire_to_disk, "\r\r\n", "\r\r\n" },
	{ wire_to_disk, "a\r\r\r\n", "a\r\r\r\n" },
	{ wire_to_disk, "\r\n\r\n", "\n\n" },
};

static void
test_filters(void **state)
{
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < NITEMS(cases); i++) {
		struct str in = str_of(cases[i].in);

		for (size_t step = 1; step <= in.n + 1; step++) {
			struct wire w = { .last = 0 };
			size_t at = 0;

			buf_reset(&b);
			do {
				struct str part = str_sub(in, at, step);

				at += part.n;
				cases[i].filter(&w, part, at == in.n, &b);
			} while (at < in.n);
			if (!str_same(buf_str(&b), cases[i].out))
				fail_msg("case %zu, step %zu: %s", i, step,
				    buf_cstr(&b));
		}
	}
	buf_free(&b);
}

static void
test_nul(void **state)
{
	struct wire w = { .last = 0 };
	struct buf b;

	buf_init(&b, 100);
	buf_z(&b, "x");
	wire_from_disk_imap(&w, STR("a\0b\n\0"), true, &b);
	assert_true(str_eq(buf_str(&b), STR("xa\200b\r\n\200")));
	buf_free(&b);
}

/* All texts of 7 octets of CR, LF, dot and x: what is on the wire once comes
 * back as it was, but for bare LFs; the size is what is sent. */
static void
test_round_trip(void **state)
{
	static const char set[] = "\r\n.x";
	struct buf disk, wire, again;

	buf_init(&disk, 100);
	buf_init(&wire, 100);
	buf_init(&again, 100);
	for (unsigned v = 0; v < 1u << 14; v++) {
		struct wire a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
		char text[7];

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = set[v >> (2 * i) & 3];
		buf_reset(&disk);
		buf_reset(&wire);
		buf_reset(&again);
		wire_from_disk(&a, str_mem(text, sizeof(text)), true, &wire);
		assert_int_equal(wire_size(&b, str_mem(text, sizeof(text))),
		    wire.len);
		wire_to_disk(&c, buf_str(&wire), true, &disk);
		wire_from_disk(&d, buf_str(&disk), true, &again);
		assert_true(str_eq(buf_str(&wire), buf_str(&again)));
	}
	buf_free(&disk);
	buf_free(&wire);
	buf_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
