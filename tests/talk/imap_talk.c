/* SPDX-License-Identifier: ISC */
/*
 * tests/talk/imap_talk.c - plays IMAP transcripts: session.c and all its
 * commands, with toystore.c for the rest of the suite.  Besides README.md:
 *
 *	@compact	a new generation of every index; also @drop-caches
 *	@stored-dies @stored-returns @stored-deaf @strict @cleartext-off
 *	@bodies N	so many message files were asked for
 *	@fill N		so many messages more in joe's INBOX
 *	@skip N		so many lines said to client 1 are passed over
 */
#include <stdlib.h>
#include <string.h>

#include "imapd/imapd.h"
#include "imapd/session.h"
#include "talk.h"
#include "toystore.h"

#include "base/banned.h"

static void
client(int fd, const char *service, struct str peer)
{
	session_new(fd, service, peer);
}

static bool
serve(void)
{
	return toy_serve(&toy);
}

static bool
count_act(struct str verb, size_t n)
{
	if (str_same(verb, "fill"))
		toy_fill(&toy, (unsigned)n);
	else if (str_same(verb, "skip"))
		while (n-- > 0)
			talk_skip_line(1);
	else if (!str_same(verb, "bodies"))
		return false;
	else if (toy.bodies != n)
		talk_fail("so many files asked for", STR("another number"));
	return true;
}

static bool
act(const char *what)
{
	struct str rest = str_of(what), verb = str_word(&rest);
	uint64_t n;

	if (str_u64(str_trim(rest), 1 << 24, &n))
		return count_act(verb, (size_t)n);
	if (str_same(verb, "compact"))
		toy_compact(&toy);
	else if (str_same(verb, "drop-caches"))
		toy_drop_caches(&toy);
	else if (str_same(verb, "stored-dies"))
		fake_die(&toy.stored);
	else if (str_same(verb, "stored-returns"))
		toy_stored_returns();
	else if (str_same(verb, "stored-deaf"))
		toy.is_deaf = true;
	else if (str_same(verb, "strict"))
		toy_conf.imapd.strict = true;
	else if (str_same(verb, "cleartext-off"))
		toy_conf.site.cleartext_logins = false;
	else
		return false;
	return true;
}

static void
end_one(struct session *s, void *arg)
{
	(void)arg;
	session_bye(s, "The test is over");
}

static void
end(void)
{
	session_each(end_one, NULL);
}

static bool
is_empty(void)
{
	bool empty = list_empty(&imapd.sessions);

	toy_world_end();
	return empty;
}

int
main(int argc, char **argv)
{
	static const struct talk_room room = {
		.me = IMAPD, .service = "imap", .alpn = "imap",
		.client = client, .begin = toy_world_begin, .end = end,
		.is_empty = is_empty, .serve = serve, .act = act,
	};

	return talk_main(&room, argc, argv);
}
