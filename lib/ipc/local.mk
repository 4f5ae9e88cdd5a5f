# lib/ipc
noinst_LIBRARIES += lib/libipc.a
lib_libipc_a_SOURCES = lib/ipc/catalogue.h lib/ipc/chan.c lib/ipc/chan.h \
	lib/ipc/fake.c lib/ipc/fake.h lib/ipc/note.c lib/ipc/note.h
