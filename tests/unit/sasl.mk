# Unit tests of lib/sasl: one program a source file.
#	check_PROGRAMS += tests/unit/sasl/test_x
#	tests_unit_sasl_test_x_SOURCES = tests/unit/sasl/test_x.c
#	tests_unit_sasl_test_x_LDADD = lib/libsasl.a $(LDADD_UNIT)
