# pop3d - the face that POP3 clients see
POP3D_SOURCES = pop3d/command.c pop3d/fetch.c pop3d/login.c \
	pop3d/session.c pop3d/session.h
pkglibexec_PROGRAMS += pop3d/pop3d
pop3d_pop3d_SOURCES = pop3d/pop3d.c $(POP3D_SOURCES)
pop3d_pop3d_LDADD = lib/libsasl.a lib/libmail.a $(LIB_DAEMON) $(LIBS_DAEMON)
