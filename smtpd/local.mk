# smtpd - the face that mail comes in by
noinst_LIBRARIES += smtpd/libsmtpd.a
smtpd_libsmtpd_a_SOURCES = smtpd/auth.c smtpd/check.c smtpd/command.c smtpd/data.c \
	smtpd/hello.c smtpd/help.c smtpd/mailtx.c smtpd/quirks.c smtpd/session.c \
	smtpd/drop.c smtpd/recode.c smtpd/session.h smtpd/sign.c
pkglibexec_PROGRAMS += smtpd/smtpd
smtpd_smtpd_SOURCES = smtpd/smtpd.c
smtpd_smtpd_LDADD = smtpd/libsmtpd.a lib/libsmtp.a lib/libsasl.a \
	lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)

# checkd
pkglibexec_PROGRAMS += smtpd/checkd
smtpd_checkd_SOURCES = smtpd/author.c smtpd/author.h smtpd/checkd.c smtpd/client.c smtpd/client.h \
	smtpd/dkim.c smtpd/dkim.h smtpd/second.c smtpd/second.h smtpd/sender.c smtpd/sender.h \
	smtpd/verdict.c smtpd/verdict.h
smtpd_checkd_LDADD = lib/libspf.a lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON) \
	$(OPENDKIM_LIBS) $(PSL_LIBS) $(IDN2_LIBS) $(SPF2_LIBS)
