#include "http_server.h"

#include "http_tls.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ANSWERS = 32, MAX_CONNECTIONS = 256 };

struct http_server {
    const http_answer *answers;
    size_t n_answers;
    int listener, port;
    atomic_bool stop;
    atomic_int counts[MAX_ANSWERS];
    pthread_t thread;
    pthread_t connections[MAX_CONNECTIONS];
    size_t n_connections;
    http_tls *tls; /* or NULL */
};

typedef struct connection {
    http_server *server;
    int fd;
    http_tls_connection *tls; /* or NULL */
} connection;

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        abort();
    }
}

static void nap(const http_server *server, int ms)
{
    for (int i = 0; i < ms / 10 && !atomic_load(&server->stop); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static ssize_t receive(const connection *c, char *bytes, size_t size)
{
    return c->tls ? http_tls_read(c->tls, bytes, size) : recv(c->fd, bytes, size, 0);
}

static void send_bytes(const connection *c, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = c->tls ? http_tls_write(c->tls, bytes, size) : send(c->fd, bytes, size, MSG_NOSIGNAL);
        if (put <= 0)
            return;
        bytes += put;
        size -= (size_t)put;
    }
}

static void send_body(const connection *c, const http_answer *a)
{
    size_t half = a->size / 2;
    switch (a->fault) {
    case HTTP_CUT:
        send_bytes(c, a->body, half);
        break;
    case HTTP_STALL:
        send_bytes(c, a->body, half);
        nap(c->server, 60000);
        break;
    case HTTP_SLOW:
        for (size_t i = 0; i < 20; i++) {
            size_t from = a->size * i / 20, to = a->size * (i + 1) / 20;
            send_bytes(c, a->body + from, to - from);
            nap(c->server, 100);
        }
        break;
    case HTTP_FINE:
    case HTTP_TOO_LONG:
    case HTTP_FAIL_ONCE:
        send_bytes(c, a->body, a->size);
        break;
    }
}

/* Counts the request; *earlier: those before it. */
static const http_answer *find(http_server *server, const char *target, int *earlier)
{
    static const http_answer missing = {.status = 404, .body = "no", .size = 2};
    *earlier = 0;
    for (size_t i = 0; i < server->n_answers; i++)
        if (strcmp(server->answers[i].target, target) == 0) {
            *earlier = atomic_fetch_add(&server->counts[i], 1);
            return &server->answers[i];
        }
    return &missing;
}

static void answer(const connection *c, const char *target)
{
    char head[1024];
    int earlier;
    const http_answer *a = find(c->server, target, &earlier);
    int status = a->fault == HTTP_FAIL_ONCE && earlier == 0 ? 503 : a->status;
    snprintf(head, sizeof head, "HTTP/1.1 %d test\r\nContent-Length: %zu\r\nConnection: close\r\n%s%s%s\r\n",
             status, a->fault == HTTP_TOO_LONG ? a->size / 2 : a->size, a->location ? "Location: " : "",
             a->location ? a->location : "", a->location ? "\r\n" : "");
    send_bytes(c, head, strlen(head));
    send_body(c, a);
}

/* Reads a request's head; target: 4096 bytes. */
static bool read_request(const connection *c, const char *method, char *target)
{
    char request[8192], found[16];
    size_t used = 0;
    while (used < sizeof request - 1) {
        ssize_t got = receive(c, request + used, sizeof request - 1 - used);
        if (got <= 0)
            break;
        used += (size_t)got;
        request[used] = 0;
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    request[used] = 0;
    return sscanf(request, "%15s %4095s HTTP/", found, target) == 2 && strcmp(found, method) == 0;
}

/* Whether the first bytes that come begin so; they stay to be read. */
static bool begins_with(const connection *c, const char *text)
{
    char bytes[8];
    size_t length = strlen(text);
    return recv(c->fd, bytes, length, MSG_PEEK | MSG_WAITALL) == (ssize_t)length &&
           memcmp(bytes, text, length) == 0;
}

static void *serve_one(void *argument)
{
    connection *c = argument;
    char target[4096];
    bool goes_on = true;
    int earlier;
    if (c->server->tls && begins_with(c, "CONNECT")) { /* as a proxy that is the other end as well */
        goes_on = read_request(c, "CONNECT", target);
        find(c->server, target, &earlier);
        send_bytes(c, "HTTP/1.1 200 test\r\n\r\n", 21);
    }
    if (goes_on && c->server->tls && begins_with(c, "\x16")) /* a handshake */
        goes_on = (c->tls = http_tls_accept(c->server->tls, c->fd)) != NULL;
    if (goes_on && read_request(c, "GET", target))
        answer(c, target);
    http_tls_close(c->tls);
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    free(c);
    return NULL;
}

static void *serve(void *argument)
{
    http_server *server = argument;
    while (!atomic_load(&server->stop)) {
        struct pollfd waiting = {.fd = server->listener, .events = POLLIN};
        connection *c;
        if (poll(&waiting, 1, 20) != 1)
            continue;
        must(server->n_connections < MAX_CONNECTIONS, "connections");
        must((c = calloc(1, sizeof *c)) != NULL, "calloc");
        c->server = server;
        must((c->fd = accept(server->listener, NULL, NULL)) >= 0, "accept");
        must(pthread_create(&server->connections[server->n_connections++], NULL, serve_one, c) == 0,
             "thread");
    }
    return NULL;
}

static http_server *start(const http_answer *answers, size_t n_answers, http_tls *tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    http_server *server = calloc(1, sizeof *server);
    must(server && n_answers <= MAX_ANSWERS, "server");
    server->answers = answers;
    server->n_answers = n_answers;
    server->tls = tls;
    must((server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0, "socket");
    must(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(getsockname(server->listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
    must(listen(server->listener, 64) == 0, "listen");
    server->port = ntohs(address.sin_port);
    must(pthread_create(&server->thread, NULL, serve, server) == 0, "thread");
    return server;
}

http_server *http_server_start(const http_answer *answers, size_t n_answers)
{
    return start(answers, n_answers, NULL);
}

http_server *http_server_start_tls(const http_answer *answers, size_t n_answers, const char *host,
                                   const char *certificate_file)
{
    return start(answers, n_answers, http_tls_new(host, certificate_file));
}

int http_server_port(const http_server *server)
{
    return server->port;
}

int http_server_count(http_server *server, const char *target)
{
    for (size_t i = 0; i < server->n_answers; i++)
        if (strcmp(server->answers[i].target, target) == 0)
            return atomic_load(&server->counts[i]);
    return 0;
}

void http_server_stop(http_server *server)
{
    atomic_store(&server->stop, true);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->n_connections; i++)
        pthread_join(server->connections[i], NULL);
    close(server->listener);
    if (server->tls)
        http_tls_free(server->tls);
    free(server);
}
