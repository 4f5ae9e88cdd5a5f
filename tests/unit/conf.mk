# Unit tests of lib/conf: one program a source file.
#	check_PROGRAMS += tests/unit/conf/test_x
#	tests_unit_conf_test_x_SOURCES = tests/unit/conf/test_x.c
#	tests_unit_conf_test_x_LDADD = lib/libconf.a $(LDADD_UNIT)
