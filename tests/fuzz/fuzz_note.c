/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a packet of a peer that was taken over: they are no note, or
 * a note that encodes to just these bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct note note;
	struct buf out;
	struct why why;

	if (n > NOTE_MAX ||
	    note_decode(str_mem(data, n), &note, &why) != 0)
		return 0;
	buf_init(&out, NOTE_MAX);
	note_encode(&note, &out);
	if (!str_eq(buf_str(&out), str_mem(data, n)))
		abort();
	buf_free(&out);
	buf_init(&out, 8 * NOTE_MAX);
	note_print(&note, &out);
	if (out.len == 0)
		abort();
	buf_free(&out);
	return 0;
}
