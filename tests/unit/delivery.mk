# Unit tests of delivery/ that no transcript reaches.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/delivery/test_address
tests_unit_delivery_test_address_SOURCES = \
	tests/unit/delivery/test_address.c delivery/address.c
tests_unit_delivery_test_address_LDADD = lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/delivery/test_mx
tests_unit_delivery_test_mx_SOURCES = tests/unit/delivery/test_mx.c \
	delivery/mx.c
tests_unit_delivery_test_mx_LDADD = lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/delivery/test_dial
tests_unit_delivery_test_dial_SOURCES = tests/unit/delivery/test_dial.c \
	delivery/dial.c delivery/address.c delivery/mx.c
tests_unit_delivery_test_dial_LDADD = lib/libipc.a lib/libevent.a \
	lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/delivery/test_memo
tests_unit_delivery_test_memo_SOURCES = tests/unit/delivery/test_memo.c \
	delivery/memo.c
tests_unit_delivery_test_memo_LDADD = lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/delivery/test_known tests/unit/delivery/test_server
tests_unit_delivery_test_known_SOURCES = tests/unit/delivery/test_known.c \
	delivery/known.c
tests_unit_delivery_test_known_LDADD = lib/libdns.a lib/libbase.a $(LDADD_UNIT)
tests_unit_delivery_test_server_SOURCES = tests/unit/delivery/test_server.c \
	delivery/server.c delivery/address.c
tests_unit_delivery_test_server_LDADD = lib/libconf.a lib/libbase.a $(LDADD_UNIT)
check_PROGRAMS += tests/unit/delivery/test_signer
tests_unit_delivery_test_signer_SOURCES = tests/unit/delivery/test_signer.c \
	delivery/signer.c delivery/sign.c
tests_unit_delivery_test_signer_LDADD = lib/libmail.a lib/libipc.a \
	lib/libevent.a lib/libconf.a lib/libcrypto.a lib/libbase.a \
	$(OPENDKIM_LIBS) $(OPENSSL_LIBS) $(LDADD_UNIT)
endif
