/* SPDX-License-Identifier: ISC */
/*
 * smtpd/dkim.h - DKIM signatures of one message, judged by libopendkim; for
 * checkd.  It asks for keys by naming them, and waits for no one.
 *
 *	v = dkim_check_new(8);
 *	dkim_check_header(v, block)	the header as it came, once
 *	for each i < dkim_check_keys(v):
 *		look up the TXT of dkim_check_key(v, i); then
 *		dkim_check_txt(v, i, text) for each record, and
 *		dkim_check_answered(v, i, failed)
 *	dkim_check_body(v, chunk)	any number, all keys answered
 *	dkim_check_end(v)
 *	dkim_check_result(v, i) for i < dkim_check_results(v)
 *	dkim_check_free(v)
 */
#ifndef SMTPD_DKIM_H
#define SMTPD_DKIM_H

#include "base/buf.h"
#include "mail/authres.h"

/* Words of RFC 8601 2.7.1. */
enum dkim_verdict { DKIM_V_PASS, DKIM_V_FAIL, DKIM_V_POLICY, DKIM_V_NEUTRAL,
    DKIM_V_TEMPERROR, DKIM_V_PERMERROR };

struct dkim_result {
	enum dkim_verdict verdict;
	const char	*reason;	/* NULL: pass */
	/* Lower case as written; empty when it could not be read. */
	struct str	domain, selector, algorithm;
	unsigned	bits;		/* of the key; 0: not known */
};

struct dkim_check;

/* Once, before the cage. */
void	dkim_check_init(void);

/* Signatures beyond max are not looked at. */
struct dkim_check *dkim_check_new(size_t max);
void	dkim_check_free(struct dkim_check *v);	/* NULL is harmless */

void	dkim_check_header(struct dkim_check *v, struct str block);
size_t	dkim_check_keys(const struct dkim_check *v);
/* "selector._domainkey.example.org" */
const char *dkim_check_key(const struct dkim_check *v, size_t i);
void	dkim_check_txt(struct dkim_check *v, size_t i, struct str text);
/* failed: the DNS did not answer (not: it has no such record). */
void	dkim_check_answered(struct dkim_check *v, size_t i, bool failed);
void	dkim_check_body(struct dkim_check *v, struct str chunk);
void	dkim_check_end(struct dkim_check *v);

size_t	dkim_check_results(const struct dkim_check *v);
const struct dkim_result *dkim_check_result(const struct dkim_check *v,
	    size_t i);
const char *dkim_verdict_name(enum dkim_verdict verdict);
/* "dkim=none", or one result a signature. */
void	dkim_check_put(const struct dkim_check *v, struct authres *a);

#endif
