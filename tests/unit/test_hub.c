#include "base/buffer.h"
#include "base/file.h"
#include "hub/cache.h"
#include "hub/handle.h"
#include "hub/lock.h"
#include "support/http_server.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

#define QUERY "?tf-hub-format=compressed"

static const char page[] = "<!DOCTYPE html><html><body>This module has moved</body></html>";

typedef struct place {
    char *folder;
    rt_buffer root, handle, module; /* module: a .tar.gz */
    http_server *server;
    rt_cache cache;
    http_answer answers[16];
} place;

/* What a bad archive has besides the files of a module. */
typedef struct extra {
    const char *name;
    unsigned type;    /* AE_IF..., or 0: a hard link */
    const char *link; /* where a link leads */
    long long sparse; /* bytes of a file that has only its last 512 */
} extra;

static void write_entry(struct archive *a, struct archive_entry *e, const char *content, size_t size)
{
    archive_entry_set_perm(e, 0644);
    assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
    if (size)
        assert_int_equal(archive_write_data(a, content, size), size);
    archive_entry_free(e);
}

static void add_file(struct archive *a, const char *name, const char *content)
{
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, name);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_size(e, (long long)strlen(content));
    write_entry(a, e, content, strlen(content));
}

static void add_extra(struct archive *a, const extra *x)
{
    static const char end[512];
    struct archive_entry *e = archive_entry_new();
    archive_entry_set_pathname(e, x->name);
    if (x->type)
        archive_entry_set_filetype(e, x->type);
    else
        archive_entry_set_hardlink(e, x->link);
    if (x->type == AE_IFLNK)
        archive_entry_set_symlink(e, x->link);
    archive_entry_set_size(e, x->sparse);
    if (x->sparse)
        archive_entry_sparse_add_entry(e, x->sparse - (long long)sizeof end, sizeof end);
    write_entry(a, e, end, x->sparse ? sizeof end : 0);
}

/* A module in a .tar.gz; x may be NULL. */
static void make_archive(rt_buffer *out, const extra *x)
{
    static char weights[400000];
    struct archive *a = archive_write_new();
    size_t used = 0;
    assert_non_null(rt__buffer_reserve(out, 1 << 20));
    for (size_t i = 0; i + 1 < sizeof weights; i++)
        weights[i] = (char)('a' + (i * i / 7 + i) % 26);
    archive_write_add_filter_gzip(a);
    archive_write_set_format_pax(a);
    assert_int_equal(archive_write_open_memory(a, out->bytes, 1 << 20, &used), ARCHIVE_OK);
    add_file(a, "./saved_model.pb", "model");
    add_file(a, "./tfhub_module.pb", "\x08\x03");
    add_file(a, "./variables/variables.index", "index");
    add_file(a, "./variables/variables.data-00000-of-00001", weights);
    if (x)
        add_extra(a, x);
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
    out->size = used;
}

static int setup(void **state)
{
    place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    assert_int_equal(rt__folder_temporary(&p->folder, NULL), RT_OK);
    rt__path_join(&p->root, p->folder, "cache");
    setenv("TMPDIR", p->folder, 1);
    unsetenv("http_proxy");
    make_archive(&p->module, NULL);
    p->cache = (rt_cache){.root = p->root.bytes, .poll_ms = 20};
    p->cache.download =
        (rt_download_options){.connect_seconds = 5, .stall_seconds = 1, .attempts = 2, .retry_ms = 10};
    p->cache.limits.bytes = 1 << 30;
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    place *p = *state;
    if (p->server)
        http_server_stop(p->server);
    assert_int_equal(rt__folder_remove(p->folder, NULL), RT_OK);
    rt__buffer_clear(&p->root);
    rt__buffer_clear(&p->handle);
    rt__buffer_clear(&p->module);
    free(p->folder);
    free(p);
    unsetenv("TMPDIR");
    return 0;
}

static const char *handle_of(place *p, const char *path)
{
    rt__buffer_reset(&p->handle);
    rt__buffer_format(&p->handle, "http://127.0.0.1:%d%s", http_server_port(p->server), path);
    return p->handle.bytes;
}

static int count_entries(const place *p, const char *pattern)
{
    char command[1024];
    FILE *pipe;
    int count = -1;
    snprintf(command, sizeof command, "find '%s' -mindepth 1 -maxdepth 1 -name '%s' 2>/dev/null | wc -l",
             p->root.bytes, pattern);
    assert_non_null(pipe = popen(command, "r"));
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static void assert_module(const char *folder)
{
    rt_buffer path = {0}, content = {0};
    rt_file_info info;
    rt__path_join(&path, folder, "saved_model.pb");
    assert_int_equal(rt__file_read(&content, path.bytes, 0, NULL, NULL), RT_OK);
    assert_string_equal(content.bytes, "model");
    rt__path_join(&path, folder, "variables/variables.data-00000-of-00001");
    assert_int_equal(rt__file_info(path.bytes, &info, NULL), RT_OK);
    assert_int_equal(info.size, 399999);
    rt__buffer_clear(&path);
    rt__buffer_clear(&content);
}

static void addresses_and_names_are_the_hubs(void **state)
{
    rt_buffer address = {0};
    char name[41];
    (void)state;
    assert_true(rt__handle_address("https://tfhub.dev/google/m/1", 0, &address));
    assert_string_equal(address.bytes, "https://tfhub.dev/google/m/1" QUERY);
    assert_true(rt__handle_address("https://tfhub.dev/google/m/1", 1, &address));
    assert_string_equal(address.bytes, "https://storage.googleapis.com/tfhub-modules/google/m/1.tar.gz");
    assert_false(rt__handle_address("https://tfhub.dev/google/m/1", 2, &address));
    assert_true(rt__handle_address("http://example.org/m?a=b", 0, &address));
    assert_string_equal(address.bytes, "http://example.org/m?a=b&tf-hub-format=compressed");
    assert_false(rt__handle_address("http://example.org/m?a=b", 1, &address));
    assert_false(rt__handle_address("modules/mine", 0, &address));
    assert_true(rt__handle_address("gs://bucket/m/1.tar.gz", 0, &address));
    assert_string_equal(address.bytes, "https://storage.googleapis.com/bucket/m/1.tar.gz");
    assert_false(rt__handle_address("gs://bucket/m/1.tar.gz", 1, &address));
    assert_false(rt__handle_address("gs://bucket/m/1", 0, &address)); /* a folder */
    rt__handle_web_address("gs://bucket/photos.tgz", &address);
    assert_string_equal(address.bytes, "https://storage.googleapis.com/bucket/photos.tgz");
    /* hashlib.sha1(b'https://tfhub.dev/google/imagenet/inception_v3/feature_vector/3').hexdigest() */
    assert_int_equal(
        rt__handle_folder("https://tfhub.dev/google/imagenet/inception_v3/feature_vector/3", name, NULL),
        RT_OK);
    assert_string_equal(name, "d765412e8955a7067e9c0031f60783359e0e5c3f");
    rt__buffer_clear(&address);
}

static void a_module_is_fetched_once(void **state)
{
    place *p = *state;
    char *folder = NULL, name[41];
    rt_buffer path = {0}, text = {0};
    rt_error err;
    p->answers[0] = (http_answer){"/m/1" QUERY, 302, "/elsewhere", "", 0, HTTP_FINE};
    p->answers[1] = (http_answer){"/elsewhere", 301, "/file", "", 0, HTTP_FINE};
    p->answers[2] = (http_answer){"/file", 200, NULL, p->module.bytes, p->module.size, HTTP_FAIL_ONCE};
    p->server = http_server_start(p->answers, 3);
    assert_int_equal(rt__cache_module(&p->cache, handle_of(p, "/m/1"), &folder, &err), RT_OK);
    assert_int_equal(rt__handle_folder(p->handle.bytes, name, NULL), RT_OK);
    rt__path_join(&path, p->root.bytes, name);
    assert_string_equal(folder, path.bytes);
    assert_module(folder);
    rt__buffer_text(&path, ".descriptor.txt");
    assert_int_equal(rt__file_read(&text, path.bytes, 0, NULL, NULL), RT_OK);
    assert_non_null(strstr(text.bytes, p->handle.bytes));
    assert_non_null(strstr(text.bytes, "\nDownloader Hostname: "));
    assert_int_equal(count_entries(p, "*.lock"), 0);
    assert_int_equal(count_entries(p, "*.tmp"), 0);
    free(folder);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_OK);
    assert_int_equal(http_server_count(p->server, "/file"), 2); /* the 503 and the file */
    free(folder);
    rt__buffer_clear(&path);
    rt__buffer_clear(&text);
}

static void half_wiped_entries_are_fetched_again(void **state)
{
    place *p = *state;
    char *folder = NULL, command[2048];
    rt_error err;
    p->answers[0] = (http_answer){"/m/1" QUERY, 200, NULL, p->module.bytes, p->module.size, HTTP_FINE};
    p->server = http_server_start(p->answers, 1);
    assert_int_equal(rt__cache_module(&p->cache, handle_of(p, "/m/1"), &folder, &err), RT_OK);
    snprintf(command, sizeof command, "find '%s' -type f -delete", folder); /* what cleaners of /tmp do */
    assert_int_equal(system(command), 0);
    free(folder);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_OK);
    assert_module(folder);
    snprintf(command, sizeof command, "truncate -s 10 '%s/variables/variables.data-00000-of-00001'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_OK);
    assert_module(folder);
    assert_int_equal(http_server_count(p->server, "/m/1" QUERY), 3);
    /* an entry that tensorflow_hub made has no list of files: whole it is taken, without weights it is not */
    snprintf(command, sizeof command, "rm '%s.files.txt'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_OK);
    assert_int_equal(http_server_count(p->server, "/m/1" QUERY), 3);
    snprintf(command, sizeof command, "rm '%s'/variables/*", folder);
    assert_int_equal(system(command), 0);
    free(folder);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_OK);
    assert_int_equal(http_server_count(p->server, "/m/1" QUERY), 4);
    assert_module(folder);
    free(folder);
}

/* Each is asked for once under its address; those that may come right the second time, twice. */
static const struct {
    const char *path;
    rt_code code;
    int requests;
    const char *says;
} bad[] = {
    {"/forbidden", RT_EIO, 1, "the server answers 403"},
    {"/missing", RT_ENOTFOUND, 0, "the server answers 404"},
    {"/page", RT_EFORMAT, 1, "not an archive"},
    {"/cut", RT_EFORMAT, 2, "transfer closed"},
    {"/stall", RT_EIO, 2, "the server sent nothing for too long"},
    {"/short", RT_EFORMAT, 1, "not an archive, or damaged"},
    {"/empty", RT_EFORMAT, 1, "not an archive"},
    {"/circle", RT_EIO, 11, "Maximum (10) redirects followed"},
    {"/up", RT_EFORMAT, 1, "entry '../outside.txt' leads out of the folder"},
    {"/link", RT_EFORMAT, 1, "entry 'evil' is a link"},
    {"/hard", RT_EFORMAT, 1, "entry 'hard' is a link"},
    {"/device", RT_EFORMAT, 1, "entry 'device' is neither a file nor a folder"},
    {"/sparse", RT_ELIMIT, 1, "entry 'sparse' has 10737418240 bytes, the limit is 1073741824"},
};

/* What comes from the server is told and leaves nothing in the cache. */
static void fetch_all_that_is_bad(place *p)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *folder = NULL, text[1200], target[64];
        rt_error err;
        rt_code code = rt__cache_module(&p->cache, handle_of(p, bad[i].path), &folder, &err);
        rt_error_text(&err, text, sizeof text);
        if (code != bad[i].code || !strstr(text, bad[i].says))
            fail_msg("%s: code %d, '%s'", bad[i].path, code, text);
        if (code == RT_EIO)
            assert_non_null(strstr(text, "fetch http://127.0.0.1"));
        assert_null(folder);
        assert_int_equal(count_entries(p, "*"), 0);
        snprintf(target, sizeof target, "%s" QUERY, bad[i].path);
        assert_int_equal(http_server_count(p->server, target), bad[i].requests);
    }
}

static void bad_answers_leave_nothing_behind(void **state)
{
    static const extra extras[] = {{"../outside.txt", AE_IFREG, NULL, 0},
                                   {"evil", AE_IFLNK, "/etc/passwd", 0},
                                   {"hard", 0, "../../outside.txt", 0},
                                   {"device", AE_IFCHR, NULL, 0},
                                   {"sparse", AE_IFREG, NULL, 10LL << 30}};
    static const char *const targets[] = {"/up" QUERY, "/link" QUERY, "/hard" QUERY, "/device" QUERY,
                                          "/sparse" QUERY};
    enum { EXTRAS = sizeof extras / sizeof *extras };
    place *p = *state;
    const rt_buffer *m = &p->module;
    rt_buffer archives[EXTRAS] = {{0}}, outside = {0};
    p->answers[0] = (http_answer){"/forbidden" QUERY, 403, NULL, page, sizeof page, HTTP_FINE};
    p->answers[1] = (http_answer){"/page" QUERY, 200, NULL, page, sizeof page, HTTP_FINE};
    p->answers[2] = (http_answer){"/cut" QUERY, 200, NULL, m->bytes, m->size, HTTP_CUT};
    p->answers[3] = (http_answer){"/stall" QUERY, 200, NULL, m->bytes, m->size, HTTP_STALL};
    p->answers[4] = (http_answer){"/short" QUERY, 200, NULL, m->bytes, m->size, HTTP_TOO_LONG};
    p->answers[5] = (http_answer){"/empty" QUERY, 200, NULL, "", 0, HTTP_FINE};
    p->answers[6] = (http_answer){"/circle" QUERY, 302, "/circle" QUERY, "", 0, HTTP_FINE};
    for (size_t i = 0; i < EXTRAS; i++) {
        make_archive(&archives[i], &extras[i]);
        p->answers[7 + i] =
            (http_answer){targets[i], 200, NULL, archives[i].bytes, archives[i].size, HTTP_FINE};
    }
    p->server = http_server_start(p->answers, 7 + EXTRAS);
    fetch_all_that_is_bad(p);
    assert_false(rt__file_exists(rt__path_join(&outside, p->folder, "outside.txt")));
    assert_false(rt__file_exists(rt__path_join(&outside, p->root.bytes, "outside.txt")));
    for (size_t i = 0; i < EXTRAS; i++)
        rt__buffer_clear(&archives[i]);
    rt__buffer_clear(&outside);
}

/* Over a proxy, since the real ones are not asked: tfhub.dev refuses, the bucket of its archives has the
 * module; so it has one that is named by its place there. */
static void storage_is_the_second_address(void **state)
{
    static const char *const handles[] = {"https://tfhub.dev/google/m/1", "gs://mine/m.tar.gz"};
    place *p = *state;
    rt_buffer path = {0};
    const rt_buffer *m = &p->module;
    p->answers[0] = (http_answer){"/google/m/1" QUERY, 403, NULL, page, sizeof page, HTTP_FINE};
    p->answers[1] =
        (http_answer){"/tfhub-modules/google/m/1.tar.gz", 200, NULL, m->bytes, m->size, HTTP_FINE};
    p->answers[2] = (http_answer){"/mine/m.tar.gz", 200, NULL, m->bytes, m->size, HTTP_FINE};
    rt__path_join(&path, p->folder, "certificate.pem");
    p->server = http_server_start_tls(p->answers, 3, "tfhub.dev,DNS:storage.googleapis.com", path.bytes);
    setenv("SSL_CERT_FILE", path.bytes, 1);
    rt__buffer_reset(&path);
    rt__buffer_format(&path, "http://127.0.0.1:%d", http_server_port(p->server));
    setenv("https_proxy", path.bytes, 1);
    for (size_t i = 0; i < 2; i++) {
        char *folder = NULL;
        rt_error err;
        if (rt__cache_module(&p->cache, handles[i], &folder, &err) != RT_OK)
            fail_msg("%s: %s", handles[i], err.cause);
        assert_module(folder);
        free(folder);
        assert_int_equal(http_server_count(p->server, p->answers[i + 1].target), 1);
    }
    assert_int_equal(http_server_count(p->server, p->answers[0].target), 1);
    unsetenv("https_proxy");
    unsetenv("SSL_CERT_FILE");
    rt__buffer_clear(&path);
}

/* A child that fetches the handle and ends with its code. */
static pid_t fetch_in_child(const place *p)
{
    pid_t child = fork();
    char *folder = NULL;
    assert_true(child >= 0);
    if (child == 0)
        _exit((int)rt__cache_module(&p->cache, p->handle.bytes, &folder, NULL));
    return child;
}

static int exit_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void two_processes_fetch_once(void **state)
{
    place *p = *state;
    pid_t children[4];
    char *folder = NULL;
    p->answers[0] = (http_answer){"/m/1" QUERY, 200, NULL, p->module.bytes, p->module.size, HTTP_SLOW};
    p->server = http_server_start(p->answers, 1);
    handle_of(p, "/m/1");
    for (int i = 0; i < 4; i++)
        children[i] = fetch_in_child(p);
    for (int i = 0; i < 4; i++)
        assert_int_equal(exit_of(children[i]), RT_OK);
    assert_int_equal(http_server_count(p->server, "/m/1" QUERY), 1);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, NULL), RT_OK);
    assert_module(folder);
    assert_int_equal(count_entries(p, "*.lock*"), 0);
    free(folder);
}

static void a_killed_fetch_is_taken_over(void **state)
{
    place *p = *state;
    char *folder = NULL;
    p->answers[0] = (http_answer){"/m/1" QUERY, 200, NULL, p->module.bytes, p->module.size, HTTP_SLOW};
    p->server = http_server_start(p->answers, 1);
    handle_of(p, "/m/1");
    for (int i = 0; i < 5; i++) {
        pid_t child = fetch_in_child(p);
        nanosleep(&(struct timespec){.tv_nsec = 60000000L * (i + 1)}, NULL);
        kill(child, SIGKILL);
        assert_int_equal(exit_of(child), -1);
        assert_int_equal(count_entries(p, "????????????????????????????????????????"),
                         0); /* no half module */
    }
    assert_int_equal(count_entries(p, "*.lock"), 1);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, NULL), RT_OK);
    assert_module(folder);
    assert_int_equal(count_entries(p, "*.lock"), 0);
    assert_int_equal(count_entries(p, "*.tmp"), 0);
    free(folder);
}

static void a_lock_that_stands_still_is_taken_over(void **state)
{
    place *p = *state;
    char *folder = NULL, name[41];
    rt_buffer lock = {0};
    time_t before = time(NULL);
    p->answers[0] = (http_answer){"/m/1" QUERY, 200, NULL, p->module.bytes, p->module.size, HTTP_FINE};
    p->server = http_server_start(p->answers, 1);
    p->cache.stale_seconds = 2;
    assert_int_equal(rt__folder_make(p->root.bytes, NULL), RT_OK);
    assert_int_equal(rt__handle_folder(handle_of(p, "/m/1"), name, NULL), RT_OK);
    rt__buffer_format(&lock, "%s/%s.lock", p->root.bytes, name);
    assert_int_equal(rt__file_write(lock.bytes, "otherhost.1.00ff", 16, false, NULL), RT_OK);
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, NULL), RT_OK);
    assert_true(time(NULL) - before >= 2);
    assert_module(folder);
    free(folder);
    rt__buffer_clear(&lock);
}

static void offline_says_what_to_do(void **state)
{
    place *p = *state;
    char *folder = NULL;
    rt_error err;
    p->server = http_server_start(NULL, 0);
    handle_of(p, "/m/1");
    http_server_stop(p->server);
    p->server = NULL;
    assert_int_equal(rt__cache_module(&p->cache, p->handle.bytes, &folder, &err), RT_EIO);
    assert_non_null(strstr(err.cause, "fetch http://127.0.0.1:"));
    assert_non_null(strstr(err.cause, p->root.bytes));
    assert_int_equal(count_entries(p, "*"), 0);
}

static void image_sets_are_kept_too(void **state)
{
    place *p = *state;
    char *folder = NULL, *again = NULL;
    rt_buffer file = {0};
    p->answers[0] = (http_answer){"/photos.tgz", 200, NULL, p->module.bytes, p->module.size, HTTP_FINE};
    p->server = http_server_start(p->answers, 1);
    assert_int_equal(rt__cache_images(&p->cache, handle_of(p, "/photos.tgz"), &folder, NULL), RT_OK);
    assert_module(folder);
    free(folder);
    rt__path_join(&file, p->folder, "photos.tgz");
    assert_int_equal(rt__file_write(file.bytes, p->module.bytes, p->module.size, false, NULL), RT_OK);
    assert_int_equal(rt__cache_images(&p->cache, file.bytes, &folder, NULL), RT_OK);
    assert_int_equal(rt__cache_images(&p->cache, file.bytes, &again, NULL), RT_OK);
    assert_string_equal(folder, again);
    assert_module(folder);
    free(folder);
    free(again);
    assert_int_equal(rt__file_write(file.bytes, page, sizeof page, false, NULL), RT_OK);
    assert_int_equal(rt__cache_images(&p->cache, file.bytes, &folder, NULL), RT_EFORMAT);
    rt__buffer_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_names_are_the_hubs),
        cmocka_unit_test_setup_teardown(a_module_is_fetched_once, setup, teardown),
        cmocka_unit_test_setup_teardown(half_wiped_entries_are_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_answers_leave_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(storage_is_the_second_address, setup, teardown),
        cmocka_unit_test_setup_teardown(two_processes_fetch_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_fetch_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_that_stands_still_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(offline_says_what_to_do, setup, teardown),
        cmocka_unit_test_setup_teardown(image_sets_are_kept_too, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
