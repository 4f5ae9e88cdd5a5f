# tests/spf - the suite of RFC 7208 against lib/spf; libspf2 is not linked
noinst_PROGRAMS += tests/spf/evaluate
tests_spf_evaluate_SOURCES = tests/spf/evaluate.c
tests_spf_evaluate_LDADD = lib/libspf.a lib/libbase.a
dist_check_SCRIPTS += tests/spf/rfc7208
