# Unit tests of lib/conf: one program a source file.
CONF_TEST_LDADD = lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/conf/test_conf tests/unit/conf/test_file \
	tests/unit/conf/test_near tests/unit/conf/test_net \
	tests/unit/conf/test_param tests/unit/conf/test_value
tests_unit_conf_test_conf_SOURCES = tests/unit/conf/test_conf.c
tests_unit_conf_test_conf_LDADD = $(CONF_TEST_LDADD)
tests_unit_conf_test_file_SOURCES = tests/unit/conf/test_file.c
tests_unit_conf_test_file_LDADD = $(CONF_TEST_LDADD)
tests_unit_conf_test_near_SOURCES = tests/unit/conf/test_near.c
tests_unit_conf_test_near_LDADD = $(CONF_TEST_LDADD)
tests_unit_conf_test_net_SOURCES = tests/unit/conf/test_net.c
tests_unit_conf_test_net_LDADD = $(CONF_TEST_LDADD)
tests_unit_conf_test_param_SOURCES = tests/unit/conf/test_param.c
tests_unit_conf_test_param_LDADD = $(CONF_TEST_LDADD)
tests_unit_conf_test_value_SOURCES = tests/unit/conf/test_value.c
tests_unit_conf_test_value_LDADD = $(CONF_TEST_LDADD)
