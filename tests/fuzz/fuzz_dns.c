/* SPDX-License-Identifier: ISC */
/*
 * DNS answers.  The question is taken from the packet
 * itself, so that it is believed; what is read is within its limits, names
 * are names, and all of it can be told to a peer.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/wire.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool
question_of(struct str packet, struct dns_question *q)
{
	size_t at = 12, end = 12;

	if (packet.n < 18)
		return false;
	while (end < packet.n && packet.p[end] != 0)
		end += 1u + packet.p[end];
	if (end + 5 > packet.n || dns_name_of_wire(str_sub(packet, at,
	    end + 1 - at), &q->name) != 0)
		return false;
	q->id = (uint16_t)(packet.p[0] << 8 | packet.p[1]);
	q->type = (uint16_t)(packet.p[end + 1] << 8 | packet.p[end + 2]);
	return true;
}

static void
check(const struct dns_reply *r, const struct dns_question *q)
{
	size_t n = 0, bytes = 0;
	struct dns_name name;
	struct buf b;

	for (const struct dns_wire_record *rec = r->records; rec != NULL;
	    rec = rec->next, n++) {
		bytes += rec->data.n;
		if (rec->data.n > DNS_RECORD_MAX ||
		    (rec->data.n == 0 && q->type != 16))
			abort();
		if ((q->type == 15 || q->type == 12) &&
		    dns_name_parse(rec->data, &name) != 0)
			abort();
	}
	if (n != r->n || n > DNS_RECORDS_MAX || bytes > DNS_DATA_MAX ||
	    (r->kind == REPLY_RECORDS) != (n > 0 && r->kind != REPLY_TOO_MUCH))
		abort();
	buf_init(&b, 1024);
	dns_name_text(&r->name, &b);
	if (buf_failed(&b) || dns_name_parse(buf_str(&b), &name) != 0 ||
	    !dns_name_eq(&name, &r->name))
		abort();
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str packet = str_mem(data, n);
	struct dns_question q = { .has_edns = true };
	struct dns_reply r;
	struct arena a;

	if (!question_of(packet, &q))
		return 0;
	arena_init(&a, 256 * 1024);
	if (dns_reply_read(packet, &q, &a, &r) == 0)
		check(&r, &q);
	arena_free(&a);
	return 0;
}
