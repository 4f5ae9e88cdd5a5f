# lib/dns - packets of the DNS, by libldns
noinst_LIBRARIES += lib/libdns.a
lib_libdns_a_SOURCES = lib/dns/name.c lib/dns/name.h lib/dns/wire.c lib/dns/wire.h
lib_libdns_a_CFLAGS = $(AM_CFLAGS) $(LDNS_CFLAGS)
