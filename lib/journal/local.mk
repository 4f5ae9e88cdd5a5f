# lib/journal
noinst_LIBRARIES += lib/libjournal.a
lib_libjournal_a_SOURCES =
