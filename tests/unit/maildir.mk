# Unit tests of lib/maildir: one program a source file.
MAILDIR_WORLD = tests/unit/maildir/world.c tests/unit/maildir/world.h
MAILDIR_LIBS = lib/libmaildir.a lib/libmail.a lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/maildir/test_box
tests_unit_maildir_test_box_SOURCES = tests/unit/maildir/test_box.c $(MAILDIR_WORLD)
tests_unit_maildir_test_box_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_deliver
tests_unit_maildir_test_deliver_SOURCES = tests/unit/maildir/test_deliver.c $(MAILDIR_WORLD)
tests_unit_maildir_test_deliver_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_fname
tests_unit_maildir_test_fname_SOURCES = tests/unit/maildir/test_fname.c $(MAILDIR_WORLD)
tests_unit_maildir_test_fname_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_folder
tests_unit_maildir_test_folder_SOURCES = tests/unit/maildir/test_folder.c $(MAILDIR_WORLD)
tests_unit_maildir_test_folder_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_log
tests_unit_maildir_test_log_SOURCES = tests/unit/maildir/test_log.c $(MAILDIR_WORLD)
tests_unit_maildir_test_log_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_names
tests_unit_maildir_test_names_SOURCES = tests/unit/maildir/test_names.c $(MAILDIR_WORLD)
tests_unit_maildir_test_names_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_reserve
tests_unit_maildir_test_reserve_SOURCES = tests/unit/maildir/test_reserve.c $(MAILDIR_WORLD)
tests_unit_maildir_test_reserve_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_seen
tests_unit_maildir_test_seen_SOURCES = tests/unit/maildir/test_seen.c
tests_unit_maildir_test_seen_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_strange
tests_unit_maildir_test_strange_SOURCES = tests/unit/maildir/test_strange.c $(MAILDIR_WORLD)
tests_unit_maildir_test_strange_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_crash
tests_unit_maildir_test_crash_SOURCES = tests/unit/maildir/test_crash.c $(MAILDIR_WORLD)
tests_unit_maildir_test_crash_LDADD = $(MAILDIR_LIBS)
check_PROGRAMS += tests/unit/maildir/test_cut tests/unit/maildir/test_cut_broken
tests_unit_maildir_test_cut_SOURCES = tests/unit/maildir/test_cut.c $(MAILDIR_WORLD)
tests_unit_maildir_test_cut_LDADD = $(MAILDIR_LIBS)
tests_unit_maildir_test_cut_broken_SOURCES = tests/unit/maildir/test_cut.c \
	$(MAILDIR_WORLD) $(lib_libmaildir_a_SOURCES)
tests_unit_maildir_test_cut_broken_CPPFLAGS = $(AM_CPPFLAGS) -UVEREDUS_FAULTS \
	-DVEREDUS_FAULTS=1
tests_unit_maildir_test_cut_broken_LDADD = lib/libmail.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS) $(LDADD_UNIT)
endif
