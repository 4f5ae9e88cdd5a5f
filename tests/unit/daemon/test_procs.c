/* SPDX-License-Identifier: ISC */
/*
 * The process table against itself and against the catalogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/procs.h"
#include "ipc/note.h"

static void
test_rows(void **state)
{
	char user[64];

	(void)state;
	for (int k = 0; k < PROC_COUNT; k++) {
		const struct proc_row *r = &procs[k];

		assert_int_equal(r->kind, k);
		assert_string_equal(r->name, proc_name((enum proc)k));
		(void)snprintf(user, sizeof(user), "veredus-%s", r->name);
		assert_string_equal(r->user, user);
		assert_non_null(r->root);
		assert_true(strlen(r->text) > 10 && strlen(r->text) < 80);
		assert_int_equal((r->files & FILES_STATE) != 0,
		    r->state != NULL);
		assert_string_not_equal(cage_name(r->cage), "");
	}
}

static void
test_peers_symmetric(void **state)
{
	(void)state;
	for (int a = 0; a < PROC_COUNT; a++)
		for (int b = 0; b < PROC_COUNT; b++) {
			enum proc p = (enum proc)a, q = (enum proc)b;

			assert_int_equal(procs_are_peers(p, q),
			    procs_are_peers(q, p));
			assert_false(a == b && procs_are_peers(p, q));
		}
}

/* Whoever is a peer has something to say, and whoever may say something has
 * a channel for it. */
static bool
speak(enum proc a, enum proc b)
{
	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++)
		if (k != NOTE_LOG_LINE && note_from((enum note_kind)k) !=
		    EVERYBODY && note_may((enum note_kind)k, a, b))
			return true;
	return false;
}

static void
test_peers_and_catalogue(void **state)
{
	(void)state;
	for (int a = LOGD + 1; a < PROC_COUNT; a++)
		for (int b = LOGD + 1; b < PROC_COUNT; b++) {
			enum proc p = (enum proc)a, q = (enum proc)b;

			if (procs_are_peers(p, q) && !speak(p, q) &&
			    !speak(q, p))
				fail_msg("%s and %s have nothing to say",
				    proc_name(p), proc_name(q));
		}
}

static void
test_faces_open_nothing(void **state)
{
	static const enum proc faces[] = { SMTPD, POP3D, IMAPD };

	(void)state;
	for (size_t i = 0; i < NITEMS(faces); i++) {
		assert_string_equal(procs[faces[i]].root, "");
		assert_int_equal(procs[faces[i]].cage, CAGE_FACE);
		assert_int_equal(procs[faces[i]].files, FILES_CERTS);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_peers_symmetric),
		cmocka_unit_test(test_peers_and_catalogue),
		cmocka_unit_test(test_faces_open_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
