# delivery - mail that goes out, and what it needs
pkglibexec_PROGRAMS += delivery/resolvd
RESOLVD_SOURCES = delivery/exchange.c delivery/exchange.h delivery/known.c \
	delivery/known.h delivery/question.c delivery/question.h \
	delivery/server.c delivery/server.h delivery/address.c delivery/address.h
delivery_resolvd_SOURCES = $(RESOLVD_SOURCES) delivery/resolvd.c
delivery_resolvd_LDADD = lib/libdns.a $(LIB_DAEMON) $(LIBS_DAEMON) $(LDNS_LIBS)

pkglibexec_PROGRAMS += delivery/remote
REMOTE_SOURCES = delivery/address.c delivery/address.h delivery/conn.c \
	delivery/conn.h delivery/dial.h delivery/fact.c delivery/fact.h \
	delivery/hop.c delivery/hop.h delivery/job.c delivery/job.h \
	delivery/look.c delivery/look.h delivery/memo.c delivery/memo.h \
	delivery/mx.c delivery/mx.h delivery/talk.c delivery/way.c
delivery_remote_SOURCES = $(REMOTE_SOURCES) delivery/dial.c delivery/remote.c
delivery_remote_LDADD = lib/libsmtp.a lib/libmail.a $(LIB_DAEMON) \
	$(LIBS_DAEMON)

pkglibexec_PROGRAMS += delivery/signd
delivery_signd_SOURCES = delivery/signd.c delivery/sign.c delivery/sign.h \
	delivery/signer.c delivery/signer.h
delivery_signd_LDADD = lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON) $(OPENDKIM_LIBS)

pkglibexec_PROGRAMS += delivery/keyd
delivery_keyd_SOURCES = delivery/keyd.c
delivery_keyd_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)
