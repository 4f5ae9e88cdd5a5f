# store - the mailboxes
STORED_SOURCES = store/account.c store/append.c store/box.c store/change.c \
	store/job.c store/mailbox.c store/news.c store/set.c store/standin.c \
	store/stored.h
pkglibexec_PROGRAMS += store/stored
store_stored_SOURCES = store/stored.c $(STORED_SOURCES)
store_stored_LDADD = lib/libmaildir.a lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)

# It dies of a certain message, for tests/suite/broken.test; it is hasty, for
# tests/suite/unsynced.test.
noinst_PROGRAMS += tests/fault/stored-dies tests/fault/stored-hasty
tests_fault_stored_dies_SOURCES = tests/fault/dies.c $(store_stored_SOURCES)
tests_fault_stored_dies_LDADD = $(store_stored_LDADD)
tests_fault_stored_dies_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ingest_feed
tests_fault_stored_hasty_SOURCES = tests/fault/hasty.c $(store_stored_SOURCES)
tests_fault_stored_hasty_LDADD = $(store_stored_LDADD)
tests_fault_stored_hasty_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ask_sync_ask

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/store/test_stored
tests_unit_store_test_stored_SOURCES = tests/unit/store/test_stored.c \
	$(STORED_SOURCES) $(MAILDIR_WORLD)
tests_unit_store_test_stored_LDADD = lib/libmaildir.a lib/libmail.a \
	lib/libipc.a lib/libevent.a lib/libconf.a lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)

# The same with one rule of doc/durability.md after the other broken.
check_PROGRAMS += tests/unit/store/test_stored_broken
tests_unit_store_test_stored_broken_SOURCES = \
	tests/unit/store/test_stored.c $(STORED_SOURCES) $(MAILDIR_WORLD) \
	$(lib_libmaildir_a_SOURCES)
tests_unit_store_test_stored_broken_CPPFLAGS = $(AM_CPPFLAGS) \
	-UVEREDUS_FAULTS -DVEREDUS_FAULTS=1
tests_unit_store_test_stored_broken_LDADD = lib/libmail.a lib/libipc.a \
	lib/libevent.a lib/libconf.a lib/libcrypto.a lib/libbase.a \
	$(OPENSSL_LIBS) $(LDADD_UNIT)
endif
