/* SPDX-License-Identifier: ISC */
/* The names log: lines, torn tails, damaged lines. */
#include "maildir/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/maildir/world.h"

static struct world w;

static int
setup(void **state)
{
	(void)state;
	world_init(&w);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_free(&w);
	return 0;
}

static void
lines(void **state)
{
	struct names_entry e = { .uid = 7, .internaldate_s = -5,
	    .savedate_s = 1764180000, .emailid = 0xabcdef,
	    .base = "1.a b%c\n\x01:x" }, got;
	struct names_head h = { .uidvalidity = 9, .mailboxid = { 1, 2, 255 },
	    .nonce = 77 }, hg;
	struct buf b;
	struct str s;
	size_t i;

	(void)state;
	buf_init(&b, NAMES_LINE_MAX);
	names_entry_put(&e, &b);
	s = buf_str(&b);
	assert_int_equal(str_chr(s, '\n'), s.n - 1);
	assert_int_equal(names_entry_get(s, &got), 0);
	assert_int_equal(got.uid, 7);
	assert_true(got.internaldate_s == -5 && got.savedate_s == 1764180000);
	assert_true(got.emailid == 0xabcdef);
	assert_string_equal(got.base, e.base);
	for (i = 0; i < s.n; i++) {
		b.p[b.start + i] ^= 1;
		assert_int_equal(names_entry_get(s, &got), FAIL_SYNTAX);
		b.p[b.start + i] ^= 1;
	}
	assert_int_equal(names_entry_get(str_sub(s, 0, s.n - 1), &got),
	    FAIL_SYNTAX);
	buf_reset(&b);
	names_head_put(&h, &b);
	assert_int_equal(names_head_get(buf_str(&b), &hg), 0);
	assert_int_equal(hg.uidvalidity, 9);
	assert_true(hg.nonce == 77);
	assert_memory_equal(hg.mailboxid, h.mailboxid, 16);
	buf_free(&b);
}

static void
file(void **state)
{
	struct names_head h = { .uidvalidity = 5, .nonce = 1 };
	struct names_entry e = { .uid = 1, .base = "1.x" };
	struct names_walk walk;
	struct names n;
	uint64_t at[300], where, size;
	unsigned i;

	(void)state;
	assert_int_equal(names_open(&n, &w.v, w.place.mail), FAIL_GONE);
	assert_int_equal(names_create(&n, &w.v, w.place.mail, &h), 0);
	for (i = 0; i < 300; i++) {
		e.uid = i + 1;
		snprintf(e.base, sizeof(e.base), "%u.name-of-a-file", i);
		assert_int_equal(names_add(&n, &e, &at[i]), 0);
	}
	size = n.size;
	/* A torn line at the end goes; one in the middle is stepped over. */
	assert_int_equal(pwrite(n.fd, "deadbeef 301 1", 14, (off_t)n.size),
	    14);
	assert_int_equal(pwrite(n.fd, "X", 1, (off_t)at[9] + 12), 1);
	names_close(&n);
	assert_int_equal(names_open(&n, &w.v, w.place.mail), 0);
	assert_true(n.size == size);
	assert_int_equal(n.head.uidvalidity, 5);
	assert_int_equal(names_get(&n, at[299], &e), 0);
	assert_int_equal(e.uid, 300);
	assert_int_equal(names_get(&n, at[9], &e), FAIL_SYNTAX);
	assert_int_equal(names_get(&n, at[5] + 1, &e), FAIL_SYNTAX);
	assert_int_equal(names_get(&n, size, &e), FAIL_GONE);
	names_walk_begin(&walk, &n, names_first(&n));
	for (i = 0; names_walk_next(&walk, &e, &where); i++)
		assert_true(where == at[e.uid - 1]);
	assert_int_equal(i, 299);
	assert_int_equal(walk.damaged, 1);
	assert_int_equal(pwrite(n.fd, "X", 1, 3), 1);
	names_close(&n);
	assert_int_equal(names_open(&n, &w.v, w.place.mail), FAIL_PERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test_setup_teardown(file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
