/* SPDX-License-Identifier: ISC */
/*
 * Unit tests of daemon/cert.c.  daemon_file and daemon_key are this file's.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "daemon/cert.h"
#include "daemon/daemon.h"

static int cert_fd = -1, key_fd = -1;
static char logged[1000];

int
daemon_file(const char *name)
{
	return strcmp(name, "tls-cert") == 0 ? cert_fd : key_fd;
}

struct str
daemon_key(const char *name)
{
	(void)name;
	return STR("");
}

static void
on_log(enum log_level level, struct str line, struct str mid, void *arg)
{
	(void)level, (void)mid, (void)arg;
	(void)snprintf(logged, sizeof(logged), "%.*s", STR_ARG(line));
}

static int
file_of_bio(BIO *b)
{
	char *p;
	long n = BIO_get_mem_data(b, &p);
	int fd = memfd_create("pem", 0);

	assert_int_equal(write(fd, p, (size_t)n), n);
	/* whoever read before left the place at the end of the file */
	assert_int_equal(lseek(fd, 0, SEEK_CUR), n);
	BIO_free(b);
	return fd;
}

static void
make_pair(int *cert_out, int *key_out)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	BIO *b = BIO_new(BIO_s_mem());

	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(b, x);
	*cert_out = file_of_bio(b);
	b = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL);
	*key_out = file_of_bio(b);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void
test_life(void **state)
{
	struct tls_server *tls = NULL, *first;
	int other_cert, other_key;

	(void)state;
	log_set_sink(on_log, NULL);
	cert_load("pop3", &tls);
	assert_null(tls);
	assert_non_null(strstr(logged, "no-certificate"));

	make_pair(&cert_fd, &key_fd);
	cert_load("pop3", &tls);
	assert_non_null(tls);

	/* a key of another certificate: the good pair goes on, and it is said */
	first = tls;
	make_pair(&other_cert, &other_key);
	close(key_fd);
	key_fd = other_key;
	cert_load("pop3", &tls);
	assert_ptr_equal(tls, first);
	assert_non_null(strstr(logged, "bad-certificate"));

	close(cert_fd);
	cert_fd = other_cert;
	logged[0] = '\0';
	cert_load("pop3", &tls);
	assert_non_null(tls);
	assert_string_equal(logged, "");
	tls_server_unref(tls);
	close(cert_fd);
	close(key_fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
	};

	return cmocka_run_group_tests_name("daemon/cert", tests, NULL, NULL);
}
