#include "feature/freshness.h"
#include "support/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const rt_origin first = {0x12345678, 0xcafe, 1000, INT64_C(1700000000123456789)};
static const rt_origin second = {0xffffffff, 0xcafe, UINT64_MAX, -5};

static rt_freshness *open_in(const char *tree)
{
    char path[600];
    rt_freshness *f = NULL;
    tree_path(path, sizeof path, tree, "a.jpg_module.txt");
    assert_int_equal(rt__freshness_open(path, "a.jpg", &f, NULL), RT_OK);
    return f;
}

static void assert_origin(const rt_freshness *f, const char *photo, const rt_origin *expected)
{
    const rt_origin *found = rt__freshness_find(f, photo);
    assert_non_null(found);
    assert_int_equal(found->text_crc, expected->text_crc);
    assert_int_equal(found->network, expected->network);
    assert_true(found->photo_bytes == expected->photo_bytes);
    assert_true(found->photo_changed_ns == expected->photo_changed_ns);
}

/* The whole record in *text. */
static void read_record(const char *tree, rt_buffer *text)
{
    char path[600];
    rt__buffer_reset(text);
    assert_int_equal(
        rt__file_read(text, tree_path(path, sizeof path, tree, ".retrain_module.txt"), 0, NULL, NULL), RT_OK);
}

static void lines_come_back_and_later_ones_win(void **state)
{
    char *tree = tree_new();
    rt_freshness *f = open_in(tree);
    rt_buffer text = {0};
    (void)state;
    assert_null(rt__freshness_find(f, "a.jpg"));
    assert_int_equal(rt__freshness_note(f, "新 %\n.jpg", &second, NULL), RT_OK);
    assert_int_equal(rt__freshness_note(f, "a.jpg", &second, NULL), RT_OK);
    assert_int_equal(rt__freshness_note(f, "a.jpg", &first, NULL), RT_OK);
    assert_null(rt__freshness_find(f, "a.jpg")); /* for later runs only */
    assert_int_equal(rt__freshness_write(f, NULL), RT_OK);
    rt__freshness_close(f);

    read_record(tree, &text);
    assert_string_equal(text.bytes, "retrain bottlenecks 1\n"
                                    "12345678 0000cafe 1000 1700000000123456789 a.jpg\n"
                                    "ffffffff 0000cafe 18446744073709551615 -5 新 %25%0a.jpg\n"
                                    "end 28ccc637\n");
    f = open_in(tree);
    assert_false(rt__freshness_damaged(f));
    assert_origin(f, "a.jpg", &first);
    assert_origin(f, "新 %\n.jpg", &second);
    assert_null(rt__freshness_find(f, "b.jpg"));
    assert_int_equal(rt__freshness_note(f, "b.jpg", &first, NULL), RT_OK);
    assert_int_equal(rt__freshness_write(f, NULL), RT_OK);
    rt__freshness_close(f);
    f = open_in(tree);
    assert_origin(f, "a.jpg", &first); /* of no photo of this run: stays */
    assert_origin(f, "b.jpg", &first);
    rt__freshness_close(f);
    rt__buffer_clear(&text);
    tree_remove(tree);
}

static void nothing_noted_writes_nothing(void **state)
{
    char *tree = tree_new(), path[600];
    rt_freshness *f = open_in(tree);
    (void)state;
    assert_int_equal(rt__freshness_write(f, NULL), RT_OK);
    assert_false(rt__file_exists(tree_path(path, sizeof path, tree, ".retrain_module.txt")));
    rt__freshness_close(f);
    tree_remove(tree);
}

static void a_record_covers_its_folder_and_module(void **state)
{
    rt_freshness *f = NULL;
    (void)state;
    assert_int_equal(rt__freshness_open("x/daisy/a.jpg_m.txt", "a.jpg", &f, NULL), RT_OK);
    assert_true(rt__freshness_covers(f, "x/daisy/b.jpg_m.txt", "b.jpg"));
    assert_false(rt__freshness_covers(f, "x/daisy/b.jpg_n.txt", "b.jpg"));
    assert_false(rt__freshness_covers(f, "x/roses/b.jpg_m.txt", "b.jpg"));
    assert_false(rt__freshness_covers(f, "x/daisy/deeper/b.jpg_m.txt", "b.jpg"));
    assert_false(rt__freshness_covers(f, "b.jpg_m.txt", "b.jpg"));
    rt__freshness_close(f);
}

/* Whatever is cut off or changed, the record is known to be damaged. */
static void damage_is_noticed(void **state)
{
    char *tree = tree_new();
    rt_freshness *f = open_in(tree);
    rt_buffer text = {0};
    (void)state;
    rt__freshness_note(f, "a.jpg", &first, NULL);
    rt__freshness_note(f, "b.jpg", &second, NULL);
    assert_int_equal(rt__freshness_write(f, NULL), RT_OK);
    rt__freshness_close(f);
    read_record(tree, &text);
    for (size_t size = 0; size < text.size; size++) {
        tree_file(tree, ".retrain_module.txt", text.bytes, size);
        f = open_in(tree);
        assert_true(rt__freshness_damaged(f));
        assert_null(rt__freshness_find(f, "a.jpg"));
        rt__freshness_close(f);
    }
    for (size_t i = 0; i < text.size; i++) {
        text.bytes[i] ^= 1;
        tree_file(tree, ".retrain_module.txt", text.bytes, text.size);
        f = open_in(tree);
        assert_true(rt__freshness_damaged(f));
        rt__freshness_close(f);
        text.bytes[i] ^= 1;
    }
    rt__buffer_clear(&text);
    tree_remove(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_back_and_later_ones_win),
        cmocka_unit_test(nothing_noted_writes_nothing),
        cmocka_unit_test(a_record_covers_its_folder_and_module),
        cmocka_unit_test(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
