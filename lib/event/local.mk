# lib/event
noinst_LIBRARIES += lib/libevent.a
lib_libevent_a_SOURCES = lib/event/loop.c lib/event/loop.h \
	lib/event/stream.c lib/event/stream.h lib/event/tls.c lib/event/tls.h
