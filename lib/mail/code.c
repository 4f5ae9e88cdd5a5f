/* SPDX-License-Identifier: ISC */
/*
 * mail/code.c - enhanced status codes in words.
 *
 * RFC 3463 and the IANA registry of SMTP enhanced status codes.  The words
 * are for the person who gets the bounce, not for the one who runs the
 * server.
 */
#include "mail/code.h"

#include <string.h>

#include "base/banned.h"

/* Behind the class: subject and detail. */
static const struct {
	const char	*code;
	const char	*text;
} codes[] = {
	{ "0.0", "no further reason was given" },
	{ "1.0", "something is wrong with the address" },
	{ "1.1", "there is no such mailbox" },
	{ "1.2", "there is no such mail domain" },
	{ "1.3", "the address is not well-formed" },
	{ "1.4", "the address is ambiguous" },
	{ "1.6", "the mailbox has moved, and left no new address" },
	{ "1.7", "the sender's address is not well-formed" },
	{ "1.8", "the sender's domain does not exist" },
	{ "1.10", "the domain does not take mail" },
	{ "2.0", "something is wrong with the mailbox" },
	{ "2.1", "the mailbox is switched off" },
	{ "2.2", "the mailbox is full" },
	{ "2.3", "the message is too large for this mailbox" },
	{ "2.4", "the mailing list could not be expanded" },
	{ "3.0", "something is wrong with the mail system" },
	{ "3.1", "the mail system has no room left" },
	{ "3.2", "the mail system does not take mail at the moment" },
	{ "3.3", "the mail system cannot do what the message needs" },
	{ "3.4", "the message is too large for the mail system" },
	{ "3.5", "the mail system is not set up rightly" },
	{ "4.0", "something is wrong with the network" },
	{ "4.1", "the other host does not answer" },
	{ "4.2", "the connection broke" },
	{ "4.3", "a directory could not be asked" },
	{ "4.4", "no way to the other host is known" },
	{ "4.5", "the mail system is too busy" },
	{ "4.6", "the message goes round in a circle" },
	{ "4.7", "the message could not be delivered in time" },
	{ "5.0", "the mail protocol was not kept" },
	{ "5.1", "a command was not understood" },
	{ "5.2", "a command was not well-formed" },
	{ "5.3", "there are too many recipients" },
	{ "5.4", "an argument of a command is wrong" },
	{ "5.6", "a line is too long" },
	{ "6.0", "something is wrong with the message" },
	{ "6.1", "the kind of content is not supported" },
	{ "6.2", "the content would have to be converted, and may not be" },
	{ "6.3", "the content would have to be converted, and cannot be" },
	{ "6.6", "the message could not be fetched" },
	{ "6.7", "addresses with characters beyond ASCII are not supported" },
	{ "6.11", "a line end of the message is broken" },
	{ "7.0", "it was refused for a reason of security" },
	{ "7.1", "delivery is not allowed" },
	{ "7.2", "writing to this mailing list is not allowed" },
	{ "7.8", "the name or password is wrong" },
	{ "7.9", "the way to log in is too weak" },
	{ "7.11", "encryption is needed to log in" },
	{ "7.13", "the account is switched off" },
	{ "7.20", "no valid DKIM signature" },
	{ "7.23", "SPF says that the sender may not send from there" },
	{ "7.25", "the sending host has no proper name" },
	{ "7.26", "neither SPF nor DKIM vouches for the sender" },
	{ "7.27", "the sender's domain takes no mail itself" },
	{ "7.28", "too many messages in too short a time" },
	{ "7.30", "the message needs encryption on all its way" },
};

/* 1-3 digits without leading zero. */
static bool
number_valid(struct str s)
{
	uint64_t v;

	return s.n >= 1 && s.n <= 3 && str_u64(s, 999, &v) &&
	    (s.n == 1 || s.p[0] != '0');
}

bool
code_valid(struct str code)
{
	struct str class = str_until(&code, '.');
	struct str subject = str_until(&code, '.');

	return class.n == 1 && strchr("245", class.p[0]) != NULL &&
	    number_valid(subject) && number_valid(code);
}

const char *
code_text(struct str code)
{
	if (code_valid(code))
		for (size_t i = 0; i < NITEMS(codes); i++)
			if (str_same(str_from(code, 2), codes[i].code))
				return codes[i].text;
	return codes[0].text;
}

bool
code_is_vague(struct str code)
{
	return str_same(str_from(code, 1), ".0.0");
}

struct str
code_of_reply(struct str reply)
{
	struct str s = reply, word;

	/* Skip "550 " or "550-" where the reply has it. */
	if (s.n >= 4 && s.p[0] >= '2' && s.p[0] <= '5' &&
	    (s.p[3] == ' ' || s.p[3] == '-'))
		s = str_from(s, 4);
	word = str_word(&s);
	if (code_valid(word))
		return word;
	switch (reply.n > 0 ? reply.p[0] : '5') {
	case '2':
		return STR("2.0.0");
	case '4':
		return STR("4.0.0");
	default:
		return STR("5.0.0");
	}
}
