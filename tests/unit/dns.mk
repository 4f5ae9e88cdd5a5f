# Unit tests of lib/dns: one program a source file.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/dns/test_name tests/unit/dns/test_wire
tests_unit_dns_test_name_SOURCES = tests/unit/dns/test_name.c
tests_unit_dns_test_name_LDADD = lib/libdns.a lib/libbase.a $(LDADD_UNIT)
tests_unit_dns_test_wire_SOURCES = tests/unit/dns/test_wire.c
tests_unit_dns_test_wire_LDADD = lib/libdns.a lib/libbase.a $(LDNS_LIBS) $(LDADD_UNIT)
endif
