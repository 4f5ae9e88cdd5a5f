# lib/conf
noinst_LIBRARIES += lib/libconf.a
lib_libconf_a_SOURCES = lib/conf/conf.h lib/conf/params.h 
