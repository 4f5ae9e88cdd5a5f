# tools - the operator's command and the classic doors
sbin_PROGRAMS += tools/veredus tools/sendmail
TOOLS_COMMON = tools/cli.c tools/cli.h tools/control.c tools/drop.c \
	tools/compose.c tools/json.c tools/json.h tools/sendmail.h tools/submit.c
tools_veredus_SOURCES = tools/account.c tools/alias.c tools/disk.c tools/dkim.c \
	tools/domain.c tools/mail.c tools/main.c \
	tools/service.c tools/trace.c tools/trace.h tools/why.c tools/why.h $(TOOLS_COMMON)
tools_veredus_LDADD = lib/libconf.a lib/libtable.a lib/libsmtp.a lib/libmail.a \
	lib/libcrypto.a lib/libbase.a $(BDB_LIBS) $(CRYPT_LIBS) $(OPENSSL_LIBS)
tools_sendmail_SOURCES = tools/sendmail.c $(TOOLS_COMMON)
tools_sendmail_LDADD = lib/libconf.a lib/libsmtp.a lib/libmail.a lib/libbase.a

# mailq and newaliases are names of sendmail, in the folder and out of it.
all-local: tools/mailq tools/newaliases
tools/mailq tools/newaliases: tools/sendmail
	$(AM_V_GEN)ln -sf sendmail $@
CLEANFILES += tools/mailq tools/newaliases
install-exec-hook:
	$(MKDIR_P) $(DESTDIR)$(bindir)
	ln -sf $(sbindir)/sendmail $(DESTDIR)$(bindir)/mailq
	ln -sf $(sbindir)/sendmail $(DESTDIR)$(bindir)/newaliases
	@# a packager says this by dpkg-statoverride or %attr; here if we may
	@if chgrp veredus-drop $(DESTDIR)$(sbindir)/sendmail 2> /dev/null; then \
		chmod g+s $(DESTDIR)$(sbindir)/sendmail; \
	else echo "sendmail: no group veredus-drop: only root can leave mail" \
		"in maildrop"; fi
uninstall-hook:
	rm -f $(DESTDIR)$(bindir)/mailq $(DESTDIR)$(bindir)/newaliases
