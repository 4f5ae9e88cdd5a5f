/* SPDX-License-Identifier: ISC */
/*
 * Every row of the catalogue: there and back, each text at its limit and one
 * beyond, each packet cut at each length, bytes left over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/note.h"

/* Text fields get `len(max)` bytes, numbers something odd. */
static uint8_t text[NOTE_MAX];

static void
fill(struct note *n, enum note_kind kind, size_t (*len)(size_t max))
{
	size_t left;
	const struct note_field *f;
	uint32_t v32 = 0xfffffffe;
	uint64_t v64 = 0xfedcba9876543210u;

	note_init(n, kind);
	n->ticket = 77;
	for (f = note_fields(kind, &left); left > 0; left--, f++) {
		char *at = (char *)&n->u + f->at;
		struct str s = str_mem(text, len(f->max));

		if (f->type == FIELD_u32)
			memcpy(at, &v32, sizeof(v32));
		else if (f->type == FIELD_str || f->type == FIELD_sec)
			memcpy(at, &s, sizeof(s));
		else
			memcpy(at, &v64, sizeof(v64));
	}
}

static size_t full(size_t max) { return max; }
static size_t none(size_t max) { (void)max; return 0; }
static size_t half(size_t max) { return max / 2; }

static void
same(const struct note *a, const struct note *b)
{
	size_t left;
	const struct note_field *f;
	struct str s, t;

	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->ticket, b->ticket);
	for (f = note_fields(a->kind, &left); left > 0; left--, f++) {
		const char *x = (const char *)&a->u + f->at;
		const char *y = (const char *)&b->u + f->at;

		if (f->type == FIELD_str || f->type == FIELD_sec) {
			memcpy(&s, x, sizeof(s));
			memcpy(&t, y, sizeof(t));
			assert_true(str_eq(s, t));
		} else
			assert_memory_equal(x, y,
			    f->type == FIELD_u32 ? 4 : 8);
	}
}

static void
there_and_back(enum note_kind kind, size_t (*len)(size_t max))
{
	struct note n, m;
	struct buf b;
	struct why why;

	buf_init(&b, NOTE_MAX);
	fill(&n, kind, len);
	note_encode(&n, &b);
	assert_int_equal(note_decode(buf_str(&b), &m, &why), 0);
	same(&n, &m);
	assert_int_equal(m.fd, -1);
	buf_free(&b);
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++) {
		there_and_back((enum note_kind)k, full);
		there_and_back((enum note_kind)k, none);
		there_and_back((enum note_kind)k, half);
	}
}

/* The length word of a text one above its limit, with the bytes there. */
static void
test_beyond_limit(void **state)
{
	struct note n, m;
	struct buf b;
	struct why why;
	size_t left, at, count;
	const struct note_field *f;

	(void)state;
	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++) {
		f = note_fields((enum note_kind)k, &count);
		for (size_t bad = 0; bad < count; bad++) {
			uint32_t over = f[bad].max + 1;

			if (f[bad].type != FIELD_str &&
			    f[bad].type != FIELD_sec)
				continue;
			buf_init(&b, NOTE_MAX);
			fill(&n, (enum note_kind)k, none);
			note_encode(&n, &b);
			/* where its length word stands, all texts empty */
			at = 8;
			for (left = 0; left < bad; left++)
				at += f[left].type == FIELD_u64 ||
				    f[left].type == FIELD_time ? 8 : 4;
			memcpy(b.p + b.start + at, &over, sizeof(over));
			buf_mem(&b, text, over);
			assert_int_equal(note_decode(buf_str(&b), &m, &why),
			    FAIL_SYNTAX);
			assert_non_null(strstr(why.text, f[bad].name));
			buf_free(&b);
		}
	}
}

/* Each cut is put into memory of just that size, for AddressSanitizer. */
static void
test_cut_anywhere(void **state)
{
	struct note n, m;
	struct buf b;
	struct why why;

	(void)state;
	for (int k = NOTE_NONE + 1; k < NOTE_KINDS; k++) {
		buf_init(&b, NOTE_MAX);
		fill(&n, (enum note_kind)k, half);
		note_encode(&n, &b);
		for (size_t len = 0; len < b.len;
		    len += len < 200 ? 1 : 97) {
			uint8_t *cut = malloc(len + 1);

			memcpy(cut, b.p + b.start, len);
			assert_int_equal(note_decode(str_mem(cut, len), &m,
			    &why), FAIL_SYNTAX);
			free(cut);
		}
		buf_c(&b, 0);
		assert_int_equal(note_decode(buf_str(&b), &m, &why),
		    FAIL_SYNTAX);
		buf_free(&b);
	}
}

static void
test_unknown_kind(void **state)
{
	static const uint16_t kinds[] = { 0, NOTE_KINDS, 0xffff };
	uint16_t head[4] = { 0 };
	struct note n;
	struct why why;

	(void)state;
	for (size_t i = 0; i < NITEMS(kinds); i++) {
		head[0] = kinds[i];
		assert_int_equal(note_decode(str_mem(head, sizeof(head)), &n,
		    &why), FAIL_SYNTAX);
	}
	head[0] = NOTE_GO;
	head[1] = 1;	/* the word that is always 0 */
	assert_int_equal(note_decode(str_mem(head, sizeof(head)), &n, &why),
	    FAIL_SYNTAX);
}

static bool
aborts(void (*fn)(void))
{
	const struct rlimit no_core = { 0, 0 };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)setrlimit(RLIMIT_CORE, &no_core);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		(void)signal(SIGABRT, SIG_DFL);
		fn();
		_exit(0);
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
encode_too_long(void)
{
	struct note n;
	struct buf b;

	note_init(&n, NOTE_TRACE_ASK);
	n.u.trace_ask.mid = str_mem(text, 27);
	buf_init(&b, NOTE_MAX);
	note_encode(&n, &b);
}

static void
put_an_ask(void)
{
	struct note_trace_ask n = { .mid = STR("x") };

	note_put_trace_ask(NULL, &n);
}

static void
nobody(void *session, const struct note *n)
{
	(void)session, (void)n;
}

static void
ask_a_put(void)
{
	struct note_go n = { .boot = 1 };

	ask_go(NULL, &n, nobody, NULL);
}

static void
answer_with_a_put(void)
{
	struct note_go n = { .boot = 1 };

	note_answer_go(NULL, 1, &n);
}

static void
name_nothing(void)
{
	(void)note_how(NOTE_NONE);
}

static void
test_our_faults(void **state)
{
	(void)state;
	assert_true(aborts(encode_too_long));
	assert_true(aborts(put_an_ask));
	assert_true(aborts(ask_a_put));
	assert_true(aborts(answer_with_a_put));
	assert_true(aborts(name_nothing));
}

static void
test_as(void **state)
{
	struct note n;

	(void)state;
	note_init(&n, NOTE_GO);
	assert_ptr_equal(note_as_go(&n), &n.u.go);
	assert_null(note_as_drain(&n));
	assert_null(note_as_go(NULL));
}

static void
test_take_fd(void **state)
{
	struct note n;

	(void)state;
	note_init(&n, NOTE_FILE_NEW);
	assert_int_equal(n.u.file_new.fd, -1);
	note_set_fd(&n, 9);
	assert_int_equal(n.u.file_new.fd, 9);
	assert_int_equal(note_take_fd(&n), 9);
	assert_int_equal(note_take_fd(&n), -1);
	assert_int_equal(n.u.file_new.fd, -1);
}

/* What is said must be heard by somebody; an ask can be answered. */
static void
test_catalogue_sense(void **state)
{
	(void)state;
	for (int i = NOTE_NONE + 1; i < NOTE_KINDS; i++) {
		enum note_kind k = (enum note_kind)i;

		assert_true(note_from(k) != 0 && note_to(k) != 0);
		assert_int_equal(note_from(k) & ~EVERYBODY, 0);
		assert_int_equal(note_to(k) & ~EVERYBODY, 0);
		assert_int_equal(note_how(k) == ASK, note_deadline_ms(k) > 0);
		assert_string_not_equal(note_name(k), "NONE");
		if (note_how(k) != END)
			continue;
		/* the first field of an END says how it went */
		size_t n;
		const struct note_field *f = note_fields(k, &n);

		assert_int_equal(f->type, FIELD_u32);
		assert_true(strcmp(f->name, "failed") == 0 ||
		    strcmp(f->name, "result") == 0);
	}
}

static void
test_print_masks_secrets(void **state)
{
	struct note n;
	struct buf b;

	(void)state;
	note_init(&n, NOTE_AUTH_CHECK);
	n.u.auth_check.user = STR("jo\ne\"");
	n.u.auth_check.secret = STR("hunter2");
	assert_true(note_is_secret(NOTE_AUTH_CHECK));
	assert_false(note_is_secret(NOTE_GO));
	buf_init(&b, 4096);
	note_print(&n, &b);
	assert_non_null(strstr(buf_cstr(&b), "user=\"jo\\x0ae\\x22\""));
	assert_non_null(strstr(buf_cstr(&b), "secret=****"));
	assert_null(strstr(buf_cstr(&b), "hunter2"));
	buf_free(&b);
}

static void
test_may(void **state)
{
	static const struct { enum note_kind kind; enum proc from, to;
	    bool may; } rows[] = {
		{ NOTE_AUTH_CHECK, SMTPD, AUTHD, true },
		{ NOTE_AUTH_CHECK, AUTHD, SMTPD, false },
		{ NOTE_AUTH_VERDICT, AUTHD, IMAPD, true },
		{ NOTE_AUTH_VERDICT, SMTPD, IMAPD, false },
		{ NOTE_SELF_NEW, MASTER, STORED, true },
		{ NOTE_SELF_NEW, CTLD, STORED, false },
		{ NOTE_CTL_STOP, CTLD, MASTER, true },
		{ NOTE_CTL_STOP, SMTPD, MASTER, false },
		{ NOTE_STORE_APPEND, POP3D, STORED, false },
	};

	(void)state;
	for (size_t i = 0; i < NITEMS(rows); i++)
		assert_int_equal(note_may(rows[i].kind, rows[i].from,
		    rows[i].to), rows[i].may);
}

static void
test_hash(void **state)
{
	(void)state;
	assert_true(note_catalogue_hash() != 0);
	assert_true(note_catalogue_hash() == note_catalogue_hash());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_beyond_limit),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_unknown_kind),
		cmocka_unit_test(test_our_faults),
		cmocka_unit_test(test_as),
		cmocka_unit_test(test_take_fd),
		cmocka_unit_test(test_catalogue_sense),
		cmocka_unit_test(test_print_masks_secrets),
		cmocka_unit_test(test_may),
		cmocka_unit_test(test_hash),
	};

	memset(text, 'x', sizeof(text));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
