# lib/table
noinst_LIBRARIES += lib/libtable.a
lib_libtable_a_SOURCES = lib/table/alias.h lib/table/alias.c \
	lib/table/bdb.c lib/table/driver.h lib/table/table.h \
	lib/table/table.c lib/table/text.c lib/table/users.h lib/table/users.c
