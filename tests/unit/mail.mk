# Unit tests of lib/mail: one program a source file.
#	check_PROGRAMS += tests/unit/mail/test_x
#	tests_unit_mail_test_x_SOURCES = tests/unit/mail/test_x.c
#	tests_unit_mail_test_x_LDADD = lib/libmail.a $(LDADD_UNIT)
