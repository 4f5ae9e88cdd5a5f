# lib/sasl
noinst_LIBRARIES += lib/libsasl.a
lib_libsasl_a_SOURCES = lib/sasl/sasl.h lib/sasl/sasl.c
