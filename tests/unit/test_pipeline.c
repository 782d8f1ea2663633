/* The parts of a run that need no network: checks, lists of photos, JSON. */
#include "base/file.h"
#include "pipeline/json_text.h"
#include "pipeline/photo_list.h"
#include "retrain/pipeline.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

static void expect_json(const char *text, const char *json)
{
    rt_buffer out = {0};
    rt__json_string(&out, text);
    assert_int_equal(rt__buffer_ok(&out, NULL), RT_OK);
    assert_string_equal(out.bytes, json);
    rt__buffer_clear(&out);
}

static void texts_become_valid_json(void **state)
{
    (void)state;
    expect_json(NULL, "null");
    expect_json("", "\"\"");
    expect_json("a \"b\"\\c/\n\t\x01\x7f", "\"a \\\"b\\\"\\\\c/\\n\\t\\u0001\\u007f\"");
    expect_json("\xe7\x8e\xab\xe7\x91\xb0 \xc3\x9c \xf0\x9f\x8c\xb9",
                "\"\xe7\x8e\xab\xe7\x91\xb0 \xc3\x9c \xf0\x9f\x8c\xb9\"");
    /* a lone byte, an overlong slash, a surrogate, a cut sequence, beyond U+10FFFF */
    expect_json("\xff", "\"\\ufffd\"");
    expect_json("\xc0\xaf", "\"\\ufffd\\ufffd\"");
    expect_json("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    expect_json("\xe7\x8e", "\"\\ufffd\\ufffd\"");
    expect_json("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void folders_are_listed_in_byte_order(void **state)
{
    static const char *const files[] = {"b.JPG",     "a/z.png",     "a/y.gif", "A.jpeg",
                                        "notes.txt", ".hidden.jpg", "c.jpg"};
    static const char *const listed[] = {"A.jpeg", "a/y.gif", "a/z.png", "b.JPG", "c.jpg"};
    char *root = tree_new(), path[600];
    rt_photo_list list = {0};
    rt_error err;
    (void)state;
    tree_folder(root, "a");
    assert_int_equal(rt__photo_list_add(&list, tree_path(path, sizeof path, root, "a"), &err), RT_ENOTFOUND);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        tree_text(root, files[i], "x");
    assert_int_equal(rt__photo_list_add(&list, root, &err), RT_OK);
    assert_int_equal(list.n, sizeof listed / sizeof *listed);
    for (size_t i = 0; i < list.n; i++)
        assert_string_equal(list.paths[i] + strlen(root) + 1, listed[i]);
    /* named itself, a file is taken as a photo whatever it is called */
    tree_path(path, sizeof path, root, "notes.txt");
    assert_int_equal(rt__photo_list_add(&list, path, &err), RT_OK);
    assert_string_equal(list.paths[list.n - 1], path);
    rt__photo_list_clear(&list);
    tree_remove(root);
}

static void a_loop_of_links_ends(void **state)
{
    char *root = tree_new();
    rt_photo_list list = {0};
    rt_error err;
    (void)state;
    tree_link(root, "again", root);
    assert_int_not_equal(rt__photo_list_add(&list, root, &err), RT_OK);
    rt__photo_list_clear(&list);
    tree_remove(root);
}

static void the_defaults_are_in_order_but_for_what_must_be_said(void **state)
{
    rt_retrain_options options;
    rt_error err;
    (void)state;
    rt_retrain_defaults(&options);
    assert_int_equal(rt_retrain_check(&options, &err), RT_EARG);
    options.image_dir = "photos";
    options.output_graph = "no_such_folder/g.pb";
    options.output_labels = "no_such_folder/l.txt";
    assert_int_equal(rt_retrain_check(&options, &err), RT_OK);
    assert_false(rt__file_exists("no_such_folder"));
    options.tfhub_module = "gs://module";
    assert_int_equal(rt_retrain_check(&options, &err), RT_EUNSUPPORTED);
    options.tfhub_module = "gs://bucket/module.tar.gz";
    options.tfhub_model_load_format = RT_LOAD_UNCOMPRESSED;
    assert_int_equal(rt_retrain_check(&options, &err), RT_OK);
    options.tfhub_module = "module";
    options.train_batch_size = -1;
    assert_int_equal(rt_retrain_check(&options, &err), RT_OK);
    options.train_batch_size = -2;
    assert_int_equal(rt_retrain_check(&options, &err), RT_EARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_valid_json),
        cmocka_unit_test(folders_are_listed_in_byte_order),
        cmocka_unit_test(a_loop_of_links_ends),
        cmocka_unit_test(the_defaults_are_in_order_but_for_what_must_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
