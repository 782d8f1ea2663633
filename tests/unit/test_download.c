/* One file over HTTP and HTTPS: through proxies, with certificates that are trusted and that are not, too
 * slow. */
#include "base/buffer.h"
#include "base/file.h"
#include "hub/download.h"
#include "hub/unpack.h"
#include "support/http_server.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

#define HOST "module.invalid" /* known to no name server: only a proxy leads there */

static const char body[] = "module";
static const char *const variables[] = {
    "http_proxy",   "https_proxy",    "HTTPS_PROXY",        "no_proxy",
    "NO_PROXY",     "all_proxy",      "ALL_PROXY",          "SSL_CERT_FILE",
    "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "TFHUB_DISABLE_CERT_VALIDATION"};

typedef struct place {
    char *folder;
    rt_buffer file, certificate, text, log;
    http_server *server;
    rt_download_options options;
    rt_log sink;
} place;

static void keep_line(void *user, rt_level level, const char *text)
{
    place *p = user;
    (void)level;
    rt__buffer_text(&p->log, text);
    rt__buffer_text(&p->log, "\n");
}

static int setup(void **state)
{
    static const http_answer answers[] = {
        {"/file", 200, NULL, body, sizeof body - 1, HTTP_FINE},
        {"http://" HOST "/file", 200, NULL, body, sizeof body - 1, HTTP_FINE},
        {HOST ":443", 200, NULL, "", 0, HTTP_FINE}};
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    assert_int_equal(rt__folder_temporary(&p->folder, NULL), RT_OK);
    rt__path_join(&p->file, p->folder, "file");
    rt__path_join(&p->certificate, p->folder, "certificate.pem");
    p->server = http_server_start_tls(answers, 3, HOST, p->certificate.bytes);
    p->sink = (rt_log){keep_line, p};
    p->options = (rt_download_options){
        .log = &p->sink, .connect_seconds = 1, .stall_seconds = 5, .attempts = 1, .retry_ms = 10};
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    http_server_stop(p->server);
    assert_int_equal(rt__folder_remove(p->folder, NULL), RT_OK);
    rt__buffer_clear(&p->file);
    rt__buffer_clear(&p->certificate);
    rt__buffer_clear(&p->text);
    rt__buffer_clear(&p->log);
    free(p->folder);
    free(p);
    return 0;
}

/* "<scheme>://127.0.0.1:<port><rest>" */
static const char *address(place *p, const char *scheme, const char *rest)
{
    rt__buffer_reset(&p->text);
    rt__buffer_format(&p->text, "%s://127.0.0.1:%d%s", scheme, http_server_port(p->server), rest);
    return p->text.bytes;
}

static void succeeds(place *p, const char *url)
{
    rt_buffer content = {0};
    rt_error err;
    if (rt__download(url, p->file.bytes, &p->options, &err) != RT_OK)
        fail_msg("%s: %s", url, err.cause);
    assert_int_equal(rt__file_read(&content, p->file.bytes, 0, NULL, NULL), RT_OK);
    assert_string_equal(content.bytes, body);
    rt__buffer_clear(&content);
    unlink(p->file.bytes);
}

/* The reason; nothing is left behind. */
static void fails(place *p, const char *url, const char *reason)
{
    rt_error err;
    assert_int_equal(rt__download(url, p->file.bytes, &p->options, &err), RT_EIO);
    if (!strstr(err.cause, reason))
        fail_msg("%s: '%s' does not say '%s'", url, err.cause, reason);
    assert_string_equal(err.path, url);
    assert_false(rt__file_exists(p->file.bytes));
}

static void proxies_are_used(void **state)
{
    place *p = *state;
    fails(p, "http://" HOST "/file", HOST);
    setenv("http_proxy", address(p, "http", ""), 1);
    succeeds(p, "http://" HOST "/file");
    assert_int_equal(http_server_count(p->server, "http://" HOST "/file"), 1);
    setenv("no_proxy", HOST, 1);
    fails(p, "http://" HOST "/file", HOST);
    assert_int_equal(http_server_count(p->server, "http://" HOST "/file"), 1);
}

static void https_goes_through_its_proxy(void **state)
{
    place *p = *state;
    setenv("SSL_CERT_FILE", p->certificate.bytes, 1);
    setenv("https_proxy", address(p, "http", ""), 1);
    succeeds(p, "https://" HOST "/file");
    assert_int_equal(http_server_count(p->server, HOST ":443"), 1);
    assert_int_equal(http_server_count(p->server, "/file"), 1);
    setenv("https_proxy", "http://127.0.0.1:1", 1); /* nobody listens there */
    fails(p, "https://" HOST "/file", "127.0.0.1 port 1");
}

static void certificates_are_checked(void **state)
{
    static const char *const bundles[] = {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"};
    place *p = *state;
    fails(p, address(p, "https", "/file"), "certificate");
    for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
        setenv(bundles[i], p->certificate.bytes, 1);
        succeeds(p, address(p, "https", "/file"));
        unsetenv(bundles[i]);
    }
    assert_int_equal(p->log.size, 0);
    setenv("TFHUB_DISABLE_CERT_VALIDATION", "true", 1);
    succeeds(p, address(p, "https", "/file"));
    assert_non_null(strstr(p->log.bytes, "the server's certificate is not checked"));
    setenv("TFHUB_DISABLE_CERT_VALIDATION", "1", 1); /* tensorflow_hub takes "true" alone */
    fails(p, address(p, "https", "/file"), "certificate");
}

/* A listener whose queue is full answers nobody. */
static void a_connection_that_does_not_come_about_is_given_up(void **state)
{
    enum { CALLERS = 4 };
    place *p = *state;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    int listener = socket(AF_INET, SOCK_STREAM, 0), callers[CALLERS];
    time_t before = time(NULL);
    rt_buffer url = {0};
    assert_int_equal(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&here, &length), 0);
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(callers[i], (struct sockaddr *)&here, sizeof here);
    }
    rt__buffer_format(&url, "http://127.0.0.1:%d/file", ntohs(here.sin_port));
    fails(p, url.bytes, "Failed to connect to 127.0.0.1");
    assert_in_range(time(NULL) - before, 1, 10);
    for (int i = 0; i < CALLERS; i++)
        close(callers[i]);
    close(listener);
    rt__buffer_clear(&url);
}

static void only_http_is_spoken(void **state)
{
    place *p = *state;
    fails(p, "file:///etc/passwd", "rotocol");
    fails(p, "ftp://127.0.0.1/file", "rotocol");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(proxies_are_used, setup, teardown),
        cmocka_unit_test_setup_teardown(https_goes_through_its_proxy, setup, teardown),
        cmocka_unit_test_setup_teardown(certificates_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_connection_that_does_not_come_about_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(only_http_is_spoken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
