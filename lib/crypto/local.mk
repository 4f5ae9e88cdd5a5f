# lib/crypto
noinst_LIBRARIES += lib/libcrypto.a
lib_libcrypto_a_SOURCES = lib/crypto/crc32c.h lib/crypto/crc32c.c \
	lib/crypto/digest.h lib/crypto/digest.c \
	lib/crypto/grant.h lib/crypto/grant.c \
	lib/crypto/keypair.h lib/crypto/keypair.c \
	lib/crypto/keyask.h lib/crypto/keyask.c \
	lib/crypto/keyprov.h lib/crypto/keyprov.c \
	lib/crypto/tlskey.h lib/crypto/tlskey.c
