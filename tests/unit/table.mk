# Unit tests of lib/table: one program a source file.
TABLE_TEST_LDADD = lib/libtable.a lib/libmail.a lib/libbase.a $(BDB_LIBS) \
	$(LDADD_UNIT)
check_PROGRAMS += tests/unit/table/test_alias tests/unit/table/test_bdb \
	tests/unit/table/test_table tests/unit/table/test_text \
	tests/unit/table/test_users
tests_unit_table_test_alias_SOURCES = tests/unit/table/test_alias.c
tests_unit_table_test_alias_LDADD = $(TABLE_TEST_LDADD)
tests_unit_table_test_bdb_SOURCES = tests/unit/table/test_bdb.c \
	tests/unit/table/scratch.h
tests_unit_table_test_bdb_LDADD = $(TABLE_TEST_LDADD)
tests_unit_table_test_table_SOURCES = tests/unit/table/test_table.c
tests_unit_table_test_table_LDADD = $(TABLE_TEST_LDADD)
tests_unit_table_test_text_SOURCES = tests/unit/table/test_text.c
tests_unit_table_test_text_LDADD = $(TABLE_TEST_LDADD)
tests_unit_table_test_users_SOURCES = tests/unit/table/test_users.c
tests_unit_table_test_users_LDADD = $(TABLE_TEST_LDADD)
