/* TLS for the test server, with a certificate that it signs itself. */
#ifndef SUPPORT_HTTP_TLS_H
#define SUPPORT_HTTP_TLS_H

#include <stddef.h>
#include <sys/types.h>

typedef struct http_tls http_tls;
typedef struct http_tls_connection http_tls_connection;

/* A key and a certificate for host (or several: "a,DNS:b") and 127.0.0.1, which is written to
 * certificate_file (PEM).  Aborts the test on failure. */
http_tls *http_tls_new(const char *host, const char *certificate_file);
void http_tls_free(http_tls *tls);

/* NULL when the other side does not like us. */
http_tls_connection *http_tls_accept(http_tls *tls, int fd);
ssize_t http_tls_read(http_tls_connection *connection, char *bytes, size_t size);
ssize_t http_tls_write(http_tls_connection *connection, const char *bytes, size_t size);
void http_tls_close(http_tls_connection *connection); /* leaves fd open; NULL is allowed */

#endif
