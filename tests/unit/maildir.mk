# Unit tests of lib/maildir: one program a source file.
#	check_PROGRAMS += tests/unit/maildir/test_x
#	tests_unit_maildir_test_x_SOURCES = tests/unit/maildir/test_x.c
#	tests_unit_maildir_test_x_LDADD = lib/libmaildir.a $(LDADD_UNIT)
