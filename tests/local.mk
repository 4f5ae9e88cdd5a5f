# tests

# A process of any kind that does nothing, for tests (tests/lib/instance.py).
noinst_PROGRAMS += tests/lib/idle
tests_lib_idle_SOURCES = tests/lib/idle.c
tests_lib_idle_LDADD = $(LIB_DAEMON) $(SECCOMP_LIBS) $(CAPNG_LIBS)
EXTRA_DIST += tests/lib/instance.py
