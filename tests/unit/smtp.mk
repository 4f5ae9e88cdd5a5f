# Unit tests of lib/smtp: one program a source file.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/smtp/test_body
tests_unit_smtp_test_body_SOURCES = tests/unit/smtp/test_body.c
tests_unit_smtp_test_body_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_ext
tests_unit_smtp_test_ext_SOURCES = tests/unit/smtp/test_ext.c
tests_unit_smtp_test_ext_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_head
tests_unit_smtp_test_head_SOURCES = tests/unit/smtp/test_head.c
tests_unit_smtp_test_head_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_reply
tests_unit_smtp_test_reply_SOURCES = tests/unit/smtp/test_reply.c
tests_unit_smtp_test_reply_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_verb
tests_unit_smtp_test_verb_SOURCES = tests/unit/smtp/test_verb.c
tests_unit_smtp_test_verb_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_client
tests_unit_smtp_test_client_SOURCES = tests/unit/smtp/test_client.c
tests_unit_smtp_test_client_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtp/test_heard
tests_unit_smtp_test_heard_SOURCES = tests/unit/smtp/test_heard.c
tests_unit_smtp_test_heard_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
endif
