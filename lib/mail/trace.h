/* SPDX-License-Identifier: ISC */
/*
 * mail/trace.h - the trace fields we write, and those of strangers that we do
 * not let in.
 */
#ifndef MAIL_TRACE_H
#define MAIL_TRACE_H

#include "base/buf.h"

/* One Received field (RFC 5321 4.4).  Empty members are left out. */
struct trace_received {
	struct str	helo;		/* as given, syntax checked */
	struct str	peer;		/* client address, or "uid:1000" */
	struct str	by;		/* our hostname */
	struct str	with;		/* SMTP ESMTP ESMTPS ESMTPA ESMTPSA, RFC 3848 */
	struct str	tls;		/* "TLSv1.3 TLS_AES_256_GCM_SHA384" */
	struct str	mid;
	struct str	recipient;	/* only where there is one: Bcc */
	int64_t		at_s;
	int		zone;		/* minutes east */
};
void	trace_put_received(struct buf *out, const struct trace_received *r);

/* "Return-Path: <sender>" / "Delivered-To: address" with CRLF. */
void	trace_put_return_path(struct buf *out, struct str sender);
void	trace_put_delivered_to(struct buf *out, struct str address);

/* Is this Authentication-Results value one of authserv-id host (RFC 8601 5)?
 * Comments, quotes, case and a version behind the id do not hide it. */
bool	trace_authres_is(struct str value, struct str host);

#endif
