# lib/maildir
noinst_LIBRARIES += lib/libmaildir.a
lib_libmaildir_a_SOURCES =
