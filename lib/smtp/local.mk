# lib/smtp - commands, replies, the data on its way in: pure
noinst_LIBRARIES += lib/libsmtp.a
lib_libsmtp_a_SOURCES = lib/smtp/body.c lib/smtp/body.h lib/smtp/client.c \
	lib/smtp/client.h lib/smtp/heard.c lib/smtp/heard.h lib/smtp/ext.c \
	lib/smtp/ext.h lib/smtp/head.c lib/smtp/head.h lib/smtp/reply.c \
	lib/smtp/reply.h lib/smtp/verb.c lib/smtp/verb.h
