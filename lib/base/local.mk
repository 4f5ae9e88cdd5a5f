# lib/base - floor 0
noinst_LIBRARIES += lib/libbase.a
lib_libbase_a_SOURCES = lib/base/arena.h lib/base/attr.h lib/base/banned.h lib/base/buf.h lib/base/clock.h lib/base/dict.h lib/base/enc.h lib/base/fail.h lib/base/fd.h lib/base/file.h lib/base/heap.h lib/base/proc.h lib/base/list.h lib/base/log.h lib/base/num.h lib/base/rand.h lib/base/str.h lib/base/utf8.h 
