# lib/conf
noinst_LIBRARIES += lib/libconf.a
lib_libconf_a_SOURCES = lib/conf/conf.h lib/conf/conf.c lib/conf/file.h \
	lib/conf/file.c lib/conf/near.h lib/conf/near.c lib/conf/net.h \
	lib/conf/net.c lib/conf/param.h lib/conf/param.c lib/conf/params.h \
	lib/conf/value.h lib/conf/value.c
