# Unit tests of lib/journal: one program a source file.
#	check_PROGRAMS += tests/unit/journal/test_x
#	tests_unit_journal_test_x_SOURCES = tests/unit/journal/test_x.c
#	tests_unit_journal_test_x_LDADD = lib/libjournal.a $(LDADD_UNIT)
