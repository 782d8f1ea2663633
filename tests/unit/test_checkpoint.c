/* Checkpoints in both formats: which files belong to one, variables in parts, and what damage is told. */
#include "model/bundle.h"
#include "model/checkpoint_files.h"
#include "support/checkpoint_build.h"
#include "support/starve.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { PATH = 600 };

static const float six[6] = {0, 1, 2, 3, 4, 5};
static const char *const texts[] = {"one", "", "three"};

/* [2,3] = {0 1 2, 3 4 5} in two parts: the first column, the others. */
static const float left[2] = {0, 3}, right[4] = {1, 2, 4, 5};
static const built_slice matrix_left = {"matrix", 2, {2, 3}, {0, 0}, {-1, 1}, left, NULL, 2, false};
static const built_slice matrix_right = {"matrix", 2, {2, 3}, {0, 1}, {-1, 2}, right, NULL, 4, false};
static const built_slice whole_matrix = {"matrix", 2, {2, 3}, {0, 0}, {-1, -1}, six, NULL, 6, false};
static const built_slice scalar = {"scalar", 0, {0, 0}, {0, 0}, {0, 0}, six + 4, NULL, 1, false};
static const built_slice first_texts = {"text", 1, {3, 0}, {0, 0}, {2, 0}, NULL, texts, 2, false};
static const built_slice last_text = {"text", 1, {3, 0}, {2, 0}, {1, 0}, NULL, texts + 2, 1, false};

static int new_tree(void **state)
{
    *state = tree_new();
    return 0;
}

static int remove_tree(void **state)
{
    tree_remove(*state);
    return 0;
}

static void write_v1(const char *tree, const char *name, const built_slice *slices, size_t n, bool compressed)
{
    rt_buffer table = {0};
    built_v1(&table, slices, n, compressed);
    tree_file(tree, name, table.bytes, table.size);
    rt__buffer_clear(&table);
}

static void write_v2(const char *tree, const built_slice *slices, size_t n)
{
    rt_buffer index = {0}, data = {0};
    built_v2(&index, &data, slices, n);
    tree_file(tree, "x.index", index.bytes, index.size);
    tree_file(tree, "x.data-00000-of-00001", data.bytes ? data.bytes : "", data.size);
    rt__buffer_clear(&index);
    rt__buffer_clear(&data);
}

static rt_bundle *opened(const char *tree, const char *name)
{
    char path[PATH];
    rt_bundle *bundle;
    rt_error err;
    if (rt__bundle_open(tree_path(path, sizeof path, tree, name), &bundle, &err) != RT_OK)
        fail_msg("%s: %s", err.path, err.cause);
    return bundle;
}

/* The error must be of that code, name the file and hold the words. */
static void told(const rt_error *err, rt_code code, const char *file, const char *words)
{
    if (err->code != code || !strstr(err->cause, words) || !strstr(err->path, file))
        fail_msg("'%s' and '%s' are not in: %d %s: %s", file, words, err->code, err->path, err->cause);
}

static void not_opened(const char *tree, const char *name, rt_code code, const char *file, const char *words)
{
    char path[PATH];
    rt_bundle *bundle = NULL;
    rt_error err;
    assert_int_equal(rt__bundle_open(tree_path(path, sizeof path, tree, name), &bundle, &err), code);
    assert_null(bundle);
    told(&err, code, file, words);
}

/* Opens, but the variable cannot be read. */
static void not_read(const char *tree, const char *variable, const char *file, const char *words)
{
    rt_bundle *bundle = opened(tree, "x");
    rt_arena *arena = rt__arena_new();
    rt_tensor tensor;
    rt_error err;
    assert_non_null(rt__bundle_find(bundle, variable));
    assert_int_equal(rt__bundle_read(bundle, rt__bundle_find(bundle, variable), arena, &tensor, &err),
                     RT_EFORMAT);
    told(&err, RT_EFORMAT, file, words);
    rt__arena_free(arena);
    rt__bundle_close(bundle);
}

static void holds_floats(const rt_bundle *bundle, const char *name, int rank, const float *wanted, size_t n)
{
    const rt_variable *v = rt__bundle_find(bundle, name);
    rt_arena *arena = rt__arena_new();
    rt_tensor tensor;
    rt_error err;
    assert_non_null(v);
    if (rt__bundle_read(bundle, v, arena, &tensor, &err) != RT_OK)
        fail_msg("%s: %s", name, err.cause);
    assert_int_equal(tensor.dtype, RT_FLOAT);
    assert_int_equal(tensor.shape.rank, rank);
    assert_int_equal(tensor.bytes, n * sizeof *wanted);
    assert_int_equal(v->size, n * sizeof *wanted);
    assert_memory_equal(tensor.data, wanted, n * sizeof *wanted);
    rt__arena_free(arena);
}

static void holds_texts(const rt_bundle *bundle, const char *name)
{
    rt_arena *arena = rt__arena_new();
    rt_tensor tensor;
    assert_int_equal(rt__bundle_read(bundle, rt__bundle_find(bundle, name), arena, &tensor, NULL), RT_OK);
    assert_int_equal(tensor.dtype, RT_STRING);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tensor.strings[i].size, strlen(texts[i]));
        assert_string_equal(tensor.strings[i].bytes, texts[i]);
    }
    rt__arena_free(arena);
}

/* ---- values ---- */

static void v1_tables_are_read_compressed_or_not(void **state)
{
    const built_slice slices[] = {matrix_left, matrix_right, scalar, first_texts, last_text};
    for (int compressed = 0; compressed < 2; compressed++) {
        rt_bundle *bundle;
        write_v1(*state, "x", slices, 5, compressed != 0);
        bundle = opened(*state, "x");
        assert_string_equal(rt__bundle_format(bundle), "V1");
        assert_int_equal(rt__bundle_count(bundle), 3);
        assert_true(rt__bundle_find(bundle, "matrix")->sliced);
        assert_false(rt__bundle_find(bundle, "scalar")->sliced);
        holds_floats(bundle, "matrix", 2, six, 6);
        holds_floats(bundle, "scalar", 0, six + 4, 1);
        holds_texts(bundle, "text");
        rt__bundle_close(bundle);
    }
}

/* In two pieces, else the question marks would be a trigraph. */
#define V1_PATTERN \
    "x-????"       \
    "?-of-00002"

static void v1_shards_are_one_checkpoint(void **state)
{
    const built_slice first[] = {matrix_left, scalar, last_text}, second[] = {matrix_right, first_texts};
    static const char *const names[] = {"x", V1_PATTERN, "x-00001-of-00002"};
    write_v1(*state, "x-00000-of-00002", first, 3, false);
    write_v1(*state, "x-00001-of-00002", second, 2, true);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rt_bundle *bundle = opened(*state, names[i]);
        assert_int_equal(rt__bundle_count(bundle), 3);
        holds_floats(bundle, "matrix", 2, six, 6);
        holds_floats(bundle, "scalar", 0, six + 4, 1);
        holds_texts(bundle, "text");
        rt__bundle_close(bundle);
    }
}

static void v2_parts_are_put_together(void **state)
{
    const built_slice slices[] = {matrix_left, matrix_right};
    rt_bundle *bundle;
    write_v2(*state, slices, 2);
    bundle = opened(*state, "x");
    assert_string_equal(rt__bundle_format(bundle), "V2");
    holds_floats(bundle, "matrix", 2, six, 6);
    rt__bundle_close(bundle);
}

/* ---- damage ---- */

static void parts_must_cover_a_variable_once(void **state)
{
    built_slice slices[] = {matrix_left, matrix_right};
    for (int v2 = 0; v2 < 2; v2++) {
        const char *file = v2 ? "/x.index" : "/x";
        for (int fault = 0; fault < 4; fault++) {
            static const char *const words[] = {"do not cover it", "overlap", "lies outside it",
                                                "a slice of variable 'matrix' is missing"};
            slices[1] = matrix_right;
            slices[1].start[1] = fault == 1 ? 0 : fault == 2 ? 2 : 1;
            slices[1].not_stored = fault == 3;
            tree_file(*state, "x", "", 0);
            if (v2)
                write_v2(*state, slices, fault == 0 ? 1 : 2);
            else
                write_v1(*state, "x", slices, fault == 0 ? 1 : 2, false);
            not_read(*state, "matrix", file, words[fault]);
        }
    }
}

static void values_must_be_as_many_as_the_shape_wants(void **state)
{
    built_slice slices[] = {whole_matrix, scalar};
    slices[0].n = 5;
    write_v1(*state, "x", slices, 2, false);
    not_read(*state, "matrix", "/x", "5 values of type float, its shape wants 6");
    slices[0].texts = texts;
    slices[0].n = 3;
    write_v1(*state, "x", slices, 2, false);
    not_read(*state, "matrix", "/x", "3 values of type string, its shape wants 6");
    slices[1].not_stored = true;
    write_v1(*state, "x", slices, 2, false);
    not_read(*state, "scalar", "/x", "the value of variable 'scalar' is missing");
}

static void shards_must_agree_and_be_there(void **state)
{
    built_slice one[] = {matrix_left}, other[] = {matrix_right};
    write_v1(*state, "x-00000-of-00002", one, 1, false);
    not_opened(*state, "x", RT_ENOTFOUND, "/x-00001-of-00002", "No such file");
    not_opened(*state,
               "x-????"
               "?-of-00002",
               RT_ENOTFOUND, "/x-00001-of-00002", "No such file");
    other[0].shape[0] = 3;
    write_v1(*state, "x-00001-of-00002", other, 1, false);
    not_opened(*state, "x", RT_EFORMAT, "/x", "variable 'matrix' has two types or shapes");
    write_v1(*state, "x-00001-of-00002", one, 1, false);
    not_opened(*state, "x", RT_EFORMAT, "/x", "a slice is stored in two files");
}

static void flip(const char *tree, const char *name, size_t at)
{
    char path[PATH];
    rt_buffer file = {0};
    assert_int_equal(rt__file_read(&file, tree_path(path, sizeof path, tree, name), 0, NULL, NULL), RT_OK);
    file.bytes[at] ^= 1;
    tree_file(tree, name, file.bytes, file.size);
    rt__buffer_clear(&file);
}

static void cut_off(const char *tree, const char *name, size_t bytes)
{
    char path[PATH];
    rt_buffer file = {0};
    assert_int_equal(rt__file_read(&file, tree_path(path, sizeof path, tree, name), 0, NULL, NULL), RT_OK);
    tree_file(tree, name, file.bytes, file.size - bytes);
    rt__buffer_clear(&file);
}

static void damage_is_told_with_its_file(void **state)
{
    const built_slice slices[] = {matrix_left, matrix_right};
    write_v1(*state, "x", slices, 2, false);
    flip(*state, "x", 20);
    not_opened(*state, "x", RT_EFORMAT, "/x", "a block's checksum is wrong: the file is damaged");
    write_v2(*state, slices, 2);
    flip(*state, "x.data-00000-of-00001", 9);
    not_read(*state, "matrix", "/x.data-00000-of-00001", "the checksum of variable");
    cut_off(*state, "x.data-00000-of-00001", 68);
    not_opened(*state, "x", RT_EFORMAT, "/x.data-00000-of-00001", "it is cut off, or of another checkpoint");
    cut_off(*state, "x.index", 1);
    not_opened(*state, "x", RT_EFORMAT, "/x.index", "does not end as a table does: cut off");
    write_v2(*state, slices, 2);
    assert_int_equal(remove(tree_path((char[PATH]){0}, PATH, *state, "x.data-00000-of-00001")), 0);
    not_opened(*state, "x", RT_ENOTFOUND, "/x.data-00000-of-00001", "No such file");
}

static void a_table_that_is_no_checkpoint_is_refused(void **state)
{
    const built_slice slices[] = {matrix_left};
    rt_buffer index = {0}, data = {0};
    built_v2(&index, &data, slices, 1);
    tree_file(*state, "renamed", index.bytes, index.size);
    not_opened(*state, "renamed", RT_EFORMAT, "/renamed",
               "the index of a V2 checkpoint is named PREFIX.index");
    not_opened(*state, "nothing", RT_ENOTFOUND, "/nothing.index", "No such file");
    rt__buffer_clear(&index);
    rt__buffer_clear(&data);
}

/* ---- which files ---- */

static void prefix_is(const char *tree, const char *name, const char *wanted)
{
    char path[PATH], wanted_path[PATH];
    rt_buffer prefix = {0};
    rt_error err;
    if (rt__checkpoint_prefix(tree_path(path, sizeof path, tree, name), &prefix, &err) != RT_OK)
        fail_msg("%s: %s", name, err.cause);
    assert_string_equal(prefix.bytes, tree_path(wanted_path, sizeof wanted_path, tree, wanted));
    rt__buffer_clear(&prefix);
}

static void no_prefix(const char *tree, const char *name, rt_code code, const char *words)
{
    char path[PATH];
    rt_buffer prefix = {0};
    rt_error err;
    assert_int_equal(rt__checkpoint_prefix(tree_path(path, sizeof path, tree, name), &prefix, &err), code);
    assert_non_null(strstr(err.cause, words));
    rt__buffer_clear(&prefix);
}

static void every_file_of_a_checkpoint_leads_to_it(void **state)
{
    const built_slice slices[] = {matrix_left, matrix_right};
    const char *tree = *state;
    no_prefix(tree, "", RT_ENOTFOUND, "no checkpoint here");
    write_v2(tree, slices, 2);
    prefix_is(tree, "x", "x");
    prefix_is(tree, "x.index", "x");
    prefix_is(tree, "x.data-00000-of-00001", "x");
    prefix_is(tree, "", "x"); /* the only one in the folder */
    write_v1(tree, "old", slices, 2, false);
    prefix_is(tree, "old", "old");
    tree_text(tree, "old.meta", "");
    no_prefix(tree, "", RT_EARG, "several checkpoints here");
    tree_text(tree, "checkpoint", "model_checkpoint_path: \"old\"\nall_model_checkpoint_paths: \"x\"\n");
    prefix_is(tree, "", "old");
    prefix_is(tree, "checkpoint", "old");
    tree_text(tree, "text", "hello");
    no_prefix(tree, "text", RT_ENOTFOUND, "no file of a checkpoint");
    no_prefix(tree, "nothing", RT_ENOTFOUND, "no checkpoint of that name");
}

static void the_list_is_read_as_protobuf_writes_it(void **state)
{
    char path[PATH];
    rt_buffer prefix = {0};
    tree_text(*state, "checkpoint", "model_checkpoint_path: \"k\\303\\244se \\\"x\\\"\\\\-1\"\n");
    prefix_is(*state, "checkpoint", "k\xc3\xa4se \"x\"\\-1");
    tree_text(*state, "checkpoint", "model_checkpoint_path : '/abs/model.ckpt-7'\n");
    assert_int_equal(rt__checkpoint_prefix(tree_path(path, sizeof path, *state, "checkpoint"), &prefix, NULL),
                     RT_OK);
    assert_string_equal(prefix.bytes, "/abs/model.ckpt-7");
    rt__buffer_clear(&prefix);
    tree_text(*state, "checkpoint", "model_checkpoint_path: \"cut off");
    no_prefix(*state, "checkpoint", RT_EFORMAT, "no line model_checkpoint_path");
}

static void the_graph_stands_beside(void **state)
{
    char prefix[PATH], wanted[PATH];
    rt_buffer path = {0};
    rt_error err;
    tree_path(prefix, sizeof prefix, *state,
              "x-????"
              "?-of-00002");
    assert_int_equal(rt__checkpoint_graph(prefix, &path, &err), RT_ENOTFOUND);
    assert_non_null(strstr(err.cause, "neither x.meta nor a .pb file alone"));
    tree_text(*state, "graph.pb", "");
    assert_int_equal(rt__checkpoint_graph(prefix, &path, &err), RT_OK);
    assert_string_equal(path.bytes, tree_path(wanted, sizeof wanted, *state, "graph.pb"));
    tree_text(*state, "x.meta", "");
    assert_int_equal(rt__checkpoint_graph(prefix, &path, &err), RT_OK);
    assert_string_equal(path.bytes, tree_path(wanted, sizeof wanted, *state, "x.meta"));
    rt__buffer_clear(&path);
}

/* ---- memory ---- */

static rt_code read_all(void *prefix, rt_error *err)
{
    rt_bundle *bundle;
    rt_code code = rt__bundle_open(prefix, &bundle, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; code == RT_OK && i < rt__bundle_count(bundle); i++) {
        rt_arena *arena = rt__arena_new();
        rt_tensor tensor;
        code = arena ? rt__bundle_read(bundle, rt__bundle_variable(bundle, i), arena, &tensor, err)
                     : rt_fail(err, RT_ENOMEM, "out of memory");
        rt__arena_free(arena);
    }
    rt__bundle_close(bundle);
    return code;
}

static void memory_that_runs_out_is_told(void **state)
{
    const built_slice slices[] = {matrix_left, matrix_right, scalar, first_texts, last_text};
    char path[PATH];
    write_v1(*state, "v1", slices, 5, true);
    assert_true(starve(read_all, tree_path(path, sizeof path, *state, "v1")) > 10);
    write_v2(*state, slices, 2);
    assert_true(starve(read_all, tree_path(path, sizeof path, *state, "x")) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(v1_tables_are_read_compressed_or_not, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(v1_shards_are_one_checkpoint, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(v2_parts_are_put_together, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(parts_must_cover_a_variable_once, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(values_must_be_as_many_as_the_shape_wants, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(shards_must_agree_and_be_there, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(damage_is_told_with_its_file, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(a_table_that_is_no_checkpoint_is_refused, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(every_file_of_a_checkpoint_leads_to_it, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(the_list_is_read_as_protobuf_writes_it, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(the_graph_stands_beside, new_tree, remove_tree),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, new_tree, remove_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
