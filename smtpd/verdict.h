/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verdict.h - what is done with a message, by the results of its
 * checks and the settings `check ...' and `dmarc apply'.  Pure.
 */
#ifndef SMTPD_VERDICT_H
#define SMTPD_VERDICT_H

#include "base/buf.h"
#include "conf/conf.h"
#include "ipc/catalogue.h"
#include "mail/dmarc.h"
#include "smtpd/client.h"
#include "spf/spf.h"

struct verdict_facts {
	struct str	peer;
	enum spf_result	spf;
	struct str	spf_domain;
	struct str	explanation;	/* the domain's own words; or empty */
	enum dmarc_result dmarc;
	enum dmarc_policy policy;
	struct str	dmarc_domain;
	enum client_result client;
};

struct verdict {
	enum check_action action;
	unsigned	code;		/* of a refusal, RFC 7372 */
	const char	*status;
	const char	*mark;		/* "spf=fail": which rule it was */
};

struct verdict verdict_of(const struct conf *conf,
	    const struct verdict_facts *f);
/* The refusal in words. */
void	verdict_text(const struct verdict *v, const struct verdict_facts *f,
	    struct buf *out);

#endif
