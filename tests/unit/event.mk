# Unit tests of lib/event: one program a source file.
#	check_PROGRAMS += tests/unit/event/test_x
#	tests_unit_event_test_x_SOURCES = tests/unit/event/test_x.c
#	tests_unit_event_test_x_LDADD = lib/libevent.a $(LDADD_UNIT)
