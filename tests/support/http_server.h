/* A small HTTP server on loopback that answers well or badly, as a test asks it to. */
#ifndef SUPPORT_HTTP_SERVER_H
#define SUPPORT_HTTP_SERVER_H

#include <stddef.h>

typedef enum http_fault {
    HTTP_FINE,
    HTTP_CUT,      /* closes after half the body            */
    HTTP_STALL,    /* sends half the body, then nothing     */
    HTTP_SLOW,     /* sends the body over about two seconds */
    HTTP_TOO_LONG, /* announces fewer bytes than it has     */
    HTTP_FAIL_ONCE /* answers 503 the first time            */
} http_fault;

typedef struct http_answer {
    const char *target; /* "/module/1?tf-hub-format=compressed" */
    int status;
    const char *location; /* of a redirect, or NULL */
    const char *body;
    size_t size;
    http_fault fault;
} http_answer;

typedef struct http_server http_server;

/* answers: borrowed while the server runs; a target in none of them gives 404.  Aborts the test on failure.
 */
http_server *http_server_start(const http_answer *answers, size_t n_answers);
int http_server_port(const http_server *server);

/* Speaks TLS too, with a certificate for host and 127.0.0.1 that is written to certificate_file; and CONNECT,
 * as a proxy whose every way leads to this server.  What a CONNECT names ("host:443") is counted as a target.
 */
http_server *http_server_start_tls(const http_answer *answers, size_t n_answers, const char *host,
                                   const char *certificate_file);

/* Requests answered so far for a target. */
int http_server_count(http_server *server, const char *target);
void http_server_stop(http_server *server);

#endif
