# lib/imap
noinst_LIBRARIES += lib/libimap.a
lib_libimap_a_SOURCES = lib/imap/find.c lib/imap/find.h \
	lib/imap/flag.c lib/imap/flag.h lib/imap/items.c lib/imap/items.h \
	lib/imap/lex.c lib/imap/lex.h lib/imap/name.c lib/imap/name.h \
	lib/imap/out.c lib/imap/out.h lib/imap/query.c lib/imap/query.h \
	lib/imap/set.c lib/imap/set.h
