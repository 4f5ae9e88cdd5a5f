# Fuzz targets.  In an ordinary build each is linked with replay.c and
# replays its corpus; with --enable-fuzz (clang) each is a libFuzzer program.
#
# A new one: its name in FUZZERS, and
#	tests_fuzz_fuzz_x_SOURCES = tests/fuzz/fuzz_x.c $(FUZZ_MAIN)
#	tests_fuzz_fuzz_x_LDADD = lib/libmail.a lib/libbase.a
#	tests_fuzz_fuzz_x_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
if FUZZ
FUZZ_MAIN =
FUZZ_LINK = -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_LINK =
endif

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run

FUZZERS += tests/fuzz/fuzz_config tests/fuzz/fuzz_alias tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz_config.c $(FUZZ_MAIN)
tests_fuzz_fuzz_config_LDADD = lib/libconf.a lib/libbase.a
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_alias_SOURCES = tests/fuzz/fuzz_alias.c $(FUZZ_MAIN)
tests_fuzz_fuzz_alias_LDADD = lib/libtable.a lib/libmail.a lib/libbase.a \
	$(BDB_LIBS)
tests_fuzz_fuzz_alias_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_sasl_SOURCES = tests/fuzz/fuzz_sasl.c $(FUZZ_MAIN)
tests_fuzz_fuzz_sasl_LDADD = lib/libsasl.a lib/libbase.a
tests_fuzz_fuzz_sasl_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_addresses tests/fuzz/fuzz_header \
	tests/fuzz/fuzz_mime tests/fuzz/fuzz_shape \
	tests/fuzz/fuzz_smtp_command tests/fuzz/fuzz_smtp_data
tests_fuzz_fuzz_addresses_SOURCES = tests/fuzz/fuzz_addresses.c $(FUZZ_MAIN)
tests_fuzz_fuzz_addresses_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_addresses_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_header_SOURCES = tests/fuzz/fuzz_header.c $(FUZZ_MAIN)
tests_fuzz_fuzz_header_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_header_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_mime_SOURCES = tests/fuzz/fuzz_mime.c $(FUZZ_MAIN)
tests_fuzz_fuzz_mime_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_mime_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_shape_SOURCES = tests/fuzz/fuzz_shape.c $(FUZZ_MAIN)
tests_fuzz_fuzz_shape_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_shape_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_smtp_command_SOURCES = tests/fuzz/fuzz_smtp_command.c $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_command_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_smtp_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_smtp_data_SOURCES = tests/fuzz/fuzz_smtp_data.c $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_data_LDADD = lib/libsmtp.a lib/libbase.a
tests_fuzz_fuzz_smtp_data_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_smtp_client
tests_fuzz_fuzz_smtp_client_SOURCES = tests/fuzz/fuzz_smtp_client.c $(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_client_LDADD = lib/libsmtp.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_smtp_client_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/smtp_client.dict

FUZZERS += tests/fuzz/fuzz_remote_session
tests_fuzz_fuzz_remote_session_SOURCES = tests/fuzz/fuzz_remote_session.c \
	$(REMOTE_SOURCES) $(FUZZ_MAIN)
tests_fuzz_fuzz_remote_session_LDADD = lib/libsmtp.a lib/libmail.a \
	lib/libipc.a lib/libevent.a lib/libconf.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_remote_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_smtp_session
tests_fuzz_fuzz_smtp_session_SOURCES = tests/fuzz/fuzz_smtp_session.c \
	tests/fuzz/smtpd.h 	$(FUZZ_MAIN)
tests_fuzz_fuzz_smtp_session_LDADD = smtpd/libsmtpd.a lib/libsmtp.a \
	lib/libsasl.a lib/libmail.a lib/libipc.a lib/libevent.a lib/libconf.a \
	lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_smtp_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_maildrop
tests_fuzz_fuzz_maildrop_SOURCES = tests/fuzz/fuzz_maildrop.c $(FUZZ_MAIN)
tests_fuzz_fuzz_maildrop_LDADD = $(tests_fuzz_fuzz_smtp_session_LDADD)
tests_fuzz_fuzz_maildrop_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/maildrop.dict

FUZZERS += tests/fuzz/fuzz_imap_lexer \
	tests/fuzz/fuzz_imap_set \
	tests/fuzz/fuzz_imap_search \
	tests/fuzz/fuzz_imap_fetch \
	tests/fuzz/fuzz_imap_name
tests_fuzz_fuzz_imap_lexer_SOURCES = tests/fuzz/fuzz_imap_lexer.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_lexer_LDADD = lib/libimap.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_imap_lexer_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_imap_set_SOURCES = tests/fuzz/fuzz_imap_set.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_set_LDADD = lib/libimap.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_imap_set_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_imap_search_SOURCES = tests/fuzz/fuzz_imap_search.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_search_LDADD = lib/libimap.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_imap_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_imap_fetch_SOURCES = tests/fuzz/fuzz_imap_fetch.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_fetch_LDADD = lib/libimap.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_imap_fetch_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_imap_name_SOURCES = tests/fuzz/fuzz_imap_name.c $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_name_LDADD = lib/libimap.a lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_imap_name_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/imap_lexer.dict tests/fuzz/imap_set.dict tests/fuzz/imap_search.dict tests/fuzz/imap_fetch.dict tests/fuzz/imap_name.dict

FUZZERS += tests/fuzz/fuzz_imap_session
tests_fuzz_fuzz_imap_session_SOURCES = tests/fuzz/fuzz_imap_session.c \
	$(IMAPD_SOURCES) $(FUZZ_MAIN)
tests_fuzz_fuzz_imap_session_LDADD = tests/talk/libtoy.a lib/libdaemon.a lib/libimap.a \
	lib/libsasl.a lib/libmail.a lib/libipc.a lib/libevent.a \
	lib/libconf.a lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_imap_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/imap_session.dict

FUZZERS += tests/fuzz/fuzz_index tests/fuzz/fuzz_account_log \
	tests/fuzz/fuzz_maildir_names
tests_fuzz_fuzz_index_SOURCES = tests/fuzz/fuzz_index.c $(FUZZ_MAIN)
tests_fuzz_fuzz_index_LDADD = lib/libmaildir.a lib/libmail.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_index_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_account_log_SOURCES = tests/fuzz/fuzz_account_log.c $(FUZZ_MAIN)
tests_fuzz_fuzz_account_log_LDADD = lib/libmaildir.a lib/libmail.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_account_log_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
tests_fuzz_fuzz_maildir_names_SOURCES = tests/fuzz/fuzz_maildir_names.c $(FUZZ_MAIN)
tests_fuzz_fuzz_maildir_names_LDADD = lib/libmaildir.a lib/libmail.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_maildir_names_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_note
tests_fuzz_fuzz_note_SOURCES = tests/fuzz/fuzz_note.c $(FUZZ_MAIN)
tests_fuzz_fuzz_note_LDADD = lib/libipc.a lib/libevent.a lib/libbase.a
tests_fuzz_fuzz_note_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_pop3_session
tests_fuzz_fuzz_pop3_session_SOURCES = tests/fuzz/fuzz_pop3_session.c \
	$(POP3D_SOURCES) $(FUZZ_MAIN)
tests_fuzz_fuzz_pop3_session_LDADD = lib/libdaemon.a lib/libsasl.a lib/libmail.a \
	lib/libipc.a lib/libevent.a lib/libconf.a lib/libcrypto.a \
	lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_pop3_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/pop3_session.dict

FUZZERS += tests/fuzz/fuzz_zone
tests_fuzz_fuzz_zone_SOURCES = tests/fuzz/fuzz_zone.c $(FUZZ_MAIN)
tests_fuzz_fuzz_zone_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_zone_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_dmarc
tests_fuzz_fuzz_dmarc_SOURCES = tests/fuzz/fuzz_dmarc.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dmarc_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_dmarc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_dkim
tests_fuzz_fuzz_dkim_SOURCES = tests/fuzz/fuzz_dkim.c smtpd/dkim.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dkim_LDADD = lib/libmail.a lib/libbase.a $(OPENDKIM_LIBS) \
	$(OPENSSL_LIBS)
tests_fuzz_fuzz_dkim_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_recode
tests_fuzz_fuzz_recode_SOURCES = tests/fuzz/fuzz_recode.c $(FUZZ_MAIN)
tests_fuzz_fuzz_recode_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_recode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_key_request
tests_fuzz_fuzz_key_request_SOURCES = tests/fuzz/fuzz_key_request.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_key_request_LDADD = lib/libipc.a lib/libevent.a \
	lib/libcrypto.a lib/libbase.a $(OPENSSL_LIBS)
tests_fuzz_fuzz_key_request_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
FUZZERS += tests/fuzz/fuzz_dns
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c $(FUZZ_MAIN)
tests_fuzz_fuzz_dns_LDADD = lib/libdns.a lib/libbase.a $(LDNS_LIBS)
tests_fuzz_fuzz_dns_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)

FUZZERS += tests/fuzz/fuzz_spf
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c $(FUZZ_MAIN)
tests_fuzz_fuzz_spf_LDADD = lib/libspf.a lib/libbase.a
tests_fuzz_fuzz_spf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
EXTRA_DIST += tests/fuzz/spf.dict

FUZZERS += tests/fuzz/fuzz_providers
tests_fuzz_fuzz_providers_SOURCES = tests/fuzz/fuzz_providers.c $(FUZZ_MAIN)
tests_fuzz_fuzz_providers_LDADD = lib/libmail.a lib/libbase.a
tests_fuzz_fuzz_providers_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LINK)
