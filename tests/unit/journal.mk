# Unit tests of lib/journal: one program a source file.
if HAVE_CMOCKA
JOURNAL_WORLD = tests/unit/journal/world.h tests/fault/simdisk.h tests/fault/simdisk.c
check_PROGRAMS += tests/unit/journal/test_disk
tests_unit_journal_test_disk_SOURCES = tests/unit/journal/test_disk.c 
tests_unit_journal_test_disk_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_file
tests_unit_journal_test_file_SOURCES = tests/unit/journal/test_file.c $(JOURNAL_WORLD)
tests_unit_journal_test_file_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_journal
# with rules that can be broken: one of them is
tests_unit_journal_test_journal_SOURCES = tests/unit/journal/test_journal.c $(JOURNAL_WORLD) \
	$(lib_libjournal_a_SOURCES)
tests_unit_journal_test_journal_CPPFLAGS = $(AM_CPPFLAGS) -UVEREDUS_FAULTS -DVEREDUS_FAULTS=1
tests_unit_journal_test_journal_LDADD = lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_record
tests_unit_journal_test_record_SOURCES = tests/unit/journal/test_record.c 
tests_unit_journal_test_record_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_settle
tests_unit_journal_test_settle_SOURCES = tests/unit/journal/test_settle.c $(JOURNAL_WORLD)
tests_unit_journal_test_settle_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_spool
tests_unit_journal_test_spool_SOURCES = tests/unit/journal/test_spool.c $(JOURNAL_WORLD)
tests_unit_journal_test_spool_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/journal/test_start
tests_unit_journal_test_start_SOURCES = tests/unit/journal/test_start.c $(JOURNAL_WORLD)
tests_unit_journal_test_start_LDADD = lib/libjournal.a lib/libcrypto.a lib/libbase.a $(LDADD_UNIT)
endif
