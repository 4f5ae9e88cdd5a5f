# Unit tests of lib/smtp: one program a source file.
#	check_PROGRAMS += tests/unit/smtp/test_x
#	tests_unit_smtp_test_x_SOURCES = tests/unit/smtp/test_x.c
#	tests_unit_smtp_test_x_LDADD = lib/libsmtp.a $(LDADD_UNIT)
