/* SPDX-License-Identifier: ISC */
#include "table/users.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/table/scratch.h"

static int dir;

static int
setup(void **state)
{
	(void)state;
	dir = scratch_open();
	return dir < 0;
}

static int
teardown(void **state)
{
	(void)state;
	scratch_close(dir);
	return 0;
}

static int
find(struct users *u, const char *address, struct user *out)
{
	struct why why;

	return users_find(u, str_of(address), out, &why);
}

static void
look_up(void **state)
{
	struct users *u = users_new(dir);
	struct why why;
	struct user user;
	uint32_t first;

	assert_int_equal(find(u, "joe@example.org", &user), FAIL_TEMP);
	assert_int_equal(scratch_put(dir, "users", "# accounts\n\n"
	    "joe@example.org:$y$x:7:\n"
	    "ann@example.org:{PLAIN}secret:8:ann/Mail\r\n"
	    "bob@example.org:h:9:old:home"), 0);
	assert_int_equal(find(u, "joe@example.org", &user), 0);
	assert_true(str_same(user.hash, "$y$x"));
	assert_true(str_same(user.id, "7"));
	assert_int_equal(user.home.n, 0);
	assert_int_equal(find(u, "ann@example.org", &user), 0);
	assert_true(str_same(user.home, "ann/Mail"));
	assert_int_equal(find(u, "bob@example.org", &user), 0);
	assert_true(str_same(user.home, "old:home"));
	assert_int_equal(find(u, "joe@example.or", &user), FAIL_GONE);
	assert_int_equal(find(u, "", &user), FAIL_GONE);
	assert_int_equal(users_count(u), 3);
	assert_int_equal(users_first(u, &user, &why), 0);
	assert_true(str_same(user.address, "joe@example.org"));
	assert_int_equal(users_bad_lines(u, &first), 0);
	/* Replaced: seen at once. */
	assert_int_equal(scratch_put(dir, "users",
	    "joe@example.org:other:7:\n"), 0);
	assert_int_equal(find(u, "ann@example.org", &user), FAIL_GONE);
	assert_int_equal(find(u, "joe@example.org", &user), 0);
	assert_true(str_same(user.hash, "other"));
	/* Away: nobody can say, which is not "no such account". */
	assert_int_equal(unlinkat(dir, "users", 0), 0);
	assert_int_equal(find(u, "joe@example.org", &user), FAIL_TEMP);
	assert_int_equal(scratch_put(dir, "users", ""), 0);
	assert_int_equal(find(u, "joe@example.org", &user), FAIL_GONE);
	users_free(u);
	users_free(NULL);
	(void)state;
}

static void
bad_lines(void **state)
{
	struct users *u = users_new(dir);
	struct user user;
	uint32_t first;

	assert_int_equal(scratch_put(dir, "users",
	    "joe@example.org:1:1:\n"
	    "joe@example.org:2:2:\n"		/* twice: the first counts */
	    "ann:1:1:\n"			/* no address */
	    "ann@example.org:1:1\n"		/* a field is missing */
	    "ann@example.org::1:\n"		/* no password at all */
	    "eve@example.org:1:1:/etc\n"
	    "eve@example.org:1:1:../joe\n"
	    "eve@example.org:1:1:a/../../joe\n"
	    "eve@example.org:1:1:a//b\n"
	    "eve@example.org:1:1:a/\n"), 0);
	assert_int_equal(find(u, "joe@example.org", &user), 0);
	assert_true(str_same(user.hash, "1"));
	assert_int_equal(find(u, "ann@example.org", &user), FAIL_GONE);
	assert_int_equal(find(u, "eve@example.org", &user), FAIL_GONE);
	assert_int_equal(users_count(u), 1);
	assert_int_equal(users_bad_lines(u, &first), 9);
	assert_int_equal(first, 2);
	users_free(u);
	(void)state;
}

static void
many(void **state)
{
	struct users *u = users_new(dir);
	char name[40];
	struct user user;
	struct why why;
	struct buf b;
	size_t i;

	buf_init(&b, 1 << 26);
	for (i = 0; i < 100000; i++)
		buf_fmt(&b, "user%zu@example.org:hash%zu:%zu:\n", i, i, i);
	assert_int_equal(file_replace(dir, "users", buf_str(&b), 0600), 0);
	for (i = 0; i < 100000; i += 7) {
		snprintf(name, sizeof(name), "user%zu@example.org", i);
		assert_int_equal(find(u, name, &user), 0);
		snprintf(name, sizeof(name), "hash%zu", i);
		assert_true(str_same(user.hash, name));
	}
	assert_int_equal(find(u, "user100000@example.org", &user), FAIL_GONE);
	assert_int_equal(users_count(u), 100000);
	assert_int_equal(users_nth(u, UINT64_MAX, &user, &why), 0);
	assert_int_equal(users_nth(u, 12345, &user, &why), 0);
	buf_free(&b);
	users_free(u);
	(void)state;
}

static void
nth_of_none(void **state)
{
	struct users *u = users_new(dir);
	struct user user;
	struct why why;

	assert_int_equal(users_nth(u, 1, &user, &why), FAIL_TEMP);
	assert_int_equal(scratch_put(dir, "users", "\n"), 0);
	assert_int_equal(users_nth(u, 1, &user, &why), FAIL_GONE);
	assert_int_equal(users_first(u, &user, &why), FAIL_GONE);
	users_free(u);
	(void)state;
}

static const struct {
	const char	*address, *home, *layout, *want;
} homes[] = {
	{ "joe@example.org", "", "%d/%u/Maildir", "example.org/joe/Maildir" },
	{ "joe@example.org", "old/joe", "%d/%u", "old/joe" },
	{ "joe@example.org", "", "%a", "joe@example.org" },
	{ "joe@example.org", "", "x%%%u", "x%joe" },
	{ "a@b@example.org", "", "%d/%u", "example.org/a@b" },
	{ "../ann@example.org", "", "%d/%u", NULL },
	{ "..@example.org", "", "%d/%u", NULL },
	{ ".x@example.org", "", "%d/%u", NULL },
	{ "a/b@example.org", "", "%d/%u", NULL },
	{ "joe@..", "", "%d/%u", NULL },
	{ "joe@a/b", "", "%d/%u", NULL },
	{ "joe@example.org", "", "%d/%u/", NULL },
};

static void
home(void **state)
{
	struct buf b;
	size_t i;
	int rc;

	buf_init(&b, 512);
	for (i = 0; i < NITEMS(homes); i++) {
		struct user user = { .address = str_of(homes[i].address),
		    .home = str_of(homes[i].home) };

		buf_reset(&b);
		rc = users_home(&user, str_of(homes[i].layout), &b);
		if (homes[i].want == NULL) {
			assert_int_equal(rc, FAIL_DENIED);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(buf_cstr(&b), homes[i].want);
	}
	buf_free(&b);
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(look_up, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(many, setup, teardown),
		cmocka_unit_test_setup_teardown(nth_of_none, setup, teardown),
		cmocka_unit_test(home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
