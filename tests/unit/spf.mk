# Unit tests of lib/spf: one program a source file.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/spf/test_macro
tests_unit_spf_test_macro_SOURCES = tests/unit/spf/test_macro.c
tests_unit_spf_test_macro_LDADD = lib/libspf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/spf/test_record
tests_unit_spf_test_record_SOURCES = tests/unit/spf/test_record.c
tests_unit_spf_test_record_LDADD = lib/libspf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/spf/test_spf
tests_unit_spf_test_spf_SOURCES = tests/unit/spf/test_spf.c
tests_unit_spf_test_spf_LDADD = lib/libspf.a lib/libbase.a $(LDADD_UNIT)
endif
