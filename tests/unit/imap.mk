# Unit tests of lib/imap: one program a source file.
if HAVE_CMOCKA
IMAP_UNIT_LIBS = lib/libimap.a lib/libmail.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/imap/test_find
tests_unit_imap_test_find_SOURCES = tests/unit/imap/test_find.c
tests_unit_imap_test_find_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_flag
tests_unit_imap_test_flag_SOURCES = tests/unit/imap/test_flag.c
tests_unit_imap_test_flag_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_items
tests_unit_imap_test_items_SOURCES = tests/unit/imap/test_items.c
tests_unit_imap_test_items_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_lex
tests_unit_imap_test_lex_SOURCES = tests/unit/imap/test_lex.c
tests_unit_imap_test_lex_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_name
tests_unit_imap_test_name_SOURCES = tests/unit/imap/test_name.c
tests_unit_imap_test_name_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_out
tests_unit_imap_test_out_SOURCES = tests/unit/imap/test_out.c
tests_unit_imap_test_out_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_query
tests_unit_imap_test_query_SOURCES = tests/unit/imap/test_query.c
tests_unit_imap_test_query_LDADD = $(IMAP_UNIT_LIBS)
check_PROGRAMS += tests/unit/imap/test_set
tests_unit_imap_test_set_SOURCES = tests/unit/imap/test_set.c
tests_unit_imap_test_set_LDADD = $(IMAP_UNIT_LIBS)
endif
