# Unit tests of lib/base: one program a source file.
#	check_PROGRAMS += tests/unit/base/test_x
#	tests_unit_base_test_x_SOURCES = tests/unit/base/test_x.c
#	tests_unit_base_test_x_LDADD = lib/libbase.a $(LDADD_UNIT)
