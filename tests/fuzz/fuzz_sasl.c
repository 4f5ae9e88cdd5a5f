/* SPDX-License-Identifier: ISC */
/*
 * A whole exchange: mechanism, then lines.  What comes out is text within
 * its limits, whatever went in.
 */
#include <stdlib.h>

#include "sasl/sasl.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct sasl *s)
{
	if (s->user.n == 0 || s->user.n > SASL_NAME_MAX ||
	    s->authzid.n > SASL_NAME_MAX || s->secret.n == 0 ||
	    s->secret.n > SASL_SECRET_MAX || str_has_nul(s->user) ||
	    str_has_nul(s->authzid) || str_has_nul(s->secret))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = str_mem(data, size), mech, line = { NULL, 0 };
	enum sasl_step step;
	struct buf challenge;
	struct sasl s;
	bool has_initial;

	buf_init(&challenge, 100);
	(void)str_line(&rest, &line);
	mech = str_word(&line);
	has_initial = str_more(line);
	step = sasl_begin(&s, mech, has_initial, str_rest(&line), &challenge);
	while (step == SASL_ASK && str_line(&rest, &line))
		step = sasl_answer(&s, line, &challenge);
	if (step == SASL_DONE)
		check(&s);
	sasl_end(&s);
	buf_free(&challenge);
	return 0;
}
