/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/pop3_talk.c - transcripts of pop3d.  Besides README.md:
 *
 *	@mail uid=7 size=120 [flags=N]	a record of the index
 *	fd=@index			the index of these records
 *	@no-certificate			there is none
 */
#include <stdlib.h>

#include "daemon/login.h"
#include "mail/index.h"
#include "pop3d/session.h"
#include "talk.h"

#include "base/banned.h"

static struct buf index_file;
static bool has_certificate;

/* What pop3d/pop3d.c defines. */
struct tls_server *
pop3d_tls(void)
{
	return has_certificate ? talk_tls() : NULL;
}

static void
begin(void)
{
	static uint8_t head[INDEX_HEADER_SIZE];
	struct index_header h = { .version = INDEX_VERSION, .generation = 1,
	    .uidvalidity = 17, .uidnext = 1000 };

	has_certificate = true;
	index_header_put(&h, head);
	buf_init(&index_file, 1 << 20);
	buf_mem(&index_file, head, sizeof(head));
}

static void
end(void)
{
	buf_free(&index_file);
}

static void
add_mail(struct str rest)
{
	struct index_record r = { .modseq = 1 };
	uint8_t bytes[INDEX_RECORD_SIZE];
	struct str name, word;
	uint64_t v;

	while ((word = str_word(&rest)).n > 0) {
		name = str_until(&word, '=');
		if (!str_u64(word, UINT32_MAX, &v))
			talk_fail("a number", word);
		if (str_same(name, "uid"))
			r.uid = (uint32_t)v;
		else if (str_same(name, "size"))
			r.wire_size = v;
		else if (str_same(name, "flags"))
			r.flags = (uint16_t)v;
		else
			talk_fail("uid=, size= or flags=", name);
	}
	index_record_put(&r, bytes);
	buf_mem(&index_file, bytes, sizeof(bytes));
}

static bool
act(const char *what)
{
	struct str rest = str_of(what), word = str_word(&rest);

	if (str_same(word, "mail"))
		add_mail(rest);
	else if (str_same(word, "no-certificate"))
		has_certificate = false;
	else
		return false;
	return true;
}

static struct str
file(const char *name)
{
	(void)name;
	return buf_str(&index_file);
}

static void
on_peer_gone(struct chan *c)
{
	if (c->peer == STORED)
		pop3_stored_gone(c);
}

static bool
is_empty(void)
{
	return pop3_count() == 0;
}

int
main(int argc, char **argv)
{
	static const char *const standing[] = {
		"RATE_ASK RATE_VERDICT result=RATE_OK", "RATE_COUNT",
		"STORE_LOGOUT", "STORE_CLOSE", NULL,
	};
	static const struct talk_room room = {
		.me = POP3D, .peers = BY(AUTHD) | BY(RATED) | BY(STORED),
		.service = "pop3", .alpn = "pop3", .standing = standing,
		.client = pop3_client, .on_peer = login_on_peer,
		.on_peer_gone = on_peer_gone,
		.begin = begin, .end = end, .is_empty = is_empty, .act = act,
		.file = file,
	};

	return talk_main(&room, argc, argv);
}
