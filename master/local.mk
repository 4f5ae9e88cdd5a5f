# master
sbin_PROGRAMS += master/veredus-master
master_veredus_master_SOURCES = master/certs.c master/config.c master/connect.c \
	master/control.c master/dkim.c master/folders.c master/init.c \
	master/listen.c master/main.c master/master.h \
	master/reload.c master/resolvers.c master/start.c master/sync.c \
	master/tickets.c master/watch.c master/wire.c
master_veredus_master_LDADD = lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)

pkglibexec_PROGRAMS += master/logd master/ctld
master_logd_SOURCES = master/logd.c master/trace.c master/trace.h
master_logd_LDADD = $(LIB_DAEMON) $(SECCOMP_LIBS) $(CAPNG_LIBS)
master_ctld_SOURCES = master/ctld.c
master_ctld_LDADD = $(LIB_DAEMON) $(SECCOMP_LIBS) $(CAPNG_LIBS) $(OPENSSL_LIBS)
