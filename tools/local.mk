# tools - the operator's command and the classic doors
sbin_PROGRAMS += tools/veredus
tools_veredus_SOURCES = tools/account.c tools/cli.c tools/cli.h \
	tools/control.c tools/json.c tools/json.h tools/mail.c tools/main.c \
	tools/service.c
tools_veredus_LDADD = lib/libconf.a lib/libbase.a $(CRYPT_LIBS)
