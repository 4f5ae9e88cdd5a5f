# lib/event
noinst_LIBRARIES += lib/libevent.a
lib_libevent_a_SOURCES = lib/event/loop.h lib/event/stream.h lib/event/tls.h 
