# lib/mail - addresses, headers, MIME, dates: pure
noinst_LIBRARIES += lib/libmail.a
lib_libmail_a_SOURCES = lib/mail/addr.c lib/mail/addr.h lib/mail/authres.c \
	lib/mail/authres.h lib/mail/code.c lib/mail/dmarc.c lib/mail/dmarc.h \
	lib/mail/code.h lib/mail/date.c lib/mail/date.h lib/mail/dsn.c \
	lib/mail/dsn.h lib/mail/header.c lib/mail/header.h lib/mail/index.c \
	lib/mail/index.h lib/mail/mime.c lib/mail/mime.h lib/mail/msgid.c \
	lib/mail/msgid.h lib/mail/provider.c \
	lib/mail/provider.h lib/mail/recode.c lib/mail/recode.h lib/mail/shape.c lib/mail/shape.h lib/mail/trace.c \
	lib/mail/trace.h lib/mail/wire.c lib/mail/wire.h lib/mail/zone.c lib/mail/zone.h \
	lib/mail/zonetxt.c
