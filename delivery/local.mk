# delivery - mail that goes out, and what it needs
pkglibexec_PROGRAMS += delivery/resolvd
delivery_resolvd_SOURCES = delivery/resolvd.c
delivery_resolvd_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)

pkglibexec_PROGRAMS += delivery/remote
delivery_remote_SOURCES = delivery/remote.c
delivery_remote_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)

pkglibexec_PROGRAMS += delivery/signd
delivery_signd_SOURCES = delivery/signd.c
delivery_signd_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)

pkglibexec_PROGRAMS += delivery/keyd
delivery_keyd_SOURCES = delivery/keyd.c
delivery_keyd_LDADD = $(LIB_DAEMON) $(LIBS_DAEMON)
