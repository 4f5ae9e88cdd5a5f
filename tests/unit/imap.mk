# Unit tests of lib/imap: one program a source file.
#	check_PROGRAMS += tests/unit/imap/test_x
#	tests_unit_imap_test_x_SOURCES = tests/unit/imap/test_x.c
#	tests_unit_imap_test_x_LDADD = lib/libimap.a $(LDADD_UNIT)
