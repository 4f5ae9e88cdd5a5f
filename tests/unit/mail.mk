# Unit tests of lib/mail: one program a source file.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/mail/test_addr
tests_unit_mail_test_addr_SOURCES = tests/unit/mail/test_addr.c
tests_unit_mail_test_addr_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_code
tests_unit_mail_test_code_SOURCES = tests/unit/mail/test_code.c
tests_unit_mail_test_code_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_date
tests_unit_mail_test_date_SOURCES = tests/unit/mail/test_date.c
tests_unit_mail_test_date_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_dsn
tests_unit_mail_test_dsn_SOURCES = tests/unit/mail/test_dsn.c
tests_unit_mail_test_dsn_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_header
tests_unit_mail_test_header_SOURCES = tests/unit/mail/test_header.c
tests_unit_mail_test_header_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_index
tests_unit_mail_test_index_SOURCES = tests/unit/mail/test_index.c
tests_unit_mail_test_index_LDADD = lib/libmail.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_mime
tests_unit_mail_test_mime_SOURCES = tests/unit/mail/test_mime.c
tests_unit_mail_test_mime_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_msgid
tests_unit_mail_test_msgid_SOURCES = tests/unit/mail/test_msgid.c
tests_unit_mail_test_msgid_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_provider
tests_unit_mail_test_provider_SOURCES = tests/unit/mail/test_provider.c
tests_unit_mail_test_provider_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
EXTRA_DIST += tests/unit/mail/replies.txt
check_PROGRAMS += tests/unit/mail/test_shape
tests_unit_mail_test_shape_SOURCES = tests/unit/mail/test_shape.c
tests_unit_mail_test_shape_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_trace
tests_unit_mail_test_trace_SOURCES = tests/unit/mail/test_trace.c
tests_unit_mail_test_trace_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_wire
tests_unit_mail_test_wire_SOURCES = tests/unit/mail/test_wire.c
tests_unit_mail_test_wire_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_authres
tests_unit_mail_test_authres_SOURCES = tests/unit/mail/test_authres.c
tests_unit_mail_test_authres_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_dmarc
tests_unit_mail_test_dmarc_SOURCES = tests/unit/mail/test_dmarc.c
tests_unit_mail_test_dmarc_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_recode
tests_unit_mail_test_recode_SOURCES = tests/unit/mail/test_recode.c
tests_unit_mail_test_recode_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_zone
tests_unit_mail_test_zone_SOURCES = tests/unit/mail/test_zone.c \
	tests/unit/mail/dnsworld.h
tests_unit_mail_test_zone_LDADD = lib/libmail.a lib/libspf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/mail/test_zonetxt
tests_unit_mail_test_zonetxt_SOURCES = tests/unit/mail/test_zonetxt.c \
	tests/unit/mail/dnsworld.h
tests_unit_mail_test_zonetxt_LDADD = lib/libmail.a lib/libspf.a lib/libbase.a $(LDADD_UNIT)
endif
