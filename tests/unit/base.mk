# Unit tests of lib/base: one program a source file.
check_PROGRAMS += tests/unit/base/test_str
tests_unit_base_test_str_SOURCES = tests/unit/base/test_str.c
tests_unit_base_test_str_LDADD = lib/libbase.a $(LDADD_UNIT)
