#include "http_tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct http_tls {
    SSL_CTX *context;
};

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "http_tls: %s failed\n", what);
        abort();
    }
}

static void add_extension(X509 *certificate, int id, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    must(extension && X509_add_ext(certificate, extension, -1), value);
    X509_EXTENSION_free(extension);
}

static X509 *sign(const char *host, EVP_PKEY *key)
{
    enum { DAY = 24 * 60 * 60 };
    X509 *certificate = X509_new();
    char names[256];
    X509_NAME *subject;
    must(certificate && X509_set_version(certificate, 2), "certificate");
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(certificate), DAY);
    subject = X509_get_subject_name(certificate);
    must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0),
         "name");
    must(X509_set_issuer_name(certificate, subject) && X509_set_pubkey(certificate, key), "issuer");
    snprintf(names, sizeof names, "DNS:%s,IP:127.0.0.1", host);
    add_extension(certificate, NID_subject_alt_name, names);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    must(X509_sign(certificate, key, EVP_sha256()), "signature");
    return certificate;
}

http_tls *http_tls_new(const char *host, const char *certificate_file)
{
    http_tls *tls = calloc(1, sizeof *tls);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate;
    FILE *file = fopen(certificate_file, "w");
    must(tls && key && file, "key");
    certificate = sign(host, key);
    must(PEM_write_X509(file, certificate) && fclose(file) == 0, "PEM");
    must((tls->context = SSL_CTX_new(TLS_server_method())) != NULL, "context");
    must(SSL_CTX_use_certificate(tls->context, certificate) && SSL_CTX_use_PrivateKey(tls->context, key),
         "use");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

void http_tls_free(http_tls *tls)
{
    SSL_CTX_free(tls->context);
    free(tls);
}

http_tls_connection *http_tls_accept(http_tls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->context);
    must(ssl && SSL_set_fd(ssl, fd), "connection");
    if (SSL_accept(ssl) == 1)
        return (http_tls_connection *)ssl;
    SSL_free(ssl);
    return NULL;
}

ssize_t http_tls_read(http_tls_connection *connection, char *bytes, size_t size)
{
    return SSL_read((SSL *)connection, bytes, (int)size);
}

ssize_t http_tls_write(http_tls_connection *connection, const char *bytes, size_t size)
{
    return SSL_write((SSL *)connection, bytes, (int)size);
}

void http_tls_close(http_tls_connection *connection)
{
    if (!connection)
        return;
    SSL_shutdown((SSL *)connection);
    SSL_free((SSL *)connection);
}
