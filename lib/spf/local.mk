# lib/spf - may this address send for that domain (RFC 7208): pure
noinst_LIBRARIES += lib/libspf.a
lib_libspf_a_SOURCES = lib/spf/macro.c lib/spf/macro.h lib/spf/record.c \
	lib/spf/record.h lib/spf/spf.c lib/spf/spf.h
