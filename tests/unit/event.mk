# Unit tests of lib/event: one program a source file.
check_PROGRAMS += tests/unit/event/test_loop
tests_unit_event_test_loop_SOURCES = tests/unit/event/test_loop.c
tests_unit_event_test_loop_LDADD = lib/libevent.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/event/test_stream
tests_unit_event_test_stream_SOURCES = tests/unit/event/test_stream.c
tests_unit_event_test_stream_LDADD = lib/libevent.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/event/test_tls
tests_unit_event_test_tls_SOURCES = tests/unit/event/test_tls.c
tests_unit_event_test_tls_LDADD = lib/libevent.a lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS) $(LDADD_UNIT)
