/* SPDX-License-Identifier: ISC */
/*
 * Texts that lie in a Maildir: lines of the names log, reserved numbers,
 * names of files and of folders, by the first byte.  What is understood is
 * said again and must be the same.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crc32c.h"
#include "maildir/folder.h"
#include "maildir/names.h"
#include "maildir/reserve.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* text with the right sum in front, and a line end */
static void
seal(struct buf *out, struct str text)
{
	buf_fmt(out, "%08" PRIx32 " ", crc32c(text.p, text.n));
	buf_add(out, text);
}

static void
try_line(struct str text)
{
	struct names_entry e, back;
	struct names_head h;
	struct buf line, again;

	buf_init(&line, 4096);
	buf_init(&again, 4096);
	seal(&line, text);
	buf_c(&line, '\n');
	(void)!names_head_get(buf_str(&line), &h);
	if (names_entry_get(buf_str(&line), &e) == 0) {
		names_entry_put(&e, &again);
		if (buf_failed(&again) ||
		    names_entry_get(buf_str(&again), &back) != 0 ||
		    back.uid != e.uid || strcmp(back.base, e.base) != 0)
			abort();
	}
	buf_free(&line);
	buf_free(&again);
}

static void
try_reserved(struct str text)
{
	struct reserve r = { .boot = 1 };
	struct buf all;

	dict_init(&r.rows);
	buf_init(&all, 65536);
	seal(&all, text);
	(void)!reserve_get(buf_str(&all), &r);
	buf_free(&all);
	reserve_close(&r);
}

static void
try_file(const char *name)
{
	char again[FNAME_BUF];
	struct str base;
	uint64_t letters, v;
	bool canonical;

	if (!fname_parse(name, &base, &letters, &canonical))
		return;
	(void)fname_size(base, 'S', &v);
	(void)fname_time(base);
	if (fname_make(base, letters, false, again) && canonical &&
	    strcmp(name, again) != 0)
		abort();
}

static void
try_folder(const char *name)
{
	char folder[FOLDER_BUF], back[FOLDER_NAME_BUF], path[FOLDER_ACCOUNT_BUF];

	if (folder_decode(name, back) == 0 &&
	    (folder_encode(str_of(back), folder) != 0 ||
	    strcmp(folder, name) != 0))
		abort();
	if (folder_encode(str_of(name), folder) == 0 &&
	    strcmp(folder, ".") != 0 && (folder_decode(folder, back) != 0 ||
	    strcmp(back, name) != 0))
		abort();
	if (folder_account(str_of(name), path) == 0 &&
	    (path[0] == '.' || strstr(path, "/.") != NULL ||
	    strchr(strchr(path, '/') + 1, '/') != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char z[2000];
	size_t n;

	if (size < 1)
		return 0;
	n = size - 1 < sizeof(z) ? size - 1 : sizeof(z) - 1;
	memcpy(z, data + 1, n);
	z[n] = '\0';
	switch (data[0] % 4) {
	case 0:
		try_line(str_mem(z, n));
		break;
	case 1:
		try_reserved(str_mem(z, n));
		break;
	case 2:
		try_file(z);
		break;
	default:
		try_folder(z);
	}
	return 0;
}
