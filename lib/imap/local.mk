# lib/imap
noinst_LIBRARIES += lib/libimap.a
lib_libimap_a_SOURCES =
