/* Memory or room on the disk that runs out anywhere while results are written: that is what is told, and what
 * is there is whole: a file with the bytes it has otherwise, or none; of event files the records so far; of a
 * SavedModel all or nothing. */
#include "export/checkpoint.h"
#include "export/classifier.h"
#include "export/events.h"
#include "export/graphdef_write.h"
#include "export/saved_model_write.h"
#include "head/state_file.h"
#include "model/module.h"
#include "support/starve.h"
#include "support/tiny_module.h"
#include "support/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
/* after the headers it needs */
#include <cmocka.h>

enum { PATH = 600 };

typedef struct work work;
typedef rt_code write_results(const work *w, const char *folder, rt_error *err);

struct work {
    write_results *write;
    rt_graph *graph; /* of a classifier */
    char *tree;      /* "whole": what comes of it; "out": what came of it this time */
};

/* ---- what is written ---- */

static rt_code write_checkpoint(const work *w, const char *folder, rt_error *err)
{
    char prefix[PATH];
    rt_variables variables;
    rt_code code = rt__classifier_variables(w->graph, "module", &variables, err);
    if (code != RT_OK)
        return code;
    code = rt__checkpoint_write(&variables, tree_path(prefix, sizeof prefix, folder, "ck"), err);
    rt__variables_clear(&variables);
    return code;
}

static rt_code write_saved_model(const work *w, const char *folder, rt_error *err)
{
    char path[PATH];
    rt_variables variables;
    rt_code code = rt__classifier_variables(w->graph, "module", &variables, err);
    if (code != RT_OK)
        return code;
    code = rt__saved_model_write(&variables, "Placeholder", "final_result", 2,
                                 tree_path(path, sizeof path, folder, "model"), err);
    rt__variables_clear(&variables);
    return code;
}

static rt_code write_events(const work *w, const char *folder, rt_error *err)
{
    static const float values[] = {0.5F, -0.25F, 3};
    static const rt_summary summaries[] = {
        {.tag = "cross_entropy_1", .kind = RT_SUMMARY_SCALAR, .scalar = 1},
        {.tag = "activations", .kind = RT_SUMMARY_HISTOGRAM, .values = values, .n_values = 3},
        {.tag = "classes", .kind = RT_SUMMARY_TEXT, .text = "| class |"},
    };
    rt_events *events = NULL;
    rt_buffer bytes = {0};
    rt_code code = rt__graphdef_write(w->graph, RT_GRAPH_PRODUCER, &bytes, err), closed;
    if (code == RT_OK)
        code = rt__events_open(folder, ".retrain", 1700000000, &events, err);
    if (code == RT_OK)
        code = rt__events_graph(events, 1700000000, bytes.bytes, bytes.size, err);
    for (int step = 0; code == RT_OK && step < 5; step++)
        if ((code = rt__events_add(events, 1700000000, step, summaries, 3, err)) == RT_OK)
            code = rt__events_flush(events, err);
    closed = rt__events_close(events, code == RT_OK ? err : NULL);
    rt__buffer_clear(&bytes);
    return code == RT_OK ? closed : code;
}

static rt_code write_state(const work *w, const char *folder, rt_error *err)
{
    char path[PATH];
    rt_saved_run run = {.identity = "--seed=5\n", .steps = 10};
    rt_code code = rt__train_state_init(&run.state, 300, 4, 5, err);
    (void)w;
    if (code != RT_OK)
        return code;
    code = rt__run_write(tree_path(path, sizeof path, folder, "ck.state"), &run, true, err);
    rt__train_state_clear(&run.state);
    return code;
}

/* ---- what may be there ---- */

static bool ends_with_a_record(const rt_buffer *whole, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t length;
        memcpy(&length, whole->bytes + at, sizeof length);
        at += 16 + (size_t)length;
    }
    return at == size;
}

static void check_file(const work *w, const char *name)
{
    char path[PATH], tail[PATH + 8];
    rt_buffer found = {0}, whole = {0};
    struct stat info;
    if (stat(tree_path(path, sizeof path, w->tree, name), &info) != 0)
        fail_msg("no %s", path);
    snprintf(tail, sizeof tail, "whole%s", name + strlen("out"));
    if (S_ISREG(info.st_mode)) {
        assert_int_equal(rt__file_read(&found, path, 0, NULL, NULL), RT_OK);
        if (rt__file_read(&whole, tree_path(path, sizeof path, w->tree, tail), 0, NULL, NULL) != RT_OK)
            fail_msg("%s is left", name);
        if (found.size != whole.size && !(strstr(name, "tfevents") && ends_with_a_record(&whole, found.size)))
            fail_msg("%s has %zu of %zu bytes", name, found.size, whole.size);
        if (found.size)
            assert_memory_equal(found.bytes, whole.bytes, found.size);
    } else if (!rt__file_exists(tree_path(path, sizeof path, w->tree, tail))) {
        fail_msg("%s is left", name);
    }
    rt__buffer_clear(&found);
    rt__buffer_clear(&whole);
}

static size_t count_of(const work *w, const char *folder)
{
    char command[2 * PATH];
    size_t n = 0;
    FILE *pipe;
    snprintf(command, sizeof command, "find '%s/%s' | wc -l", w->tree, folder);
    assert_non_null(pipe = popen(command, "r"));
    assert_int_equal(fscanf(pipe, "%zu", &n), 1);
    pclose(pipe);
    return n;
}

static void check_all(const work *w)
{
    char command[2 * PATH], name[PATH];
    FILE *pipe;
    snprintf(command, sizeof command, "cd '%s' && find out -mindepth 1", w->tree);
    assert_non_null(pipe = popen(command, "r"));
    while (fgets(name, sizeof name, pipe)) {
        name[strcspn(name, "\n")] = 0;
        check_file(w, name);
    }
    pclose(pipe);
    if (w->write == write_saved_model && count_of(w, "out") > 1)
        assert_int_equal(count_of(w, "out"), count_of(w, "whole"));
}

static void empty_out(const work *w)
{
    char path[PATH];
    nftw(tree_path(path, sizeof path, w->tree, "out"), tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    assert_int_equal(mkdir(path, 0777), 0);
}

/* ---- running out ---- */

static rt_code attempt(void *context, rt_error *err)
{
    const work *w = context;
    char path[PATH];
    rt_code code = w->write(w, tree_path(path, sizeof path, w->tree, "out"), err);
    if (code != RT_OK) /* after a success the next allocation may still be due to fail */
        check_all(w);
    empty_out(w);
    return code;
}

static rt_code attempt_with_room(const work *w, rlim_t bytes, rt_error *err)
{
    char path[PATH];
    struct rlimit old, limit;
    rt_code code;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = (struct rlimit){bytes, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    code = w->write(w, tree_path(path, sizeof path, w->tree, "out"), err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    return code;
}

static void writes_whole_or_nothing(write_results *write, size_t least_allocations)
{
    rt_module *module;
    rt_error err;
    char path[PATH], *module_tree = tree_new();
    work w = {.write = write, .tree = tree_new()};
    static const float weights[2 * TINY_FEATURES] = {1, 2}, biases[2] = {3, 4};
    static const char *const labels[2] = {"cat", "dog"};
    rt_classifier_parts parts = {.weights = weights,
                                 .biases = biases,
                                 .n_features = TINY_FEATURES,
                                 .n_classes = 2,
                                 .labels = labels,
                                 .variable_scope = "module",
                                 .op_scope = "module_apply_default",
                                 .final_tensor = "final_result"};
    tiny_module_write(module_tree, NULL, &(tiny_options){.no_signature = false});
    assert_int_equal(rt_module_open(module_tree, NULL, &module, NULL), RT_OK);
    parts.graph = module->graph;
    parts.input = module->input;
    parts.feature = module->feature;
    parts.is_variable = module->is_variable;
    parts.height = module->info.height;
    parts.width = module->info.width;
    assert_int_equal(rt__classifier_graph(&parts, &w.graph, NULL), RT_OK);
    tree_folder(w.tree, "whole");
    tree_folder(w.tree, "out");
    assert_int_equal(write(&w, tree_path(path, sizeof path, w.tree, "whole"), &err), RT_OK);
    assert_true(starve(attempt, &w) >= least_allocations);
    for (rlim_t room = 0; attempt_with_room(&w, room, &err) != RT_OK; room += room < 4096 ? 97 : 1009) {
        assert_int_equal(err.code, RT_EIO);
        assert_int_equal(err.sys_errno, EFBIG);
        assert_non_null(strstr(err.path, w.tree));
        check_all(&w);
        empty_out(&w);
    }
    check_all(&w);
    assert_int_equal(count_of(&w, "out"), count_of(&w, "whole"));
    rt__graph_free(w.graph);
    rt_module_close(module);
    tree_remove(module_tree);
    tree_remove(w.tree);
}

static void checkpoints(void **state)
{
    (void)state;
    writes_whole_or_nothing(write_checkpoint, 20);
}

static void saved_models(void **state)
{
    (void)state;
    writes_whole_or_nothing(write_saved_model, 20);
}

static void event_files(void **state)
{
    (void)state;
    writes_whole_or_nothing(write_events, 10);
}

static void states_of_a_training(void **state)
{
    (void)state;
    writes_whole_or_nothing(write_state, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(saved_models),
        cmocka_unit_test(event_files),
        cmocka_unit_test(states_of_a_training),
    };
    signal(SIGXFSZ, SIG_IGN); /* the write fails instead */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
