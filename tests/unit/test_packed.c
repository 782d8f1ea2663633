/* The packed cache keeps what it was given, whatever happens to the process, the disk or the file. */
#include "feature/packed.h"
#include "support/tree.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

enum { FEATURES = 300 };

typedef struct world {
    char *tree;
    char path[4096]; /* of the cache's file */
    rt_error err;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    w->tree = tree_new();
    tree_path(w->path, sizeof w->path, w->tree, RT_PACKED_NAME);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    tree_remove(w->tree);
    free(w);
    return 0;
}

static const rt_packed_module *module(unsigned number)
{
    static rt_packed_module modules[4];
    rt_packed_module *m = &modules[number];
    memset(m->digest, (int)number, sizeof m->digest);
    m->feature_size = FEATURES + number;
    m->name = "a module";
    return m;
}

static rt_packed *open_packed(world *w, unsigned number)
{
    rt_packed *p = NULL;
    if (rt__packed_open(w->tree, module(number), &p, &w->err) != RT_OK)
        fail_msg("%s", w->err.cause);
    return p;
}

/* Stands for a photo's SHA-256. */
static const uint8_t *photo(unsigned number)
{
    static uint8_t digest[RT_PHOTO_BYTES];
    memset(digest, 0, sizeof digest);
    for (size_t i = 0; i < 4; i++)
        digest[i * 7] = (uint8_t)(number >> (8 * i));
    return digest;
}

static void fill(unsigned number, float values[FEATURES + 4])
{
    for (size_t i = 0; i < FEATURES + 4; i++)
        values[i] = (float)number + (float)i / 1024;
}

static rt_code add(rt_packed *p, unsigned number, rt_place *place, rt_error *err)
{
    float values[FEATURES + 4];
    fill(number, values);
    return rt__packed_add(p, &(rt_packed_row){photo(number), values, RT_SOURCE_COMPUTED, place}, err);
}

static void add_many(world *w, rt_packed *p, unsigned first, unsigned n, rt_place *places)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(add(p, first + i, &places[i], &w->err), RT_OK);
    if (rt__packed_flush(p, &w->err) != RT_OK)
        fail_msg("%s", w->err.cause);
    for (unsigned i = 0; i < n; i++)
        assert_true(places[i].block > 0);
}

static bool finds(world *w, rt_packed *p, unsigned number)
{
    rt_place place;
    bool damaged;
    if (rt__packed_find(p, photo(number), &place, &damaged, &w->err) != RT_OK)
        fail_msg("%s", w->err.cause);
    assert_false(damaged);
    return place.block > 0;
}

/* All of first .. first + n - 1 are there, and right. */
static void check_many(world *w, rt_packed *p, unsigned first, unsigned n, size_t features)
{
    rt_place *places = calloc(n, sizeof *places);
    const float **vectors = calloc(n, sizeof *vectors);
    uint32_t *crcs = calloc(n, sizeof *crcs);
    float values[FEATURES + 4];
    bool damaged;
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(rt__packed_find(p, photo(first + i), &places[i], &damaged, &w->err), RT_OK);
        assert_true(places[i].block > 0 && !damaged);
    }
    assert_int_equal(rt__packed_view(p, &(rt_packed_view){places, vectors, crcs, n}, &w->err), RT_OK);
    for (unsigned i = 0; i < n; i++) {
        fill(first + i, values);
        assert_int_equal((uintptr_t)vectors[i] % sizeof(float), 0);
        assert_memory_equal(vectors[i], values, features * sizeof(float));
    }
    free(places);
    free(vectors);
    free(crcs);
}

static void what_was_added_is_found_by_the_next_run(void **state)
{
    enum { N = 1000 };
    world *w = *state;
    rt_place *places = calloc(N, sizeof *places);
    rt_packed *p = open_packed(w, 0);
    assert_false(finds(w, p, 1));
    add_many(w, p, 1, N, places);
    assert_true(finds(w, p, 1));
    rt__packed_close(p);
    p = open_packed(w, 0);
    assert_false(finds(w, p, N + 1));
    check_many(w, p, 1, N, FEATURES);
    rt__packed_close(p);
    free(places);
}

static void a_photo_that_is_there_twice_is_stored_once(void **state)
{
    world *w = *state;
    rt_place places[3];
    rt_packed *p = open_packed(w, 0);
    assert_int_equal(add(p, 7, &places[0], &w->err), RT_OK);
    add_many(w, p, 7, 1, &places[1]);
    add_many(w, p, 7, 1, &places[2]);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(places[i].block, places[0].block);
        assert_int_equal(places[i].row, places[0].row);
    }
    rt__packed_close(p);
}

static rt_packed *open_rank(world *w, int rank)
{
    rt_packed_module own = *module(0);
    rt_packed *p = NULL;
    own.rank = rank;
    if (rt__packed_open(w->tree, &own, &p, &w->err) != RT_OK)
        fail_msg("%s", w->err.cause);
    return p;
}

static void each_process_writes_its_file_and_reads_all(void **state)
{
    enum { EACH = 3, RANKS = 3 };
    world *w = *state;
    rt_place places[RANKS][EACH], found[RANKS * EACH];
    const float *vectors[RANKS * EACH];
    uint32_t crcs[RANKS * EACH];
    bool damaged;
    rt_packed *p;
    for (int rank = 0; rank < RANKS; rank++) {
        p = open_rank(w, 5 * rank);
        add_many(w, p, (unsigned)rank * EACH, EACH, places[rank]);
        assert_int_equal(rt__packed_flush(p, &w->err), RT_OK);
        rt__packed_close(p);
    }
    p = open_rank(w, 7); /* has nothing of its own */
    for (unsigned i = 0; i < RANKS * EACH; i++) {
        assert_int_equal(rt__packed_find(p, photo(i), &found[i], &damaged, &w->err), RT_OK);
        assert_true(found[i].block != 0 && found[i].file == 1 + i / EACH && !damaged);
    }
    assert_int_equal(rt__packed_view(p, &(rt_packed_view){found, vectors, crcs, RANKS * EACH}, &w->err),
                     RT_OK);
    for (unsigned i = 0; i < RANKS * EACH; i++) {
        float copy[FEATURES];
        rt__packed_fetch(p, vectors[i], copy);
        assert_memory_equal(copy, vectors[i], sizeof copy);
    }
    rt__packed_close(p);
}

static void networks_do_not_mix(void **state)
{
    world *w = *state;
    rt_place place;
    rt_packed *p = open_packed(w, 0);
    add_many(w, p, 7, 1, &place);
    rt__packed_close(p);
    p = open_packed(w, 1);
    assert_false(finds(w, p, 7));
    add_many(w, p, 7, 1, &place);
    check_many(w, p, 7, 1, FEATURES + 1);
    rt__packed_close(p);
    p = open_packed(w, 0);
    check_many(w, p, 7, 1, FEATURES);
    rt__packed_close(p);
}

/* ---- damage ---- */

static void change_file(const world *w, const void *what, size_t size)
{
    FILE *file = fopen(w->path, "r+b");
    uint8_t *bytes;
    long length;
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    bytes = malloc((size_t)length);
    rewind(file);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), length);
    for (long i = 0; i + (long)size <= length; i++)
        if (memcmp(bytes + i, what, size) == 0) {
            fseek(file, i, SEEK_SET);
            fputc(bytes[i] ^ 1, file);
        }
    fclose(file);
    free(bytes);
}

static void a_changed_vector_is_not_used_and_can_be_replaced(void **state)
{
    world *w = *state;
    rt_place places[10], found;
    float values[FEATURES + 4];
    bool damaged;
    rt_packed *p = open_packed(w, 0);
    add_many(w, p, 1, 10, places);
    rt__packed_close(p);
    fill(4, values);
    change_file(w, values + 10, 100);
    p = open_packed(w, 0);
    assert_int_equal(rt__packed_find(p, photo(4), &found, &damaged, &w->err), RT_OK);
    assert_true(damaged && found.block == 0);
    assert_true(finds(w, p, 3));
    add_many(w, p, 4, 1, places);
    check_many(w, p, 1, 10, FEATURES);
    rt__packed_close(p);
}

static void a_file_that_is_cut_off_or_something_else_is_told(void **state)
{
    world *w = *state;
    rt_place places[100];
    rt_packed *p = open_packed(w, 0);
    FILE *file;
    add_many(w, p, 1, 100, places);
    rt__packed_close(p);
    assert_int_equal(truncate(w->path, 40000), 0);
    assert_int_equal(rt__packed_open(w->tree, module(0), &p, &w->err), RT_EFORMAT);
    assert_non_null(strstr(w->err.cause, "is cut off"));
    assert_non_null(strstr(w->err.cause, "delete it"));
    assert_non_null(strstr(w->err.path, RT_PACKED_NAME));
    assert_int_equal(truncate(w->path, 5000), 0);
    assert_int_equal(rt__packed_open(w->tree, module(0), &p, &w->err), RT_EFORMAT);
    file = fopen(w->path, "wb");
    for (int i = 0; i < 5000; i++)
        fputs("no cache ", file);
    fclose(file);
    assert_int_equal(rt__packed_open(w->tree, module(0), &p, &w->err), RT_EFORMAT);
    assert_non_null(strstr(w->err.cause, "is no cache of vectors"));
}

/* A block is what one change of the file stored. */
static void vectors_are_stored_by_the_thousand(void **state)
{
    enum { N = 10000 };
    world *w = *state;
    rt_place *places = calloc(N, sizeof *places);
    rt_packed *p = open_packed(w, 0);
    struct timespec start, end;
    uint32_t quarters;
    clock_gettime(CLOCK_MONOTONIC, &start);
    add_many(w, p, 1, N, places);
    clock_gettime(CLOCK_MONOTONIC, &end);
    quarters = (uint32_t)(4 * (end.tv_sec - start.tv_sec + 1)); /* of a second, after which all is stored */
    assert_true(places[N - 1].block <= N / 1000 + 1 + quarters);
    rt__packed_close(p);
    free(places);
}

/* ---- files ---- */

static rt_file_info info_of(const world *w, const char *name, char path[4096])
{
    rt_file_info info;
    snprintf(path, 4096, "%s/%s", w->tree, name);
    assert_int_equal(rt__file_info(path, &info, NULL), RT_OK);
    return info;
}

static bool recalls(world *w, rt_packed *p, const rt_file_info *info, const char *path, unsigned number)
{
    uint8_t digest[RT_PHOTO_BYTES];
    bool known;
    assert_int_equal(rt__packed_recall(p, info, path, digest, &known, &w->err), RT_OK);
    if (known)
        assert_memory_equal(digest, photo(number), sizeof digest);
    return known;
}

static void a_file_is_known_by_inode_size_and_times(void **state)
{
    world *w = *state;
    char path[4096];
    rt_packed *p;
    rt_file_info info, other;
    tree_text(w->tree, "a.jpg", "one");
    info = info_of(w, "a.jpg", path);
    p = open_packed(w, 0);
    /* Read in the same tick of the clock as it was written: it may change again unseen. */
    assert_int_equal(rt__packed_remember(p, &info, info.ctime_ns + 1000, path, photo(5), &w->err), RT_OK);
    assert_int_equal(rt__packed_flush(p, &w->err), RT_OK);
    assert_false(recalls(w, p, &info, path, 5));
    assert_int_equal(rt__packed_remember(p, &info, info.ctime_ns + 3000000000, path, photo(5), &w->err),
                     RT_OK);
    assert_int_equal(rt__packed_flush(p, &w->err), RT_OK);
    rt__packed_close(p);
    p = open_packed(w, 0);
    assert_true(recalls(w, p, &info, path, 5));
    assert_true(recalls(w, p, &info, "/elsewhere/b.jpg", 5));
    other = info;
    other.ctime_ns++;
    assert_false(recalls(w, p, &other, path, 5));
    other = info;
    other.size++;
    assert_false(recalls(w, p, &other, path, 5));
    other = info;
    other.inode++;
    assert_false(recalls(w, p, &other, path, 5));
    rt__packed_close(p);
}

enum { MANY = 3000, DAMAGED = 4, CHANGED = 5, MOVED = 6, UNSTORED = 7 };

/* File i stands at a place that tells nothing of its number; its photo is i. */
static rt_file_info many_info(unsigned i)
{
    const int64_t when = 1000000000000000001;
    return (rt_file_info){
        .device = 7 + i % 2, .inode = i * 7919 % 10007, .size = i, .mtime_ns = when, .ctime_ns = when};
}

static const char *many_path(unsigned i, char path[64])
{
    snprintf(path, 64, "/nowhere/%u.jpg", i);
    return path;
}

static void add_many_files(world *w, rt_place *places)
{
    rt_packed *p = open_packed(w, 0);
    char path[64];
    for (unsigned i = 0; i < MANY; i++) {
        const rt_file_info info = many_info(i);
        assert_int_equal(
            rt__packed_remember(p, &info, info.ctime_ns + 3000000000, many_path(i, path), photo(i), &w->err),
            RT_OK);
        if (i % 10 != UNSTORED)
            assert_int_equal(add(p, i, &places[i], &w->err), RT_OK);
    }
    assert_int_equal(rt__packed_flush(p, &w->err), RT_OK);
    rt__packed_close(p);
}

static void many_files_are_looked_up_at_once(void **state)
{
    world *w = *state;
    rt_place *places = calloc(MANY, sizeof *places);
    rt_packed_file *files = calloc(MANY, sizeof *files);
    float values[FEATURES + 4];
    char path[64];
    rt_packed *p;
    add_many_files(w, places);
    fill(DAMAGED, values);
    change_file(w, values + 10, 100);
    p = open_packed(w, 0);
    for (unsigned k = 0; k < MANY; k++) {
        unsigned i = k * 1009 % MANY;
        const rt_file_info info = many_info(i);
        files[k] =
            (rt_packed_file){info.device,
                             info.inode,
                             info.size,
                             info.mtime_ns,
                             info.ctime_ns + (i == CHANGED),
                             rt__packed_path_crc(p, i == MOVED ? "/nowhere/new.jpg" : many_path(i, path)),
                             i,
                             {0},
                             {9, 9, 0}};
    }
    assert_int_equal(rt__packed_known(p, files, MANY, &w->err), RT_OK);
    for (unsigned k = 0; k < MANY; k++) {
        unsigned i = files[k].number;
        bool known = i != DAMAGED && i != CHANGED && i != MOVED && i % 10 != UNSTORED;
        assert_int_equal(files[k].place.block, known ? places[i].block : 0);
        if (known)
            assert_int_equal(files[k].place.row, places[i].row);
    }
    rt__packed_close(p);
    p = open_packed(w, 1); /* another network */
    assert_int_equal(rt__packed_known(p, files, MANY, &w->err), RT_OK);
    for (unsigned k = 0; k < MANY; k++)
        assert_int_equal(files[k].place.block, 0);
    rt__packed_close(p);
    free(places);
    free(files);
}

/* ---- processes ---- */

static int wait_for(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void two_processes_write_at_once(void **state)
{
    enum { N = 2000 };
    world *w = *state;
    pid_t children[2];
    rt_packed *p;
    for (unsigned c = 0; c < 2; c++)
        if ((children[c] = fork()) == 0) {
            rt_place *places = calloc(N, sizeof *places);
            p = open_packed(w, 0);
            for (unsigned i = 0; i < N; i++) /* most photos are those of the other process too */
                if (add(p, i + 500 * c, &places[i], NULL) != RT_OK)
                    _exit(1);
            _exit(rt__packed_flush(p, NULL) == RT_OK ? 0 : 1);
        }
    for (unsigned c = 0; c < 2; c++)
        assert_int_equal(wait_for(children[c]), 0);
    p = open_packed(w, 0);
    check_many(w, p, 0, N + 500, FEATURES);
    rt__packed_close(p);
}

static void a_killed_process_leaves_a_whole_cache(void **state)
{
    world *w = *state;
    unsigned there = 0;
    rt_packed *p;
    for (unsigned round = 0; round < 12 || (there == 0 && round < 100);
         round++) { /* a busy machine needs more */
        struct timespec pause = {.tv_nsec = (long)(round * 3000000)};
        pid_t child = fork();
        if (child == 0) {
            rt_place place;
            p = open_packed(w, 0);
            for (unsigned i = 0; i < 100000; i++)
                if (add(p, i, &place, NULL) != RT_OK || rt__packed_flush(p, NULL) != RT_OK)
                    _exit(1);
            _exit(0);
        }
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        wait_for(child);
        p = open_packed(w, 0);
        while (finds(w, p, there))
            there++;
        check_many(w, p, 0, there, FEATURES);
        rt__packed_close(p);
    }
    assert_true(there > 0);
}

static void a_full_disk_is_told_and_costs_nothing(void **state)
{
    world *w = *state;
    rt_place places[100];
    rt_packed *p = open_packed(w, 0);
    pid_t child;
    add_many(w, p, 0, 100, places);
    rt__packed_close(p);
    if ((child = fork()) == 0) {
        const struct rlimit limit = {300000, 300000};
        rt_place *more = calloc(1000, sizeof *more);
        rt_code code = RT_OK;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        p = open_packed(w, 0);
        for (unsigned i = 0; i < 1000 && code == RT_OK; i++)
            code = add(p, 1000 + i, &more[i], &w->err);
        if (code == RT_OK)
            code = rt__packed_flush(p, &w->err);
        _exit(code == RT_EIO && strstr(w->err.cause, "free some space") && strstr(w->err.path, RT_PACKED_NAME)
                  ? 0
                  : 1);
    }
    assert_int_equal(wait_for(child), 0);
    p = open_packed(w, 0);
    add_many(w, p, 5000, 100, places);
    check_many(w, p, 0, 100, FEATURES);
    rt__packed_close(p);
}

static void a_cache_that_cannot_be_written_to_is_read(void **state)
{
    world *w = *state;
    rt_place places[10];
    rt_packed *p = open_packed(w, 0);
    pid_t child;
    add_many(w, p, 0, 10, places);
    rt__packed_close(p);
    chmod(w->tree, 0555);
    chmod(w->path, 0444);
    if ((child = fork()) == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        p = open_packed(w, 0);
        _exit(!rt__packed_writable(p) && finds(w, p, 3) && !finds(w, p, 33) ? 0 : 1);
    }
    assert_int_equal(wait_for(child), 0);
    chmod(w->tree, 0755);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_was_added_is_found_by_the_next_run),
        CASE(a_photo_that_is_there_twice_is_stored_once),
        CASE(each_process_writes_its_file_and_reads_all),
        CASE(networks_do_not_mix),
        CASE(a_changed_vector_is_not_used_and_can_be_replaced),
        CASE(a_file_that_is_cut_off_or_something_else_is_told),
        CASE(vectors_are_stored_by_the_thousand),
        CASE(a_file_is_known_by_inode_size_and_times),
        CASE(many_files_are_looked_up_at_once),
        CASE(two_processes_write_at_once),
        CASE(a_killed_process_leaves_a_whole_cache),
        CASE(a_full_disk_is_told_and_costs_nothing),
        CASE(a_cache_that_cannot_be_written_to_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
