/* SPDX-License-Identifier: ISC */
/*
 * DMARC: the first line is the author's domain, the second one that was
 * proved, the others are TXT records, dealt out to the questions in turn.  It
 * ends, asks a bounded number of names, and each of them fits.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/dmarc.h"

#include "base/banned.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = str_mem(data, n), author, id, txt;
	struct dmarc d;
	unsigned asked = 0;

	if (!str_line(&s, &author) || !str_line(&s, &id))
		return 0;
	dmarc_begin(&d, author, NULL, NULL);
	dmarc_add(&d, DMARC_DKIM, id);
	dmarc_add(&d, DMARC_SPF, id);
	while (dmarc_step(&d) == DMARC_ASK) {
		if (++asked > 2 + 8 * 3 || strlen(d.ask) > DMARC_NAME_MAX + 7)
			abort();
		if (!str_line(&s, &txt))
			txt = STR("");
		if (!str_same(txt, "!"))
			dmarc_txt(&d, txt);
		dmarc_answered(&d, asked % 2 == 0, str_same(txt, "!"));
	}
	if (d.result == DMARC_PASS && !d.by_spf && !d.by_dkim)
		abort();
	return 0;
}
