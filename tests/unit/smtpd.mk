# Unit tests of smtpd/ that no transcript reaches.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/smtpd/test_dkim
tests_unit_smtpd_test_dkim_SOURCES = tests/unit/smtpd/test_dkim.c smtpd/dkim.c
tests_unit_smtpd_test_dkim_LDADD = lib/libmail.a lib/libbase.a \
	$(OPENDKIM_LIBS) $(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtpd/test_verdict
tests_unit_smtpd_test_verdict_SOURCES = tests/unit/smtpd/test_verdict.c \
	smtpd/verdict.c
tests_unit_smtpd_test_verdict_LDADD = lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtpd/test_sender
tests_unit_smtpd_test_sender_SOURCES = tests/unit/smtpd/test_sender.c \
	smtpd/sender.c
tests_unit_smtpd_test_sender_LDADD = lib/libspf.a lib/libmail.a \
	lib/libevent.a lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtpd/test_author
tests_unit_smtpd_test_author_SOURCES = tests/unit/smtpd/test_author.c \
	smtpd/author.c smtpd/dkim.c
tests_unit_smtpd_test_author_LDADD = lib/libmail.a lib/libevent.a \
	lib/libconf.a lib/libbase.a $(OPENDKIM_LIBS) $(PSL_LIBS) $(IDN2_LIBS) \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/smtpd/test_client
tests_unit_smtpd_test_client_SOURCES = tests/unit/smtpd/test_client.c \
	smtpd/client.c
tests_unit_smtpd_test_client_LDADD = lib/libmail.a lib/libevent.a \
	lib/libconf.a lib/libbase.a $(OPENSSL_LIBS) $(LDADD_UNIT)
endif

noinst_PROGRAMS += tests/lib/dkimcheck
tests_lib_dkimcheck_SOURCES = tests/lib/dkimcheck.c smtpd/dkim.c smtpd/dkim.h
tests_lib_dkimcheck_LDADD = lib/libmail.a lib/libbase.a $(OPENDKIM_LIBS) \
	$(OPENSSL_LIBS)
