/* SPDX-License-Identifier: ISC */
/*
 * ipc/note.h - notes as C: made from ipc/catalogue.h, nothing by hand.
 *
 * A packet is: u16 kind, u16 0, u32 ticket, then the fields in order, host
 * byte order: u32, u64, time (i64), str (u32 length and bytes).
 */
#ifndef IPC_NOTE_H
#define IPC_NOTE_H

#include "base/buf.h"
#include "base/fail.h"
#include "base/fd.h"
#include "ipc/catalogue.h"

#define NOTE_MAX	(64 * 1024)

enum note_kind {
	NOTE_NONE,
#define N(NAME, name, how, ms, from, to, fd) NOTE_##NAME,
	NOTES(N)
#undef N
	NOTE_KINDS
};

/* `fd` of a note that is put or asked is borrowed (dup'ed by the queue); of
 * a note that came it is closed after the handler unless note_take_fd. */
#define NOTE_T_u32(f)	uint32_t f;
#define NOTE_T_u64(f)	uint64_t f;
#define NOTE_T_time(f)	int64_t f;
#define NOTE_T_str(f)	struct str f;
#define NOTE_T_sec(f)	struct str f;
#define F(kind, field, max)	NOTE_T_##kind(field)
#define N(NAME, name, how, ms, from, to, fdkind) \
	struct note_##name { FIELDS_##NAME(F) int fd; };
NOTES(N)
#undef N
#undef F

struct note {
	enum note_kind	kind;
	uint32_t	ticket;
	int		fd;		/* -1: none */
	union {
#define N(NAME, name, how, ms, from, to, fdkind) struct note_##name name;
		NOTES(N)
#undef N
	} u;
};

struct chan;
typedef void chan_then_fn(void *session, const struct note *n);

/*
 * For each row:
 *   note_put_X(chan, &note)		PUT rows
 *   ask_X(chan, &note, then, session)	ASK rows; ->fd 0 is taken as "none"
 *					unless the row carries a descriptor
 *   note_answer_X(chan, ticket, &note)	ROW and END rows
 *   note_as_X(note)			NULL when note is NULL or another kind
 * All are declared for each row; a use that does not fit `how` is bug().
 * For rows with FD_NONE the fd member is ignored.  For the others 0 and -1
 * say none, which only FD_MAYBE_RO and FD_ANY allow (0 is /dev/null in all our
 * processes and what an initialiser that forgets the member gives).  A note that came for a
 * row with a descriptor may lack it when our descriptors ran out: check
 * fd < 0 and answer FAIL_TEMP.  chan may be NULL or failed: put does nothing, ask answers
 * then(session, NULL) in the next pass of the loop.
 */
#define N(NAME, name, how, ms, from, to, fdkind)			\
	void	note_put_##name(struct chan *c, const struct note_##name *n); \
	void	ask_##name(struct chan *c, const struct note_##name *n,	\
		    chan_then_fn *then, void *session);			\
	void	note_answer_##name(struct chan *c, uint32_t ticket,	\
		    const struct note_##name *n);			\
	const struct note_##name *note_as_##name(const struct note *n);
NOTES(N)
#undef N

enum note_how { PUT, ASK, ROW, END };

const char *note_name(enum note_kind kind);	/* "AUTH_CHECK" */
enum note_how note_how(enum note_kind kind);
int64_t	note_deadline_ms(enum note_kind kind);
unsigned note_from(enum note_kind kind);
unsigned note_to(enum note_kind kind);
enum fd_kind note_fd(enum note_kind kind);
bool	note_is_secret(enum note_kind kind);	/* has a sec field */

/* The fields of a row, for printing and for tests. */
enum note_type { FIELD_u32, FIELD_u64, FIELD_time, FIELD_str, FIELD_sec };
struct note_field {
	const char	*name;
	enum note_type	type;
	uint16_t	at;		/* offset in struct note_X */
	uint32_t	max;
};
const struct note_field *note_fields(enum note_kind kind, size_t *n_out);
/* "AUTH_CHECK user="joe" secret=****", sec fields masked. */
void	note_print(const struct note *n, struct buf *out);
/* The field (u32, u64 or time) at `at` of n's union, in decimal. */
void	note_print_number(struct buf *out, const struct note_field *f,
	    const char *at);
/* An empty note of that kind: zeroes, no descriptor. */
void	note_init(struct note *n, enum note_kind kind);
const char *proc_name(enum proc p);		/* "smtpd" */
uint64_t note_catalogue_hash(void);

/* Packet from note; bug() when a string is over its limit. */
void	note_encode(const struct note *n, struct buf *out);
/*
 * Note from packet: kind known, every length within its limit, nothing left
 * over.  Strings point into packet.  FAIL_SYNTAX with why.  Who may say it
 * and the descriptor are checked by chan.c (note_may, fd_is).
 */
int	note_decode(struct str packet, struct note *n_out, struct why *why)
	    MUST_CHECK;
/* A copy, without descriptor, that outlives n: its strings lie in *packet_out,
 * which the caller frees, or wipes if one is a secret. */
void	note_keep(const struct note *n, struct buf *packet_out,
	    struct note *copy_out);
bool	note_may(enum note_kind kind, enum proc from, enum proc to);

void	note_set_fd(struct note *n, int fd);	/* used by chan.c and tests */
/* Keep the descriptor of a note that came: -1 when it has none. */
int	note_take_fd(const struct note *n);

#endif
