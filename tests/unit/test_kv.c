/* The table under the packed cache: it grows as it must, and a change is made whole or not at all. */
#include "feature/kv.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct world {
    char *tree;
    char path[4096]; /* of the file */
    rt_error err;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    w->tree = tree_new();
    tree_path(w->path, sizeof w->path, w->tree, "table.mdb");
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

typedef struct flood {
    unsigned n, calls;
    bool fails;
} flood;

static rt_code put_many(void *context, rt_kv_txn *txn, rt_error *err)
{
    flood *f = context;
    char value[5000] = {0};
    f->calls++;
    for (unsigned i = 0; i < f->n; i++) {
        char key[16];
        int length = snprintf(key, sizeof key, "k%06u", i);
        rt_code code = rt__kv_put(txn, (rt_span){key, (size_t)length}, (rt_span){value, sizeof value}, err);
        if (code != RT_OK)
            return code;
    }
    return f->fails ? rt_fail(err, RT_EARG, "changed my mind") : RT_OK;
}

static rt_code count(void *context, rt_span key, rt_span value, bool *stop, rt_error *err)
{
    (void)key;
    (void)stop;
    (void)err;
    *(size_t *)context += value.size == 5000;
    return RT_OK;
}

static size_t count_keys(rt_kv *kv)
{
    rt_kv_txn *txn;
    size_t n = 0;
    assert_int_equal(rt__kv_begin(kv, &txn, NULL), RT_OK);
    assert_int_equal(rt__kv_each(txn, (rt_span){"k", 1}, NULL, count, &n, NULL), RT_OK);
    rt__kv_end(txn);
    return n;
}

static void a_full_map_grows(void **state)
{
    world *w = *state;
    flood f = {.n = 2000};
    rt_kv *kv;
    pid_t child;
    int status;
    assert_int_equal(rt__kv_open(w->path, 1 << 18, false, &kv, &w->err), RT_OK);
    if (rt__kv_write(kv, put_many, &f, &w->err) != RT_OK)
        fail_msg("%s", w->err.cause);
    assert_true(f.calls > 1);
    assert_int_equal(count_keys(kv), 2000);
    rt__kv_close(kv);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(rt__kv_open(w->path, 1 << 18, false, &kv, &w->err), RT_OK);
    if ((child = fork()) == 0) { /* another process lets it grow */
        rt_kv *other;
        _exit(rt__kv_open(w->path, 1 << 18, false, &other, &w->err) == RT_OK &&
                      rt__kv_write(other, put_many, &f, &w->err) == RT_OK
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_keys(kv), 2000);
    f.n = 5000;
    assert_int_equal(rt__kv_write(kv, put_many, &f, &w->err), RT_OK);
    assert_int_equal(count_keys(kv), 5000);
    rt__kv_close(kv);
}

static void a_change_that_fails_leaves_nothing(void **state)
{
    world *w = *state;
    flood f = {.n = 10, .fails = true};
    rt_kv *kv;
    assert_int_equal(rt__kv_open(w->path, 0, false, &kv, &w->err), RT_OK);
    assert_int_equal(rt__kv_write(kv, put_many, &f, &w->err), RT_EARG);
    assert_int_equal(count_keys(kv), 0);
    rt__kv_close(kv);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_full_map_grows),
        CASE(a_change_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
