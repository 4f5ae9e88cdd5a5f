# lib/sasl
noinst_LIBRARIES += lib/libsasl.a
lib_libsasl_a_SOURCES =
