# Unit tests of lib/daemon: one program a source file.
check_PROGRAMS += tests/unit/daemon/test_cage
tests_unit_daemon_test_cage_SOURCES = tests/unit/daemon/test_cage.c
tests_unit_daemon_test_cage_LDADD = lib/libdaemon.a lib/libipc.a lib/libevent.a lib/libbase.a $(SECCOMP_LIBS) $(CAPNG_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/daemon/test_drop
tests_unit_daemon_test_drop_SOURCES = tests/unit/daemon/test_drop.c
tests_unit_daemon_test_drop_LDADD = lib/libdaemon.a lib/libipc.a lib/libevent.a lib/libbase.a $(SECCOMP_LIBS) $(CAPNG_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/daemon/test_procs
tests_unit_daemon_test_procs_SOURCES = tests/unit/daemon/test_procs.c
tests_unit_daemon_test_procs_LDADD = lib/libdaemon.a lib/libipc.a lib/libevent.a lib/libbase.a $(SECCOMP_LIBS) $(CAPNG_LIBS) $(LDADD_UNIT)

check_PROGRAMS += tests/unit/daemon/test_cert
tests_unit_daemon_test_cert_SOURCES = tests/unit/daemon/test_cert.c \
	lib/daemon/cert.c
tests_unit_daemon_test_cert_LDADD = lib/libipc.a lib/libevent.a lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/daemon/test_dns
tests_unit_daemon_test_dns_SOURCES = tests/unit/daemon/test_dns.c \
	lib/daemon/dns.c
tests_unit_daemon_test_dns_LDADD = lib/libipc.a lib/libevent.a lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/daemon/test_login
tests_unit_daemon_test_login_SOURCES = tests/unit/daemon/test_login.c \
	lib/daemon/login.c
tests_unit_daemon_test_login_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a $(LDADD_UNIT)
