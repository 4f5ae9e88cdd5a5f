/* SPDX-License-Identifier: ISC */
/*
 * tools/trace.c - an event of a message in words.
 *
 * A line of the log is `EVENT key=value ...' with values as base/log.h
 * writes them.  The sentence of an event names values by {key}; a part in
 * [brackets] is left out when one of its values is missing.  An event
 * without a sentence is shown as the line it is, so nothing is hidden.
 */
#include "tools/trace.h"

#include "base/banned.h"

static const struct {
	const char	*event, *text;
} sentences[] = {
	{ "smtpd-accepted", "taken from {peer}[, logged in as {account},] "
	    "for {recipients} recipient(s), {size} bytes" },
	{ "dkim-signed", "signed for {d} with {s}" },
	{ "dkim-unsigned", "[no signature for {domain}: ]{text}" },
	{ "smtpd-recoded", "re-encoded before it was signed: {was} bytes "
	    "are {size} now" },
	{ "spool-accepted", "on the disk: from <{sender}> to {recipients} "
	    "mailbox(es) or address(es)" },
	{ "spool-refused", "not taken: {reason}" },
	{ "stored", "in {mailbox} of {account} as number {uid}" },
	{ "delivered", "delivered to {account}[, {delay_ms} ms after it came]" },
	{ "delivery-failed", "not delivered to {account}[: {reason}]" },
	{ "remote-result", "<{to}>, at {stage}[, {host}][ ({address})][ by "
	    "{tls}]: {result}[: {reply}]" },
	{ "queue-sent", "<{to}> has it" },
	{ "queue-slowed", "<{to}> waits: the receiver says that we send too "
	    "fast; {lane} pauses, then one message is sent to see" },
	{ "queue-deferred", "<{to}> waits: {reason}[; next try in {next_s} s]" },
	{ "queue-held", "<{to}> is held: {reason}" },
	{ "queue-delivered", "<{to}> has it" },
	{ "queue-failed", "<{to}> will not get it: {reason}" },
	{ "queue-removed", "<{to}> removed from the queue[: {reason}]" },
	{ "queue-bounced", "the sender is told that <{recipient}> did not get "
	    "it: {reason}" },
	{ "bounce-made", "a bounce about {parent} to <{to}>" },
	{ "bounce-dropped", "nobody can be told: {text}" },
	{ "spool-done", "nothing is left to do" },
	{ "spool-replayed", "taken up again after a restart" },
};

/* The value of a key as it stands in the line, without its quotes. */
static bool
value_of(struct str line, struct str key, struct str *out)
{
	(void)str_word(&line);		/* the event */
	while (str_more(line)) {
		struct str name;

		line = str_trim(line);
		name = str_until(&line, '=');
		if (str_starts(line, "\"")) {
			(void)str_until(&line, '"');
			*out = str_until(&line, '"');
		} else
			*out = str_word(&line);
		if (str_eq(name, key))
			return out->n > 0;
	}
	return false;
}

/* Lines of a reply stand one below the other. */
static void
put_value(struct buf *out, struct str value)
{
	size_t at;

	while ((at = str_find(value, STR("\\x0a"))) < value.n) {
		buf_add(out, str_sub(value, 0, at));
		buf_z(out, "\n\t");
		value = str_from(value, at + 4);
	}
	buf_add(out, value);
}

/* Adds a part of a sentence; false when one of its values is missing. */
static bool
put_part(struct buf *out, struct str part, struct str line)
{
	bool complete = true;

	while (part.n > 0) {
		size_t open = str_chr(part, '{');
		struct str value, key;

		buf_add(out, str_sub(part, 0, open));
		part = str_from(part, open);
		if (part.n == 0)
			break;
		part = str_from(part, 1);
		key = str_until(&part, '}');
		if (value_of(line, key, &value))
			put_value(out, value);
		else
			complete = false;
	}
	return complete;
}

static bool
put_sentence(struct buf *out, struct str text, struct str line)
{
	while (text.n > 0) {
		struct str part = str_until(&text, '[');
		size_t before;

		if (!put_part(out, part, line))
			return false;
		part = str_until(&text, ']');
		before = out->len;
		if (!put_part(out, part, line))
			buf_cut(out, before);
	}
	return true;
}

void
trace_words(struct buf *out, struct str line)
{
	struct str rest = line, event = str_word(&rest);
	size_t before = out->len;

	for (size_t i = 0; i < NITEMS(sentences); i++) {
		if (!str_same(event, sentences[i].event))
			continue;
		if (put_sentence(out, str_of(sentences[i].text), line))
			return;
		buf_cut(out, before);
	}
	buf_add(out, line);
}
