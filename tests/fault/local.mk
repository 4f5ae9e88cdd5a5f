# The model test: lib/journal itself, built so that its rules can be broken.
check_PROGRAMS += tests/fault/model
tests_fault_model_SOURCES = tests/fault/model.c tests/fault/simdisk.h \
	tests/fault/simdisk.c $(lib_libjournal_a_SOURCES)
tests_fault_model_CPPFLAGS = $(AM_CPPFLAGS) -UVEREDUS_FAULTS -DVEREDUS_FAULTS=1
tests_fault_model_LDADD = lib/libcrypto.a lib/libbase.a
# A minute of CPU; under a sanitizer ten, and the model itself runs there.
if !SANITIZE
dist_check_SCRIPTS += tests/fault/prove
else
EXTRA_DIST += tests/fault/prove
endif

# Fuzz targets of lib/journal (the pattern stands in tests/fuzz/local.mk).
FUZZERS += tests/fuzz/fuzz_journal_segment tests/fuzz/fuzz_spool_file
tests_fuzz_fuzz_journal_segment_SOURCES = tests/fuzz/fuzz_journal_segment.c \
	tests/fault/simdisk.c $(FUZZ_MAIN)
tests_fuzz_fuzz_journal_segment_LDADD = lib/libjournal.a lib/libcrypto.a \
	lib/libbase.a
tests_fuzz_fuzz_journal_segment_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_spool_file_SOURCES = tests/fuzz/fuzz_spool_file.c \
	tests/fault/simdisk.c $(FUZZ_MAIN)
tests_fuzz_fuzz_spool_file_LDADD = lib/libjournal.a lib/libcrypto.a \
	lib/libbase.a
tests_fuzz_fuzz_spool_file_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
