# Unit tests of lib/ipc: one program a source file.
check_PROGRAMS += tests/unit/ipc/test_chan
tests_unit_ipc_test_chan_SOURCES = tests/unit/ipc/test_chan.c
tests_unit_ipc_test_chan_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/ipc/test_fake
tests_unit_ipc_test_fake_SOURCES = tests/unit/ipc/test_fake.c
tests_unit_ipc_test_fake_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/ipc/test_note
tests_unit_ipc_test_note_SOURCES = tests/unit/ipc/test_note.c
tests_unit_ipc_test_note_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a $(LDADD_UNIT)
