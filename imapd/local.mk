# imapd
pkglibexec_PROGRAMS += imapd/imapd
IMAPD_SOURCES = imapd/append.c imapd/append.h imapd/batch.c imapd/batch.h \
	imapd/body.c imapd/body.h imapd/box.c imapd/box.h imapd/change.c \
	imapd/command.c imapd/command.h imapd/copy.c imapd/fetch.c \
	imapd/hello.c imapd/hello.h imapd/idle.c imapd/idle.h \
	imapd/imapd.h imapd/list.c imapd/login.c imapd/mailbox.c \
	imapd/mailbox.h imapd/quirks.c imapd/quirks.h imapd/search.c \
	imapd/select.c imapd/session.c imapd/session.h imapd/status.c \
	imapd/sync.c imapd/sync.h
imapd_imapd_SOURCES = imapd/imapd.c $(IMAPD_SOURCES)
imapd_imapd_LDADD = lib/libimap.a lib/libsasl.a lib/libmail.a \
	$(LIB_DAEMON) $(LIBS_DAEMON)
