# lib/journal
noinst_LIBRARIES += lib/libjournal.a
lib_libjournal_a_SOURCES = lib/journal/disk.h lib/journal/disk.c lib/journal/file.c lib/journal/journal.h lib/journal/journal.c lib/journal/record.h lib/journal/record.c lib/journal/settle.c lib/journal/spool.h lib/journal/spool.c lib/journal/start.c
