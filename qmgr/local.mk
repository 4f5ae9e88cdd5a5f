# qmgr - spool, queue and bounces
pkglibexec_PROGRAMS += qmgr/qmgr qmgr/bounce
QMGR_SOURCES = qmgr/rule.h qmgr/act.c qmgr/fail.c qmgr/lane.c qmgr/lane.h \
	qmgr/qmgr.h qmgr/queue.c qmgr/queue.h qmgr/resume.c qmgr/resume.h \
	qmgr/schedule.c qmgr/schedule.h qmgr/send.c qmgr/send.h qmgr/terms.c \
	qmgr/terms.h qmgr/where.c qmgr/where.h qmgr/why.c qmgr/why.h
qmgr_qmgr_SOURCES = qmgr/qmgr.c $(QMGR_SOURCES)
nodist_qmgr_qmgr_SOURCES = qmgr/providers.inc
qmgr_qmgr_LDADD = lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)

# conf/providers.conf as lines of a C string, for when there is no file.
BUILT_SOURCES += qmgr/providers.inc
CLEANFILES += qmgr/providers.inc
qmgr/providers.inc: conf/providers.conf
	$(AM_V_GEN)$(MKDIR_P) qmgr && { \
		echo 'static const char providers_built_in[] ='; \
		sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
		$(srcdir)/conf/providers.conf; echo ';'; } > $@
qmgr/terms.$(OBJEXT): qmgr/providers.inc
qmgr_bounce_SOURCES = qmgr/bounce.c
qmgr_bounce_LDADD = lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)

check_PROGRAMS += tests/unit/qmgr/test_queue
tests_unit_qmgr_test_queue_SOURCES = tests/unit/qmgr/test_queue.c \
	qmgr/queue.c qmgr/schedule.c

check_PROGRAMS += tests/unit/qmgr/test_lane
tests_unit_qmgr_test_lane_SOURCES = tests/unit/qmgr/test_lane.c \
	qmgr/lane.c qmgr/queue.c qmgr/schedule.c
tests_unit_qmgr_test_lane_LDADD = lib/libbase.a $(LDADD_UNIT)
tests_unit_qmgr_test_queue_LDADD = lib/libbase.a $(LDADD_UNIT)

check_PROGRAMS += tests/unit/qmgr/test_resume
tests_unit_qmgr_test_resume_SOURCES = tests/unit/qmgr/test_resume.c \
	qmgr/resume.c qmgr/lane.c qmgr/queue.c qmgr/schedule.c
tests_unit_qmgr_test_resume_LDADD = lib/libmail.a lib/libbase.a $(LDADD_UNIT)

pkglibexec_PROGRAMS += qmgr/routed
qmgr_routed_SOURCES = qmgr/routed.c qmgr/route.h qmgr/route.c
qmgr_routed_LDADD = lib/libtable.a lib/libmail.a $(LIB_DAEMON) \
	$(LIBS_DAEMON) $(BDB_LIBS)

check_PROGRAMS += tests/unit/qmgr/test_route
tests_unit_qmgr_test_route_SOURCES = tests/unit/qmgr/test_route.c \
	qmgr/route.c tests/unit/table/scratch.h
tests_unit_qmgr_test_route_LDADD = lib/libtable.a lib/libmail.a \
	lib/libconf.a lib/libbase.a $(BDB_LIBS) $(LDADD_UNIT)
pkglibexec_PROGRAMS += qmgr/spoold qmgr/syncd
SPOOLD_SOURCES = qmgr/rule.h qmgr/deliver.c qmgr/doubt.c qmgr/draft.c \
	qmgr/maildrop.c qmgr/settling.c qmgr/spoold.h qmgr/wait.c
qmgr_spoold_SOURCES = qmgr/spoold.c $(SPOOLD_SOURCES)
qmgr_spoold_LDADD = lib/libjournal.a $(LIB_DAEMON) $(LIBS_DAEMON)
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/qmgr/test_qmgr
tests_unit_qmgr_test_qmgr_SOURCES = tests/unit/qmgr/test_qmgr.c \
	$(QMGR_SOURCES)
nodist_tests_unit_qmgr_test_qmgr_SOURCES = $(nodist_qmgr_qmgr_SOURCES)
tests_unit_qmgr_test_qmgr_LDADD = lib/libmail.a lib/libipc.a \
	lib/libevent.a lib/libconf.a lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
check_PROGRAMS += tests/unit/qmgr/test_syncd
tests_unit_qmgr_test_syncd_SOURCES = tests/unit/qmgr/test_syncd.c
tests_unit_qmgr_test_syncd_LDADD = lib/libipc.a lib/libevent.a \
	lib/libconf.a lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS) \
	$(LDADD_UNIT)
check_PROGRAMS += tests/unit/qmgr/test_spoold
tests_unit_qmgr_test_spoold_SOURCES = tests/unit/qmgr/test_spoold.c \
	$(SPOOLD_SOURCES)
tests_unit_qmgr_test_spoold_LDADD = lib/libjournal.a lib/libipc.a \
	lib/libevent.a lib/libconf.a lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
endif
qmgr_syncd_SOURCES = qmgr/syncd.c
qmgr_syncd_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)

# Programs with one rule of doc/durability.md broken, for tests/suite/broken.test.
noinst_PROGRAMS += tests/fault/spoold-6 tests/fault/spoold-12 \
	tests/fault/spoold-13 tests/fault/spoold-17 tests/fault/spoold-18 \
	tests/fault/qmgr-17
tests_fault_spoold_6_SOURCES = $(qmgr_spoold_SOURCES)
tests_fault_spoold_6_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=6
tests_fault_spoold_6_LDADD = $(qmgr_spoold_LDADD)
tests_fault_spoold_12_SOURCES = $(qmgr_spoold_SOURCES)
tests_fault_spoold_12_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=12
tests_fault_spoold_12_LDADD = $(qmgr_spoold_LDADD)
tests_fault_spoold_13_SOURCES = $(qmgr_spoold_SOURCES)
tests_fault_spoold_13_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=13
tests_fault_spoold_13_LDADD = $(qmgr_spoold_LDADD)
tests_fault_spoold_17_SOURCES = $(qmgr_spoold_SOURCES)
tests_fault_spoold_17_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=17
tests_fault_spoold_17_LDADD = $(qmgr_spoold_LDADD)
tests_fault_spoold_18_SOURCES = $(qmgr_spoold_SOURCES)
tests_fault_spoold_18_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=18
tests_fault_spoold_18_LDADD = $(qmgr_spoold_LDADD)
# and for tests/suite/unsynced.test
noinst_PROGRAMS += tests/fault/spoold-trusts
tests_fault_spoold_trusts_SOURCES = tests/fault/trusts.c $(qmgr_spoold_SOURCES)
tests_fault_spoold_trusts_LDADD = $(qmgr_spoold_LDADD)
tests_fault_spoold_trusts_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=settling_start
tests_fault_qmgr_17_SOURCES = $(qmgr_qmgr_SOURCES)
nodist_tests_fault_qmgr_17_SOURCES = $(nodist_qmgr_qmgr_SOURCES)
tests_fault_qmgr_17_CPPFLAGS = $(AM_CPPFLAGS) -DQMGR_BROKEN=17
tests_fault_qmgr_17_LDADD = $(qmgr_qmgr_LDADD)
