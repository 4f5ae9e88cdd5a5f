/* SPDX-License-Identifier: ISC */
/*
 * The store against a simple model, with deaths: random operations on two
 * mailboxes; now and then the process dies at its n-th change of the disk
 * (that write torn), or ends, or the machine goes down; then everything is
 * opened again and compared.
 *
 * An operation that was cut may have happened or not, one message at a time;
 * a delivery is repeated, as spoold would, and must then be there once.  What
 * was answered before is there with its flags.  No UID ever means two
 * messages.
 *
 * TEST_CRASH_SEED and TEST_CRASH_ROUNDS choose others than the usual.
 */
#include "tests/unit/maildir/world.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/dict.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"

#define BOXES		2
#define MESSAGES	64	/* alive at most */

static const char *const boxes[BOXES] = { "INBOX", "Archive" };

struct message {
	char		text[16];
	unsigned	box;
	uint32_t	uid;
	uint16_t	flags;
	bool		keyword;
	bool		doubt;		/* what was cut touched it */
	bool		seen;		/* while comparing */
};

static struct world w;
static struct message model[MESSAGES];
static size_t messages;
static unsigned next_text;
static struct dict uids;	/* "box uidvalidity uid" -> text */
static unsigned deaths, cuts, checked;

static bool loud;

static void PRINTF(1, 2)
say(const char *fmt, ...)
{
	va_list ap;

	if (!loud)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* --- reading what is there ----------------------------------------------- */

/* A mailbox may have copies: the UID tells, where it is known. */
static struct message *
find(const char *text, unsigned box, uint32_t uid)
{
	struct message *m, *any = NULL;
	size_t i;

	for (i = 0; i < messages; i++) {
		m = &model[i];
		if (m->box != box || strcmp(m->text, text) != 0 || m->seen)
			continue;
		if (m->uid == uid)
			return m;
		if (m->uid == 0)
			any = m;
	}
	return any;
}

/* No UID means two messages. */
static void
remember_uid(struct box *b, unsigned box, uint32_t uid, const char *text)
{
	char key[64], *was;

	snprintf(key, sizeof(key), "%u %" PRIu32 " %" PRIu32, box,
	    b->h.uidvalidity, uid);
	was = dict_get(&uids, str_of(key));
	if (was == NULL)
		dict_put(&uids, str_of(key), xstrdup(text));
	else
		assert_string_equal(was, text);
}

static void
add_model(const char *text, unsigned box, uint32_t uid, uint16_t flags)
{
	struct message *m = &model[messages++];

	assert_true(messages <= MESSAGES);
	memset(m, 0, sizeof(*m));
	snprintf(m->text, sizeof(m->text), "%s", text);
	m->box = box;
	m->uid = uid;
	m->flags = flags;
}

static void
check_record(struct box *b, unsigned box, const struct index_record *r)
{
	struct message *m;
	char text[64];

	world_text(b, r->uid, text);
	assert_true(text[0] != '\0');
	remember_uid(b, box, r->uid, text);
	m = find(text, box, r->uid);
	say("  %s uid %u %s", boxes[box], r->uid, text);
	if (m == NULL) {
		/* Only what was cut may be somewhere unforeseen. */
		size_t i;
		bool doubt = false;

		for (i = 0; i < messages; i++)
			doubt |= model[i].doubt &&
			    strcmp(model[i].text, text) == 0;
		if (!doubt)
			fail_msg("%s in %s, which nobody put there", text,
			    boxes[box]);
		add_model(text, box, r->uid, r->flags & INDEX_FLAG_MASK);
		m = &model[messages - 1];
		m->keyword = r->keywords != 0;
		m->doubt = true;
	}
	m->seen = true;
	m->uid = r->uid;
	checked++;
	if (!m->doubt) {
		if ((r->flags & INDEX_FLAG_MASK) != m->flags ||
		    (r->keywords != 0) != m->keyword)
			fail_msg("%s in %s: flags %x keyword %d, not %x %d",
			    text, boxes[box], r->flags, r->keywords != 0,
			    m->flags, m->keyword);
	}
	m->flags = r->flags & INDEX_FLAG_MASK;
	m->keyword = r->keywords != 0;
}

static void
check_box(unsigned box)
{
	struct box *b = NULL;
	uint32_t at, last = 0, live = 0, unseen = 0;
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct index_record r;

	int tries;

	/* A torn record may be found only now: opened again, it is mended. */
	for (tries = 0; tries < 3; tries++) {
		b = world_box(&w, boxes[box]);
		assert_non_null(b);
		box_check(b);
		world_settle(b);
		/* A scan that had to change something is not the last. */
		if (!b->stale)
			box_check(b);
		world_settle(b);
		if (!b->stale)
			break;
	}
	assert_false(b->stale);
	for (at = 0; at < b->h.records; at++) {
		assert_int_equal(box_read(b, at, 1, bytes), 0);
		assert_int_equal(index_record_get(bytes, &r), 0);
		assert_true(r.uid > last);
		assert_true(r.uid < b->h.uidnext);
		last = r.uid;
		if (r.flags & INDEX_EXPUNGED)
			continue;
		live++;
		unseen += !(r.flags & INDEX_SEEN);
		check_record(b, box, &r);
	}
	assert_int_equal(live, b->h.messages);
	assert_int_equal(unseen, b->h.unseen);
}

/* Of what was cut, one at least of its possible places must hold it, unless
 * it was to go. */
static bool may_vanish;

static void
compare(void)
{
	size_t i, k;
	unsigned box;

	for (i = 0; i < messages; i++)
		model[i].seen = false;
	for (box = 0; box < BOXES; box++)
		check_box(box);
	for (i = 0; i < messages; i++) {
		if (model[i].seen)
			continue;
		if (!model[i].doubt)
			fail_msg("%s is lost from %s", model[i].text,
			    boxes[model[i].box]);
		for (k = 0; k < messages && !may_vanish; k++)
			if (model[k].seen && strcmp(model[k].text,
			    model[i].text) == 0)
				break;
		if (k == messages && !may_vanish)
			fail_msg("%s is lost", model[i].text);
	}
	for (i = k = 0; i < messages; i++)
		if (model[i].seen) {
			model[k] = model[i];
			model[k++].doubt = false;
		}
	messages = k;
	may_vanish = false;
}

/* --- operations ---------------------------------------------------------- */

struct pending {		/* a delivery without an answer */
	char		text[16];
	uint32_t	key;
	unsigned	box;
	bool		any;
} pending;

static void
op_deliver(unsigned box)
{
	struct box *b = world_box(&w, boxes[box]);
	struct delivery d;
	struct draft x;
	struct why why;
	uint32_t uid, key = ++next_text;
	int r = FAIL_TEMP;

	if (messages >= MESSAGES - 8)
		return;
	snprintf(pending.text, sizeof(pending.text), "m%u", key);
	pending.key = key;
	pending.box = box;
	pending.any = true;
	if (b == NULL || !box_ready(b, 1))
		return;
	world_delivery(&d, pending.text, key);
	d.in_cur = key % 3 == 0;
	d.flags = key % 6 == 0 ? INDEX_SEEN : 0;
	if (deliver_write(b, &d, &x, &why) == 0)
		r = deliver_commit(b, &x, &uid, &why);
	close(d.fd);
	if (r != 0)
		return;
	pending.any = false;
	say("delivered %s uid %u%s", pending.text, uid, w.dead ? " (dead)" :
	    "");
	add_model(pending.text, box, uid, d.flags);
}

/* As spoold does after a death. */
static void
repeat(void)
{
	struct box *b = world_box(&w, boxes[pending.box]);
	struct delivery d;
	struct why why;
	uint32_t uid;

	if (!pending.any || b == NULL)
		return;
	world_settle(b);
	if (!box_ready(b, 1))
		return;
	world_delivery(&d, pending.text, pending.key);
	d.in_cur = pending.key % 3 == 0;
	d.flags = pending.key % 6 == 0 ? INDEX_SEEN : 0;
	if (deliver_again(b, &d, &uid, &why) == 0) {
		say("repeated %s uid %u", pending.text, uid);
		pending.any = false;
		add_model(pending.text, pending.box, uid, d.flags);
	} else if (!w.dead) {
		fail_msg("%s: %s", pending.text, why.text);
	}
	close(d.fd);
}

static struct message *
some(void)
{
	struct message *m = messages == 0 ? NULL :
	    &model[rand_below(messages)];

	return m == NULL || m->uid == 0 ? NULL : m;	/* not seen yet */
}

static void
op_flags(void)
{
	struct message *m = some();
	struct log_range range;
	enum box_how how = (enum box_how)rand_below(3);
	uint16_t flags = (uint16_t)rand_below(32);
	uint64_t mask = 0;
	uint32_t n;
	struct box *b;
	bool keyword = rand_below(3) == 0;
	uint16_t was;

	if (m == NULL || (b = world_box(&w, boxes[m->box])) == NULL ||
	    !box_ready(b, 0))
		return;
	m->doubt = true;
	if (keyword && box_keyword_mask(b, STR("Work"), true, &mask) != 0)
		return;
	range = (struct log_range){ m->uid, m->uid };
	if (box_flags(b, &range, 1, how, flags, mask, &n) != 0)
		return;
	say("flags %s uid %u how %d flags %x mask %d%s", m->text, m->uid, how, flags,
	    (int)mask, w.dead ? " (dead)" : "");
	m->doubt = w.dead;	/* answered, though the index may lag */
	if (w.dead)
		return;
	was = m->flags;
	switch (how) {
	case BOX_SET:
		m->flags = flags;
		m->keyword = mask != 0;
		break;
	case BOX_ADD:
		m->flags = was | flags;
		m->keyword |= mask != 0;
		break;
	case BOX_REMOVE:
		m->flags = was & (uint16_t)~flags;
		m->keyword &= mask == 0;
		break;
	}
}

static void
op_expunge(void)
{
	struct message *m = some();
	struct log_range range;
	struct box *b;
	uint32_t n;

	if (m == NULL || (b = world_box(&w, boxes[m->box])) == NULL ||
	    !box_ready(b, 0))
		return;
	range = (struct log_range){ m->uid, m->uid };
	m->doubt = true;
	if (box_expunge(b, &range, 1, false, &n) != 0 || w.dead) {
		may_vanish = true;
		return;
	}
	assert_int_equal(n, 1);
	*m = model[--messages];
}

static void
op_copy(bool move)
{
	struct message *m = some();
	struct box *from, *to;
	struct box_set moved = { 0 };
	uint32_t uid = 0;
	unsigned other;
	int r;

	if (m == NULL || messages >= MESSAGES - 8)
		return;
	other = (m->box + 1) % BOXES;
	from = world_box(&w, boxes[m->box]);
	to = world_box(&w, boxes[other]);
	if (from == NULL || to == NULL || !box_ready(to, 1) ||
	    !box_ready(from, 0))
		return;
	m->doubt = true;
	r = box_copy(from, m->uid, to, &move, &uid);
	if (r == 0 && move) {
		box_set_add(&moved, m->uid);
		r = box_moved(from, &moved);
		box_set_free(&moved);
	}
	say("%s %s uid %u -> %u%s", move ? "move" : "copy", m->text, m->uid,
	    uid, w.dead ? " (dead)" : "");
	if (r != 0 || w.dead)
		return;
	m->doubt = false;
	add_model(m->text, other, uid, m->flags);
	model[messages - 1].keyword = m->keyword;
	if (move)
		*m = model[--messages];
}

static void
op_step(void)
{
	struct box *b = world_box(&w, boxes[rand_below(BOXES)]);

	if (b == NULL)
		return;
	if (rand_below(8) == 0 && b->h.records > b->h.messages &&
	    b->scan == NULL && b->own.dirty == 0)
		b->todo |= BOX_COMPACT;
	world_settle(b);
	say("step %s todo %x%s", b->name, b->todo, w.dead ? " (dead)" : "");
}

static void
op_foreign(void)
{
	char name[64], text[16];

	if (messages >= MESSAGES - 8 || w.dead)
		return;
	snprintf(text, sizeof(text), "f%u", ++next_text);
	snprintf(name, sizeof(name), "1764%06u.M%u.host", next_text,
	    next_text);
	world_foreign(&w, "new", name, text);
	add_model(text, 0, 0, 0);
}

static void
operate(void)
{
	switch (rand_below(12)) {
	case 0: case 1: case 2:
		op_deliver((unsigned)rand_below(BOXES));
		break;
	case 3: case 4: case 5:
		op_flags();
		break;
	case 6:
		op_expunge();
		break;
	case 7:
		op_copy(false);
		break;
	case 8:
		op_copy(true);
		break;
	case 9:
		op_foreign();
		break;
	case 10:
		if (w.a != NULL && rand_below(4) == 0)
			assert_true(account_log_anew(w.a, clock_real_s()) ==
			    0 || w.dead);
		break;
	default:
		op_step();
	}
}

/* --- deaths -------------------------------------------------------------- */

static void
come_back(void)
{
	bool died = w.dead;

	say("--- come back, died %d", died);

	world_close(&w);
	world_heal(&w);
	deaths += died;
	if (rand_below(4) == 0) {
		world_power_cut(&w);	/* that lost nothing: see the journal
					 * and volume tests for those */
		cuts++;
	}
	/* It may die again while it recovers. */
	while (rand_below(3) == 0) {
		w.left = (int)rand_below(30);
		world_open(&w);
		repeat();
		world_close(&w);
		deaths += w.dead;
		world_heal(&w);
	}
	world_open(&w);
	repeat();
	compare();
}

static void
round_of(unsigned seed)
{
	int i, n;

	rand_seed(seed);
	world_init(&w);
	world_open(&w);
	assert_int_equal(account_create(w.a, STR("Archive")), 0);
	dict_init(&uids);
	messages = 0;
	next_text = 0;
	memset(&pending, 0, sizeof(pending));
	for (i = 0; i < 40; i++) {
		w.left = rand_below(3) == 0 ? -1 : (int)rand_below(120);
		for (n = (int)rand_below(20); n > 0 && !w.dead; n--)
			operate();
		come_back();
	}
	compare();
	world_free(&w);
	{
		struct str key;
		void *text;
		size_t at = 0;

		while (dict_next(&uids, &at, &key, &text))
			free(text);
		dict_free(&uids);
	}
}

static unsigned
number(const char *name, unsigned usual)
{
	const char *text = getenv(name);
	uint32_t v;

	return text != NULL && str_u32(str_of(text), &v) ? v : usual;
}

static void
silent(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)line, (void)mid, (void)arg;
}

static void
deaths_and_repeats(void **state)
{
	unsigned seed = number("TEST_CRASH_SEED", 1), i;
	unsigned rounds = number("TEST_CRASH_ROUNDS", 5);

	(void)state;
	loud = getenv("TEST_CRASH_LOG") != NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!loud)
		log_set_sink(silent, NULL);
	for (i = 0; i < rounds; i++) {
		printf("seed %u\n", seed + i);
		round_of(seed + i);
	}
	printf("%u deaths, %u runs of the machine, %u messages compared\n",
	    deaths, cuts, checked);
	assert_true(deaths > rounds && checked > rounds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_and_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
