# tests

# A process of any kind that does nothing, for tests (tests/lib/instance.py).
noinst_PROGRAMS += tests/lib/idle
tests_lib_idle_SOURCES = tests/lib/idle.c
tests_lib_idle_LDADD = $(LIB_DAEMON) $(SECCOMP_LIBS) $(CAPNG_LIBS)
EXTRA_DIST += tests/lib/certs.h tests/lib/client.py tests/lib/fakedaemon.h tests/lib/room.h \
	tests/lib/fakedns.h tests/lib/instance.py tests/lib/liar.py tests/lib/nsd.py \
	tests/lib/powercut.sh tests/lib/receiver.py tests/lib/rfc8463.h tests/lib/signer.h \
	tests/lib/strike.py tests/lib/world.py tests/lib/postfix.py

# Makes a process of the suite try what it may not (tests/suite/cage.test).
noinst_PROGRAMS += tests/cage/breakout
tests_cage_breakout_SOURCES = tests/cage/breakout.c

# Every row of the catalogue: wrong senders, tickets and descriptors.
check_PROGRAMS += tests/note/rows
tests_note_rows_SOURCES = tests/note/rows.c
tests_note_rows_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a
