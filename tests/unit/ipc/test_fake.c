/* SPDX-License-Identifier: ISC */
/*
 * The helper of tests is tested too: fields by name, kinds by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "ipc/fake.h"

static void
test_kinds(void **state)
{
	(void)state;
	assert_int_equal(note_kind_of(STR("AUTH_CHECK")), NOTE_AUTH_CHECK);
	assert_int_equal(note_kind_of(STR("AUTH_CHEC")), NOTE_NONE);
	assert_int_equal(note_kind_of(STR("")), NOTE_NONE);
}

static void
test_fields(void **state)
{
	static const struct { const char *field, *value; int result; }
	    rows[] = {
		{ "result", "2", 0 }, { "account", "joe@example.org", 0 },
		{ "expires_ms", "-5", 0 }, { "grant", "g", 0 },
		{ "result", "-1", FAIL_SYNTAX },
		{ "result", "4294967296", FAIL_SYNTAX },
		{ "result", "x", FAIL_SYNTAX },
		{ "nothing", "1", FAIL_GONE },
		{ "grant", "123456789012345678901234567890123", FAIL_TOO_BIG },
	};
	struct arena arena;
	struct note n;
	struct buf b;

	(void)state;
	arena_init(&arena, 4096);
	note_init(&n, NOTE_AUTH_VERDICT);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(note_set(&n, str_of(rows[i].field),
		    str_of(rows[i].value), &arena), rows[i].result);
		if (rows[i].result != 0)
			continue;
		buf_init(&b, 1000);
		assert_int_equal(note_get(&n, str_of(rows[i].field), &b), 0);
		assert_string_equal(buf_cstr(&b), rows[i].value);
		buf_free(&b);
	}
	buf_init(&b, 1000);
	assert_int_equal(note_get(&n, STR("nothing"), &b), FAIL_GONE);
	buf_free(&b);
	arena_free(&arena);
}

static void
on_note(struct chan *c, const struct note *n, void *arg)
{
	(void)c;
	*(enum note_kind *)arg = n->kind;
}

static void
on_end(struct chan *c, void *arg)
{
	struct note_go n = { .boot = 0 };

	(void)arg;
	note_put_go(c, &n);	/* harmless: it is over */
}

static void
test_say_and_hear(void **state)
{
	enum note_kind heard = NOTE_NONE;
	struct note n;
	struct fake f;

	(void)state;
	fake_init(&f, MASTER, SMTPD, 0, on_note, on_end, &heard);
	assert_false(fake_next(&f, &n));
	note_init(&n, NOTE_READY);
	fake_say(&f, &n);
	assert_int_equal(heard, NOTE_READY);
	note_put_go(f.chan, &(struct note_go){ .boot = 7 });
	assert_true(fake_next(&f, &n));
	assert_int_equal(n.u.go.boot, 7);
	fake_die(&f);
	assert_false(chan_ok(f.chan));
	fake_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_say_and_hear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
