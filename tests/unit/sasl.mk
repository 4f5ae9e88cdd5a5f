# Unit tests of lib/sasl: one program a source file.
check_PROGRAMS += tests/unit/sasl/test_sasl
tests_unit_sasl_test_sasl_SOURCES = tests/unit/sasl/test_sasl.c
tests_unit_sasl_test_sasl_LDADD = lib/libsasl.a lib/libbase.a $(LDADD_UNIT)
