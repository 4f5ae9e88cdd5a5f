/* SPDX-License-Identifier: ISC */
/*
 * base/attr.h - compiler attributes and the few macros everyone needs.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stddef.h>

#define MUST_CHECK	__attribute__((warn_unused_result))
#define NORETURN	__attribute__((noreturn))
#define PRINTF(f, a)	__attribute__((format(printf, f, a)))
#define UNUSED		__attribute__((unused))

#define NITEMS(a)	(sizeof(a) / sizeof((a)[0]))

/* From a pointer to a member back to the struct it lies in. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#endif
