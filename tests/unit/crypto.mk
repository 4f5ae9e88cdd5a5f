# Unit tests of lib/crypto: one program a source file.
check_PROGRAMS += tests/unit/crypto/test_crc32c
tests_unit_crypto_test_crc32c_SOURCES = tests/unit/crypto/test_crc32c.c
tests_unit_crypto_test_crc32c_LDADD = lib/libcrypto.a $(LDADD_UNIT)
