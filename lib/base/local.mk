# lib/base - floor 0
noinst_LIBRARIES += lib/libbase.a
lib_libbase_a_SOURCES = \
	lib/base/arena.c lib/base/arena.h \
	lib/base/attr.h \
	lib/base/banned.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/clock.c lib/base/clock.h \
	lib/base/dict.c lib/base/dict.h \
	lib/base/enc.c lib/base/enc.h \
	lib/base/fail.c lib/base/fail.h \
	lib/base/fd.c lib/base/fd.h \
	lib/base/file.c lib/base/file.h \
	lib/base/heap.c lib/base/heap.h \
	lib/base/list.c lib/base/list.h \
	lib/base/log.c lib/base/log.h \
	lib/base/num.c lib/base/num.h \
	lib/base/proc.h \
	lib/base/rand.c lib/base/rand.h \
	lib/base/str.c lib/base/str.h \
	lib/base/utf8.c lib/base/utf8.h
