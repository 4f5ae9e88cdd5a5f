# Unit tests of lib/crypto: one program a source file.
check_PROGRAMS += tests/unit/crypto/test_crc32c \
	tests/unit/crypto/test_digest tests/unit/crypto/test_grant
tests_unit_crypto_test_crc32c_SOURCES = tests/unit/crypto/test_crc32c.c
tests_unit_crypto_test_crc32c_LDADD = lib/libcrypto.a $(LDADD_UNIT)
tests_unit_crypto_test_digest_SOURCES = tests/unit/crypto/test_digest.c
tests_unit_crypto_test_digest_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
tests_unit_crypto_test_grant_SOURCES = tests/unit/crypto/test_grant.c
tests_unit_crypto_test_grant_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/crypto/test_keypair
tests_unit_crypto_test_keypair_SOURCES = tests/unit/crypto/test_keypair.c
tests_unit_crypto_test_keypair_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/crypto/test_keyask
tests_unit_crypto_test_keyask_SOURCES = tests/unit/crypto/test_keyask.c
tests_unit_crypto_test_keyask_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/crypto/test_tlskey
tests_unit_crypto_test_tlskey_SOURCES = tests/unit/crypto/test_tlskey.c
tests_unit_crypto_test_tlskey_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/crypto/test_keyprov
tests_unit_crypto_test_keyprov_SOURCES = tests/unit/crypto/test_keyprov.c
tests_unit_crypto_test_keyprov_LDADD = lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
