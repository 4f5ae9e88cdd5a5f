# Unit tests of lib/daemon: one program a source file.
#	check_PROGRAMS += tests/unit/daemon/test_x
#	tests_unit_daemon_test_x_SOURCES = tests/unit/daemon/test_x.c
#	tests_unit_daemon_test_x_LDADD = lib/libdaemon.a $(LDADD_UNIT)
