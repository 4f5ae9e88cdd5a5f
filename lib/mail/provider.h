/* SPDX-License-Identifier: ISC */
/*
 * mail/provider.h - what a receiver's reply means: conf/providers.conf.
 *
 *	provider qq			a block, up to the next one
 *		mx qq.com foxmail.com	its hosts: these names, or below them
 *		connections 4		most at a time
 *		pause 10m 1h 6h		after *too fast*, rung by rung
 *		550 slow "frequency limited"
 *		5xx never		code, verdict, texts
 *
 * A code is three digits, x is any.  All texts of a row must occur in the
 * reply, ASCII case does not matter; lines of a reply are one text, codes of
 * its further lines left out.  The rows of the provider come first, then
 * those of `provider *', then the code alone; the first that fits decides.
 * Pure; everything lies in the arena and in the text, which must live on.
 */
#ifndef MAIL_PROVIDER_H
#define MAIL_PROVIDER_H

#include "base/arena.h"
#include "base/fail.h"

#define PROVIDERS_FILE_MAX	(1024 * 1024)
#define PROVIDER_PAUSES	6
#define PROVIDER_REPLY_MAX	4096	/* octets of a reply that are looked at */

enum verdict {
	VERDICT_ACCEPTED,
	VERDICT_LATER,		/* wait and try again */
	VERDICT_SLOW,		/* too fast: the lane pauses, whatever the code */
	VERDICT_NEVER,
	VERDICT_BAD_ADDRESS,	/* the mailbox is not there */
	VERDICT_POLICY,		/* this message, or how it is signed */
	VERDICT_REPUTATION,	/* we, or our address, are not welcome */
	VERDICTS
};

#define PROVIDER_TEXTS	4

struct provider_rule {
	struct provider_rule *next;
	uint8_t		code[3];	/* digits, or 'x' */
	enum verdict	verdict;
	struct str	text[PROVIDER_TEXTS];
	size_t		texts;
	unsigned	line;		/* of the file */
};

struct provider_mx {
	struct provider_mx *next;
	struct str	name;
};

struct provider {
	struct provider	*next;
	struct str	name;
	struct provider_mx *mx, **mx_end;
	unsigned	connections;	/* 0: not said */
	int64_t		pause_ms[PROVIDER_PAUSES];
	unsigned	pauses;		/* 0: not said */
	struct provider_rule *rules, **rules_end;
};

struct providers {
	struct provider	*first, **end;
	struct provider	*general;	/* `*'; NULL: none */
};

/* FAIL_SYNTAX with "line N: what"; FAIL_TOO_BIG: the arena's cap. */
int	providers_parse(struct providers *p, struct str text, struct arena *a,
	    struct why *why) MUST_CHECK;
/* By a host of its MX; NULL: none of the table. */
const struct provider *provider_of_mx(const struct providers *p,
	    struct str mx);
const struct provider *provider_named(const struct providers *p,
	    struct str name);
/* The organisational domain of a host, as far as names alone tell: who runs
 * mx1.mail.example.co.uk is example.co.uk. */
struct str provider_org(struct str host);
/* provider may be NULL.  rule_out (may be NULL): the row that decided, or
 * NULL when the code did. */
enum verdict provider_verdict(const struct providers *p,
	    const struct provider *provider, unsigned code, struct str reply,
	    const struct provider_rule **rule_out);
/* "slow"; and what it means, for people. */
const char *verdict_name(enum verdict v);
const char *verdict_text(enum verdict v);

#endif
