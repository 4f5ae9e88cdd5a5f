/* SPDX-License-Identifier: ISC */
/*
 * table/users.c - the users file in memory.
 *
 * The text is kept as it is; beside it stands an open-addressed index of
 * offsets, keyed by SipHash.  Each look-up asks by fstatat whether the file
 * was replaced, which is how `veredus user add' takes effect at once.
 */
#include "table/users.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dict.h"
#include "base/file.h"
#include "base/rand.h"
#include "base/banned.h"

#define FILE_MAX	(1024u * 1024 * 1024)
#define LINE_FIELDS	4

struct users {
	int		dir;
	bool		is_loaded;
	struct stat	seen;
	struct buf	text;
	uint32_t	*slot;	/* offset + 1 of a line; 0: empty */
	size_t		slots;	/* power of two */
	size_t		count, bad;
	uint32_t	first;		/* offset of the first account */
	uint32_t	first_bad;
	uint64_t	key[2];
};

struct users *
users_new(int dir)
{
	struct users *u = xcalloc(1, sizeof(*u));

	u->dir = dir;
	buf_init(&u->text, FILE_MAX);
	rand_bytes(u->key, sizeof(u->key));
	return u;
}

static void
unload(struct users *u)
{
	buf_wipe(&u->text);
	free(u->slot);
	u->slot = NULL;
	u->slots = u->count = u->bad = 0;
	u->is_loaded = false;
}

void
users_free(struct users *u)
{
	if (u == NULL)
		return;
	unload(u);
	free(u);
}

/* No way out of the folder, no empty or hidden part. */
static bool
is_safe_path(struct str path)
{
	struct str part;

	if (path.n == 0 || path.p[path.n - 1] == '/')
		return false;
	while (path.n > 0) {
		part = str_until(&path, '/');
		if (part.n == 0 || str_same(part, ".") || str_same(part, ".."))
			return false;
	}
	return true;
}

static bool
take_line(struct str line, struct user *out)
{
	struct str *field[LINE_FIELDS] = { &out->address, &out->hash,
	    &out->id, &out->home };
	size_t i;

	if (str_has_nul(line))
		return false;
	/* The hash may hold no colon, the home may: it is the rest. */
	for (i = 0; i < LINE_FIELDS - 1; i++) {
		if (str_chr(line, ':') == line.n)
			return false;
		*field[i] = str_until(&line, ':');
	}
	out->home = line;
	return str_chr(out->address, '@') < out->address.n - 1 &&
	    out->address.n > 2 && out->hash.n > 0 &&
	    (out->home.n == 0 || is_safe_path(out->home));
}

static struct user
line_at(const struct users *u, uint32_t offset)
{
	struct str rest = str_from(buf_str(&u->text), offset), line;
	struct user user = { .address = { NULL, 0 } };

	(void)str_line(&rest, &line);
	if (!take_line(line, &user))
		bug("an indexed line of the users file is bad");
	return user;
}

/* The slot of the address, or the empty one where it would be. */
static uint32_t *
slot_of(const struct users *u, struct str address)
{
	size_t at = siphash24(u->key, address.p, address.n);

	for (;; at++) {
		uint32_t *slot = &u->slot[at & (u->slots - 1)];

		if (*slot == 0 ||
		    str_eq(line_at(u, *slot - 1).address, address))
			return slot;
	}
}

static void
make_slots(struct users *u, size_t lines)
{
	for (u->slots = 16; u->slots < lines * 2; u->slots *= 2)
		;
	u->slot = xcalloc(u->slots, sizeof(*u->slot));
}

static size_t
count_lines(struct str text)
{
	size_t n = 1, i;

	for (i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* Comments and empty lines are nothing; a second line of an address is bad,
 * the first one counts. */
static void
index_lines(struct users *u)
{
	struct str text = buf_str(&u->text), rest = text, line;
	uint32_t number = 0, offset, *slot;
	struct user user;

	make_slots(u, count_lines(text));
	for (;;) {
		offset = (uint32_t)(text.n - rest.n);
		if (!str_line(&rest, &line))
			return;
		number++;
		if (!str_more(line) || line.p[0] == '#')
			continue;
		slot = take_line(line, &user) ? slot_of(u, user.address) :
		    NULL;
		if (slot != NULL && *slot == 0) {
			*slot = offset + 1;
			if (u->count++ == 0)
				u->first = offset;
		} else if (u->bad++ == 0) {
			u->first_bad = number;
		}
	}
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
fresh(struct users *u, struct why *why)
{
	struct stat now;
	int rc;

	if (fstatat(u->dir, USERS_FILE, &now, AT_SYMLINK_NOFOLLOW) != 0) {
		unload(u);
		return why_errno(why, FAIL_TEMP, "users file");
	}
	if (u->is_loaded && same_file(&now, &u->seen))
		return 0;
	unload(u);
	rc = file_read_all(u->dir, USERS_FILE, &u->text);
	if (rc != 0) {
		unload(u);
		return why_errno(why, FAIL_TEMP, "users file");
	}
	index_lines(u);
	u->seen = now;
	u->is_loaded = true;
	return 0;
}

int
users_find(struct users *u, struct str address, struct user *out,
    struct why *why)
{
	uint32_t *slot;
	int rc = fresh(u, why);

	if (rc != 0)
		return rc;
	slot = slot_of(u, address);
	if (*slot == 0)
		return FAIL_GONE;
	*out = line_at(u, *slot - 1);
	return 0;
}

int
users_nth(struct users *u, uint64_t number, struct user *out,
    struct why *why)
{
	int rc = fresh(u, why);
	size_t at;

	if (rc != 0)
		return rc;
	if (u->count == 0)
		return FAIL_GONE;
	for (at = number; u->slot[at & (u->slots - 1)] == 0; at++)
		;
	*out = line_at(u, u->slot[at & (u->slots - 1)] - 1);
	return 0;
}

int
users_first(struct users *u, struct user *out, struct why *why)
{
	int rc = fresh(u, why);

	if (rc != 0)
		return rc;
	if (u->count == 0)
		return FAIL_GONE;
	*out = line_at(u, u->first);
	return 0;
}

size_t
users_count(const struct users *u)
{
	return u->count;
}

size_t
users_bad_lines(const struct users *u, uint32_t *first_out)
{
	*first_out = u->first_bad;
	return u->bad;
}

/* A part of the address as a part of a path. */
static bool
put_part(struct buf *out, struct str part)
{
	if (part.n == 0 || part.p[0] == '.' || str_chr(part, '/') < part.n)
		return false;
	buf_add(out, part);
	return true;
}

int
users_home(const struct user *user, struct str layout, struct buf *home_out)
{
	size_t at = str_rchr(user->address, '@'), i;
	struct str local = str_sub(user->address, 0, at);
	struct str domain = str_from(user->address, at + 1);
	bool ok = true;

	if (user->home.n > 0) {
		buf_add(home_out, user->home);
		return buf_failed(home_out) ? FAIL_TOO_BIG : 0;
	}
	for (i = 0; i < layout.n && ok; i++) {
		if (layout.p[i] != '%' || ++i == layout.n)
			buf_c(home_out, layout.p[i < layout.n ? i : i - 1]);
		else if (layout.p[i] == 'u')
			ok = put_part(home_out, local);
		else if (layout.p[i] == 'd')
			ok = put_part(home_out, domain);
		else if (layout.p[i] == 'a')
			ok = put_part(home_out, user->address);
		else
			buf_c(home_out, layout.p[i]);
	}
	if (!ok || !is_safe_path(buf_str(home_out)))
		return FAIL_DENIED;
	return buf_failed(home_out) ? FAIL_TOO_BIG : 0;
}
