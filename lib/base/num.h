/* SPDX-License-Identifier: ISC */
/*
 * base/num.h - arithmetic that says when it overflows.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* false on overflow; *r_out is then untouched */
bool	num_add(uint64_t a, uint64_t b, uint64_t *r_out) MUST_CHECK;
bool	num_mul(uint64_t a, uint64_t b, uint64_t *r_out) MUST_CHECK;
bool	num_add_size(size_t a, size_t b, size_t *r_out) MUST_CHECK;
bool	num_mul_size(size_t a, size_t b, size_t *r_out) MUST_CHECK;

uint64_t num_min(uint64_t a, uint64_t b);
uint64_t num_max(uint64_t a, uint64_t b);

/* "50M", "64k", "1G", "512": bytes (1024-based).  "5m", "4d", "30s", "2h",
 * "500ms": milliseconds; a bare number is not a duration. */
bool	num_size(struct str s, uint64_t *bytes_out) MUST_CHECK;
bool	num_duration_ms(struct str s, int64_t *ms_out) MUST_CHECK;

uint16_t num_get16le(const uint8_t *p);
uint32_t num_get32le(const uint8_t *p);
uint64_t num_get64le(const uint8_t *p);
void	num_put16le(uint8_t *p, uint16_t v);
void	num_put32le(uint8_t *p, uint32_t v);
void	num_put64le(uint8_t *p, uint64_t v);

#endif
