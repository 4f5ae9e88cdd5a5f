/* SPDX-License-Identifier: ISC */
/* The catalogue itself: each row is one a person and a parser can use. */
#include "conf/param.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/proc.h"
#include "conf/value.h"

static void
rows(void **state)
{
	size_t i, j;

	for (i = 0; i < params_count; i++) {
		const struct param *p = &params[i];

		for (j = 0; j < i; j++)
			assert_string_not_equal(p->path, params[j].path);
		assert_ptr_equal(param_find(str_of(p->path)), p);
		assert_true((p->who & EVERYBODY) == p->who && p->who != 0);
		assert_true(strlen(p->text) > 5);
		if (p->kind == PARAM_text || p->kind == PARAM_list)
			assert_true(shape_known(p->min));
		/* A text of two words would not survive `config show'. */
		if (p->kind == PARAM_text)
			assert_int_equal(shape_words(p->min), 1);
	}
	assert_null(param_find(STR("no such")));
	assert_null(param_find(STR("")));
	(void)state;
}

/* No setting is the beginning of another: `log' and `log x' would be read
 * one way by people and another by the parser.  But a list whose entries
 * have a block may be: that tells it from the others. */
static bool
may_begin(const struct param *p)
{
	return p->kind == PARAM_list && strcmp(p->path, "tls") == 0;
}

static void
no_prefix(void **state)
{
	size_t i, j;

	for (i = 0; i < params_count; i++)
		for (j = 0; j < params_count; j++)
			if (i != j && !may_begin(&params[i]) && strncmp(params[i].path, params[j].path,
			    strlen(params[i].path)) == 0)
				assert_int_not_equal(
				    params[j].path[strlen(params[i].path)],
				    ' ');
	(void)state;
}

static void
options(void **state)
{
	const struct param *p;
	size_t i;

	for (i = 0; i < param_options_count; i++) {
		p = param_find(str_of(param_options[i].list));
		assert_non_null(p);
		assert_int_equal(p->kind, PARAM_list);
		assert_true(shape_known(param_options[i].shape));
		assert_ptr_equal(param_option_find(p->path,
		    str_of(param_options[i].name)), &param_options[i]);
	}
	assert_null(param_option_find("domain", STR("colour")));
	assert_null(param_option_find("listen", STR("catch-all")));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(no_prefix),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
