# lib/daemon
noinst_LIBRARIES += lib/libdaemon.a
lib_libdaemon_a_SOURCES = lib/daemon/cert.c lib/daemon/cert.h lib/daemon/cage.c lib/daemon/cage.h \
	lib/daemon/daemon.c lib/daemon/daemon.h \
	lib/daemon/dns.c lib/daemon/dns.h lib/daemon/drop.c lib/daemon/drop.h \
	lib/daemon/login.c lib/daemon/login.h \
	lib/daemon/procs.c lib/daemon/procs.h
