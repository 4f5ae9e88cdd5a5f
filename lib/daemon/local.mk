# lib/daemon
noinst_LIBRARIES += lib/libdaemon.a
lib_libdaemon_a_SOURCES = lib/daemon/daemon.h lib/daemon/procs.h 
