# Unit tests of lib/mail: one program a source file.
#	check_PROGRAMS += tests/unit/mail/test_x
#	tests_unit_mail_test_x_SOURCES = tests/unit/mail/test_x.c
#	tests_unit_mail_test_x_LDADD = lib/libmail.a $(LDADD_UNIT)
#check_PROGRAMS += tests/unit/mail/test_index
#tests_unit_mail_test_index_SOURCES = tests/unit/mail/test_index.c
#tests_unit_mail_test_index_LDADD = lib/libmail.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
