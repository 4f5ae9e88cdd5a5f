# lib/crypto
noinst_LIBRARIES += lib/libcrypto.a
lib_libcrypto_a_SOURCES =
