# lib/smtp
noinst_LIBRARIES += lib/libsmtp.a
lib_libsmtp_a_SOURCES =
