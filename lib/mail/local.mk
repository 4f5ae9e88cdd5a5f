# lib/mail
noinst_LIBRARIES += lib/libmail.a
lib_libmail_a_SOURCES = lib/mail/index.h 
