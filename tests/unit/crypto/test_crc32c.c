/* SPDX-License-Identifier: ISC */
/* CRC-32C: the vectors of RFC 3720 B.4, and both ways give one sum. */
#include "crypto/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

static void
vectors(void **state)
{
	uint8_t block[48];
	size_t i;

	memset(block, 0, 32);
	assert_int_equal(crc32c(block, 32), 0x8a9136aa);
	memset(block, 0xff, 32);
	assert_int_equal(crc32c(block, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		block[i] = (uint8_t)i;
	assert_int_equal(crc32c(block, 32), 0x46dd794e);
	for (i = 0; i < 32; i++)
		block[i] = (uint8_t)(31 - i);
	assert_int_equal(crc32c(block, 32), 0x113fdb5c);
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32c("", 0), 0);
	(void)state;
}

static void
both_ways(void **state)
{
	uint8_t bytes[300];
	size_t from, n, i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (from = 0; from < 9; from++)
		for (n = 0; from + n <= sizeof(bytes); n++)
			assert_int_equal(crc32c(bytes + from, n),
			    crc32c_table(0, bytes + from, n));
	(void)state;
}

static void
in_parts(void **state)
{
	const char *text = "a sum may be made in parts of any size";
	size_t n = strlen(text), cut;

	for (cut = 0; cut <= n; cut++)
		assert_int_equal(crc32c_more(crc32c(text, cut), text + cut,
		    n - cut), crc32c(text, n));
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
