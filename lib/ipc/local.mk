# lib/ipc
noinst_LIBRARIES += lib/libipc.a
lib_libipc_a_SOURCES = lib/ipc/catalogue.h lib/ipc/chan.h lib/ipc/note.h 
