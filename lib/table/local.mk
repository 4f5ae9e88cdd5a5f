# lib/table
noinst_LIBRARIES += lib/libtable.a
lib_libtable_a_SOURCES =
