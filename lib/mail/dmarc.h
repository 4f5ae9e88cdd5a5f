/* SPDX-License-Identifier: ISC */
/*
 * mail/dmarc.h - DMARC (RFC 9989): may this message say it is from there?
 *
 * Pure: it asks for DNS records by returning their names, and the caller
 * feeds the answers.
 *
 *	dmarc_begin(&d, domain, NULL, NULL);
 *	dmarc_add(&d, DMARC_DKIM, "example.org");	whatever passed
 *	while (dmarc_step(&d) == DMARC_ASK) {
 *		look up d.ask (TXT; or d.ask_exists: is there A, AAAA or MX?)
 *		dmarc_txt(&d, text) for each TXT
 *		dmarc_answered(&d, found, failed)
 *	}
 *	d.result, d.policy, d.org ...
 *
 * Strings given must live as long as the struct.
 */
#ifndef MAIL_DMARC_H
#define MAIL_DMARC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fail.h"

#define DMARC_NAME_MAX	255
#define DMARC_STEPS_MAX	9	/* RFC 9989 4.10: at most eight queries a walk */
#define DMARC_IDS_MAX	16	/* what passed; more are not looked at */
#define DMARC_RECORD_MAX 4096

enum dmarc_policy { DMARC_P_NONE, DMARC_P_QUARANTINE, DMARC_P_REJECT };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy	p, sp, np;	/* sp and np: p when absent */
	bool			has_p, has_sp, has_np;
	bool			strict_dkim, strict_spf;
	bool			is_test;	/* t=y */
	/* No p= that means something, or an sp= or np= that does not: all
	 * three are none, and the record counts only if it asks for reports
	 * (RFC 9989 4.10.1). */
	bool			is_unfit;
	bool			has_rua;	/* a mailto: that can be one */
	enum dmarc_psd		psd;
};

/* FAIL_SYNTAX: no DMARC record.  Unknown tags, and values that are none, are
 * as if absent, but for policies. */
int	dmarc_parse(struct str text, struct dmarc_record *out) MUST_CHECK;

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR,
    DMARC_PERMERROR };
enum dmarc_id { DMARC_SPF, DMARC_DKIM };
enum dmarc_step { DMARC_ASK, DMARC_DONE };

/* The organisational domain by a list of public suffixes (the older way);
 * part of the text given, empty when it has none. */
typedef struct str dmarc_org_fn(void *arg, struct str domain);

/* A walk up the tree from a domain. */
struct dmarc_walk {
	struct str	start, at;
	struct {
		struct str		name;
		struct dmarc_record	record;
	} found[DMARC_STEPS_MAX];
	size_t		n;
	bool		is_over;
};

struct dmarc {
	/* What is to be asked; _dmarc.DOMAIN, or the domain itself. */
	char		ask[DMARC_NAME_MAX + 16];
	bool		ask_exists;	/* A, AAAA, MX instead of TXT */

	/* The end. */
	enum dmarc_result result;
	enum dmarc_policy policy;	/* asked for by the domain; t=y heeded */
	bool		is_test;
	struct str	org;		/* of the author */
	struct str	found_at;	/* where the record stood */
	bool		by_spf, by_dkim;	/* aligned */
	const char	*reason;	/* in words; NULL: none needed */

	struct str	author;
	dmarc_org_fn	*org_of;
	void		*arg;
	struct {
		struct str	domain;
		enum dmarc_id	how;
		bool		is_unknown;
	} id[DMARC_IDS_MAX];
	size_t		ids, id_at;
	bool		id_failed;	/* one that may be aligned is not known */
	enum { DMARC_ST_AUTHOR, DMARC_ST_EXISTS, DMARC_ST_ALIGN,
	    DMARC_ST_OVER } state;
	struct dmarc_walk walk;
	struct dmarc_record record, heard;
	unsigned	records;	/* in the answer that is coming */
};

/* org_of NULL: by the tree walk of RFC 9989. */
void	dmarc_begin(struct dmarc *d, struct str author, dmarc_org_fn *org_of,
	    void *arg);
/* A domain that SPF (of MAIL FROM, or HELO) or a signature has proved. */
void	dmarc_add(struct dmarc *d, enum dmarc_id how, struct str domain);
/* One of which that cannot be found out now (temperror): where it would be
 * aligned, and nothing else is, the result is temperror, for the message may
 * be what it says. */
void	dmarc_add_unknown(struct dmarc *d, enum dmarc_id how,
	    struct str domain);
enum dmarc_step dmarc_step(struct dmarc *d);
void	dmarc_txt(struct dmarc *d, struct str text);
/* exists: (ask_exists) the name has one of the records; failed: the DNS did
 * not answer. */
void	dmarc_answered(struct dmarc *d, bool exists, bool failed);

const char *dmarc_result_name(enum dmarc_result r);
const char *dmarc_policy_name(enum dmarc_policy p);

/*
 * The domains of all From fields of a header block, lower case, each once;
 * more than `max` are counted, not kept.  *fields_out: how many From fields
 * there are.  Copies lie in the arena.
 */
size_t	dmarc_authors(struct str block, struct arena *a, struct str *domain,
	    size_t max, size_t *fields_out);

/* The organisational domain found by a walk that is over. */
struct str dmarc_walk_org(const struct dmarc_walk *w);

#endif
