# auth
pkglibexec_PROGRAMS += auth/authd
auth_authd_SOURCES = auth/authd.c auth/cache.h auth/cache.c auth/hash.h \
	auth/hash.c auth/passdb.h auth/passdb.c
auth_authd_LDADD = lib/libtable.a lib/libmail.a $(LIB_DAEMON) \
	$(LIBS_DAEMON) $(CRYPT_LIBS) $(BDB_LIBS)

AUTH_TEST_LDADD = lib/libtable.a lib/libmail.a lib/libconf.a \
	lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS) $(CRYPT_LIBS) \
	$(BDB_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/auth/test_cache tests/unit/auth/test_hash \
	tests/unit/auth/test_passdb
tests_unit_auth_test_cache_SOURCES = tests/unit/auth/test_cache.c \
	auth/cache.c
tests_unit_auth_test_cache_LDADD = $(AUTH_TEST_LDADD)
tests_unit_auth_test_hash_SOURCES = tests/unit/auth/test_hash.c auth/hash.c
tests_unit_auth_test_hash_LDADD = $(AUTH_TEST_LDADD)
tests_unit_auth_test_passdb_SOURCES = tests/unit/auth/test_passdb.c \
	auth/cache.c auth/hash.c auth/passdb.c
tests_unit_auth_test_passdb_LDADD = $(AUTH_TEST_LDADD)

pkglibexec_PROGRAMS += auth/rated
auth_rated_SOURCES = auth/meter.c auth/meter.h auth/rated.c
auth_rated_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)
check_PROGRAMS += tests/unit/auth/test_meter
tests_unit_auth_test_meter_SOURCES = tests/unit/auth/test_meter.c auth/meter.c
tests_unit_auth_test_meter_LDADD = $(AUTH_TEST_LDADD)
