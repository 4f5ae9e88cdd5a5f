/* SPDX-License-Identifier: ISC */
/*
 * delivery/known.h - answers of the DNS that are remembered.
 */
#ifndef DELIVERY_KNOWN_H
#define DELIVERY_KNOWN_H

#include "dns/wire.h"
#include "ipc/catalogue.h"

/* An answer, as it is told to whoever asks. */
struct known {
	enum dns_result	result;
	bool		validated;
	int64_t		until_ms;	/* clock_mono_ms: it may be told so long */
	struct str	name, text;	/* as in DNS_DONE */
	const struct dns_wire_record *records;
	size_t		n;
};

/* Name in lower case and type: what answers and questions are known by. */
#define KNOWN_KEY_MAX	(DNS_NAME_MAX + 2)
struct str known_key(const struct dns_name *name, unsigned type,
	    uint8_t out[KNOWN_KEY_MAX]);

void	known_init(uint64_t bytes_max);
void	known_limit(uint64_t bytes_max);	/* of a reload; forgets all */
/* NULL: not known, or not any more.  Valid until the next put. */
const struct known *known_get(struct str key);
/* Copies.  What was used least recently makes room; what is larger than a
 * sixteenth of all is not kept. */
void	known_put(struct str key, const struct known *k);

size_t	known_count(void);
uint64_t known_bytes(void);
uint64_t known_evicted(void);

#endif
