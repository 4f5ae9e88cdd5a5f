# Unit tests of lib/event: one program a source file.
#	check_PROGRAMS += tests/unit/event/test_x
#	tests_unit_event_test_x_SOURCES = tests/unit/event/test_x.c
#	tests_unit_event_test_x_LDADD = lib/libevent.a $(LDADD_UNIT)

check_PROGRAMS += tests/unit/event/test_tls
tests_unit_event_test_tls_SOURCES = tests/unit/event/test_tls.c
tests_unit_event_test_tls_LDADD = lib/libevent.a lib/libbase.a $(OPENSSL_LIBS) $(LDADD_UNIT)
