/* SPDX-License-Identifier: ISC */
/*
 * crypto/crc32c.h - CRC-32C (Castagnoli, RFC 3720 B.4): finds torn and rotten
 * blocks of journal, index and cache.  No protection against malice.
 */
#ifndef CRYPTO_CRC32C_H
#define CRYPTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *p, size_t n);
/* The sum of what gave `sum` followed by p: crc32c_more(0, p, n) begins. */
uint32_t crc32c_more(uint32_t sum, const void *p, size_t n);

/* By table, whatever the CPU can; the test compares both ways. */
uint32_t crc32c_table(uint32_t sum, const void *p, size_t n);

#endif
