# Unit tests of lib/ipc: one program a source file.
#	check_PROGRAMS += tests/unit/ipc/test_x
#	tests_unit_ipc_test_x_SOURCES = tests/unit/ipc/test_x.c
#	tests_unit_ipc_test_x_LDADD = lib/libipc.a $(LDADD_UNIT)
