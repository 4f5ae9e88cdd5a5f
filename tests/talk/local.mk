# tests/talk - transcripts, played in process (README.md)
noinst_LIBRARIES += tests/talk/libtalk.a tests/talk/libtoy.a
tests_talk_libtalk_a_SOURCES = tests/talk/talk.c tests/talk/talk.h \
	tests/talk/client.c tests/talk/daemon.c tests/talk/note.c
tests_talk_libtoy_a_SOURCES = tests/talk/toystore.c tests/talk/toystore.h \
	tests/talk/toyworld.c
TALK_LIBS = tests/talk/libtalk.a lib/libsasl.a lib/libsmtp.a lib/libimap.a \
	lib/libmail.a $(LIB_DAEMON) $(OPENSSL_LIBS)

noinst_PROGRAMS += tests/talk/imap_talk
tests_talk_imap_talk_SOURCES = tests/talk/imap_talk.c $(IMAPD_SOURCES)
tests_talk_imap_talk_LDADD = tests/talk/libtoy.a $(TALK_LIBS)

noinst_PROGRAMS += tests/talk/smtp_talk
tests_talk_smtp_talk_SOURCES = tests/talk/smtp_talk.c
tests_talk_smtp_talk_LDADD = smtpd/libsmtpd.a $(TALK_LIBS)

dist_check_SCRIPTS += tests/talk/imap-talks tests/talk/smtp-talks
EXTRA_DIST += tests/talk/README.md tests/talk/sockets tests/talk/imap \
	tests/talk/smtp

noinst_PROGRAMS += tests/talk/pop3_talk
tests_talk_pop3_talk_SOURCES = tests/talk/pop3_talk.c $(POP3D_SOURCES)
tests_talk_pop3_talk_LDADD = $(TALK_LIBS)
dist_check_SCRIPTS += tests/talk/pop3-talks
EXTRA_DIST += tests/talk/pop3

noinst_PROGRAMS += tests/talk/remote_talk
tests_talk_remote_talk_SOURCES = tests/talk/remote_talk.c $(REMOTE_SOURCES)
tests_talk_remote_talk_LDADD = $(TALK_LIBS)
dist_check_SCRIPTS += tests/talk/remote-talks
EXTRA_DIST += tests/talk/remote
