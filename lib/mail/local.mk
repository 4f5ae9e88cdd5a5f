# lib/mail - addresses, headers, MIME, dates: pure
noinst_LIBRARIES += lib/libmail.a
lib_libmail_a_SOURCES = lib/mail/addr.h lib/mail/code.h lib/mail/date.h \
	lib/mail/dsn.h lib/mail/header.h lib/mail/index.h lib/mail/mime.h \
	lib/mail/msgid.h lib/mail/shape.h lib/mail/trace.h lib/mail/wire.h
lib_libmail_a_SOURCES += lib/mail/index.c
