# Unit tests of lib/table: one program a source file.
#	check_PROGRAMS += tests/unit/table/test_x
#	tests_unit_table_test_x_SOURCES = tests/unit/table/test_x.c
#	tests_unit_table_test_x_LDADD = lib/libtable.a $(LDADD_UNIT)
