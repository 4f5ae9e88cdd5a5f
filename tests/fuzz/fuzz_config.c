/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a configuration file: errors or rows, never both, and what
 * `config show' makes of the rows reads back as the same.
 */
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/file.h"
#include "base/banned.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool claim)
{
	if (!claim)
		abort();
}

static void
show_twice(const struct conf_file *f)
{
	struct conf_file again;
	struct buf once, twice;

	buf_init(&once, 1 << 24);
	buf_init(&twice, 1 << 24);
	conf_file_show(f, true, &once);
	require(conf_file_parse(&again, buf_str(&once)) == 0);
	conf_file_show(&again, true, &twice);
	require(str_eq(buf_str(&once), buf_str(&twice)));
	conf_file_free(&again);
	buf_free(&once);
	buf_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct conf_set *row;
	struct conf_file f;
	struct buf errors;
	struct conf c;
	struct why why;
	int rc = conf_file_parse(&f, str_mem(data, size));

	buf_init(&errors, 1 << 20);
	conf_file_errors(&f, "x", &errors);
	require((rc == 0) == (errors.len == 0));
	conf_init(&c);
	for (row = f.rows; rc == 0 && row != NULL; row = row->next)
		require(conf_row(&c, row->path, row->value, &why) == 0);
	conf_free(&c);
	if (rc == 0)
		show_twice(&f);
	buf_free(&errors);
	conf_file_free(&f);
	return 0;
}
