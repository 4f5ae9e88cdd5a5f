/* SPDX-License-Identifier: ISC */
/*
 * mail/index.h - the mailbox index and cache as bytes.
 *
 * stored writes them, faces read them by pread through a descriptor they
 * were handed.  Pure: works on bytes the caller has read.  Little endian.
 *
 * Index: one 4 KiB header (what is here in its first 256 bytes, the rest is
 * stored's own), then records of 64 bytes in the order of their UIDs.  Only
 * stored changes it: records are appended, flags and modseq of a record are
 * rewritten in place after the account log has them, an expunged record
 * keeps its place with INDEX_EXPUNGED until stored writes a new generation
 * (a new file).  A reader that meets a record with a wrong sum reads it
 * again (a torn write in flight) and after a few tries takes it as expunged
 * and asks stored.
 *
 * Cache: append-only blobs { u32 length of items, u32 CRC-32C of items },
 * items { u8 type, u32 length, bytes }.
 */
#ifndef MAIL_INDEX_H
#define MAIL_INDEX_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/fail.h"

#define INDEX_VERSION		1
#define INDEX_HEADER_SIZE	4096
#define INDEX_HEAD_SIZE		256	/* of the header, what readers need */
#define INDEX_RECORD_SIZE	64

enum index_flags {		/* RFC 3501 2.3.2 */
	INDEX_SEEN = 1, INDEX_ANSWERED = 2, INDEX_FLAGGED = 4,
	INDEX_DELETED = 8, INDEX_DRAFT = 16,
	INDEX_EXPUNGED = 0x8000,	/* states of the record, not flags; a
					 * reader masks the others away */
	INDEX_IN_NEW = 0x4000,		/* the file lies in new/ */
	INDEX_DIRTY = 0x2000,		/* the file name does not say it yet;
					 * with EXPUNGED: not yet unlinked */
};
#define INDEX_FLAG_MASK 0x1f
#define INDEX_KEYWORDS	64	/* keyword bits a mailbox */

struct index_header {
	uint32_t version, generation, uidvalidity, uidnext;
	uint64_t modseq;		/* highest */
	uint32_t records;		/* written, dead ones included */
	uint32_t messages, unseen, deleted;	/* of the live ones */
	uint64_t size;			/* sum of wire sizes of the live ones */
	uint8_t	mailboxid[16];
};

struct index_record {
	uint32_t uid;
	uint16_t flags;			/* enum index_flags */
	uint64_t keywords;
	uint64_t modseq;
	int64_t	internaldate_s;
	int64_t	savedate_s;
	uint64_t wire_size;		/* octets with CRLF line ends */
	uint64_t disk_size;		/* octets of the file */
	uint64_t name_at;		/* offset in the names log */
	uint64_t cache_at;		/* offset of the blob; 0: none */
	uint64_t letters;		/* stored's own: what the file name says */
};

/* The first INDEX_HEAD_SIZE bytes only.  FAIL_TEMP: sum wrong (torn, or a
 * write in flight); FAIL_PERM: not ours, or of another version. */
void	index_header_put(const struct index_header *h,
	    uint8_t out[INDEX_HEAD_SIZE]);
int	index_header_get(const uint8_t in[INDEX_HEAD_SIZE],
	    struct index_header *h_out, struct why *why) MUST_CHECK;
void	index_record_put(const struct index_record *r,
	    uint8_t out[INDEX_RECORD_SIZE]);
int	index_record_get(const uint8_t in[INDEX_RECORD_SIZE],
	    struct index_record *r_out) MUST_CHECK;	/* FAIL_TEMP: sum wrong */

/* Cache items.  All texts are IMAP-ready bytes (RFC 3501 9), may hold
 * literals. */
enum cache_item {
	CACHE_ENVELOPE = 1,		/* the parenthesised list */
	CACHE_BODYSTRUCTURE = 2,
	CACHE_BODY = 3,			/* BODY without extension data */
	CACHE_HEADER_SIZE = 4,		/* u64le: wire octets up to and with the
					 * empty line */
	CACHE_HEADER = 5,		/* chosen fields, wire form: From To Cc
					 * Bcc Subject Date Message-ID
					 * In-Reply-To References Reply-To Sender
					 * Content-Type; for SEARCH and
					 * HEADER.FIELDS without the file */
	CACHE_DATE = 6,			/* i64le: Date: as UTC seconds, for SENTON */
};
#define CACHE_BLOB_MAX	(256 * 1024)

#define CACHE_BLOB_HEAD	8
#define CACHE_FIRST	16	/* offset of the first blob in a cache file */

/* Octets of items behind a blob's head of CACHE_BLOB_HEAD bytes; 0: none
 * that could be true. */
uint32_t cache_blob_length(const uint8_t head[CACHE_BLOB_HEAD]);
/* blob: starts at a blob's first byte.  FAIL_TEMP: cut or sum wrong. */
int	cache_blob_check(struct str blob, struct str *items_out) MUST_CHECK;
bool	cache_item_get(struct str items, enum cache_item type,
	    struct str *value_out);
void	cache_blob_begin(struct buf *out);
void	cache_item_put(struct buf *out, enum cache_item type, struct str value);
void	cache_blob_end(struct buf *out);	/* fills length and CRC */

#endif
