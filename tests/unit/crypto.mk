# Unit tests of lib/crypto: one program a source file.
#	check_PROGRAMS += tests/unit/crypto/test_x
#	tests_unit_crypto_test_x_SOURCES = tests/unit/crypto/test_x.c
#	tests_unit_crypto_test_x_LDADD = lib/libcrypto.a $(LDADD_UNIT)
