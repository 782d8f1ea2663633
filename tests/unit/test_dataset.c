#include "dataset/listing.h"
#include "support/starve.h"
#include "support/tree.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const rt_dataset_options by_default = {.testing_percentage = 10, .validation_percentage = 10};
static const rt_dataset_options legacy = {10, 10, true, true};

typedef struct lines {
    char text[4000];
} lines;

static void keep_line(void *user, rt_level level, const char *text)
{
    lines *l = user;
    size_t length = strlen(l->text);
    snprintf(l->text + length, sizeof l->text - length, "%s%s\n", level >= RT_WARN ? "! " : "", text);
}

static void make_photos(const char *tree, const char *folder, size_t count)
{
    char name[200];
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%04zu.jpg", folder, i);
        tree_text(tree, name, "");
    }
}

static rt_dataset *open_tree(const char *tree, const rt_dataset_options *options)
{
    rt_dataset *dataset = NULL;
    rt_error err;
    if (rt_dataset_open(tree, options, NULL, &dataset, &err) != RT_OK)
        fail_msg("%s", err.cause);
    return dataset;
}

/* The cause of a failure that must come. */
static void assert_refused(const char *tree, const rt_dataset_options *options, rt_code code,
                           const char *cause)
{
    rt_dataset *dataset = NULL;
    rt_error err;
    rt_error_clear(&err);
    assert_int_equal(rt_dataset_open(tree, options, NULL, &dataset, &err), code);
    assert_null(dataset);
    assert_string_equal(err.cause, cause);
}

static void folders_and_photos_come_in_byte_order(void **state)
{
    char *tree = tree_new();
    lines l = {""};
    const rt_log log = {keep_line, &l};
    rt_dataset *dataset;
    char *path;
    (void)state;
    make_photos(tree, "roses", 20);
    tree_text(tree, "Daisy/b.png", "");
    tree_text(tree, "Daisy/B.PNG", "");
    tree_text(tree, "Daisy/a.JpEg", "");
    tree_text(tree, "Daisy/c.gif", "");
    tree_text(tree, "Daisy/notes.txt", "");
    tree_text(tree, "Daisy/jpg", "");
    tree_text(tree, "Daisy/.hidden.jpg", "");
    tree_text(tree, ".git/x.jpg", "");
    tree_text(tree, "__MACOSX/x.jpg", "");
    tree_text(tree, "LICENSE.txt", "");
    tree_folder(tree, "empty");
    tree_folder(tree, "Daisy/folder.jpg");
    assert_int_equal(rt_dataset_open(tree, &by_default, &log, &dataset, NULL), RT_OK);
    assert_string_equal(l.text, "Looking for images in 'Daisy'\n"
                                "! WARNING: Folder has less than 20 images, which may cause issues.\n"
                                "Looking for images in 'empty'\n"
                                "! No files found\n"
                                "Looking for images in 'roses'\n");
    assert_int_equal(dataset->n_classes, 2);
    assert_string_equal(dataset->classes[0].folder, "Daisy");
    assert_string_equal(dataset->classes[0].label, "daisy");
    assert_string_equal(dataset->classes[1].label, "roses");
    assert_int_equal(dataset->classes[1].first, 4);
    assert_int_equal(dataset->classes[1].n_photos, 20);
    assert_string_equal(dataset->photos[0].name, "B.PNG");
    assert_string_equal(dataset->photos[1].name, "a.JpEg");
    assert_string_equal(dataset->photos[2].name, "b.png");
    assert_string_equal(dataset->photos[3].name, "c.gif");
    assert_int_equal(dataset->photos[23].class_index, 1);
    path = rt_dataset_path(dataset, 23);
    assert_memory_equal(path, tree, strlen(tree));
    assert_string_equal(path + strlen(tree), "/roses/0019.jpg");
    free(path);
    rt_dataset_close(dataset);
    dataset = open_tree(tree, &legacy); /* retrain.py's endings only */
    assert_int_equal(dataset->classes[0].n_photos, 1);
    assert_string_equal(dataset->photos[0].name, "b.png");
    rt_dataset_close(dataset);
    tree_remove(tree);
}

static void links_are_followed_and_loops_do_no_harm(void **state)
{
    char *tree = tree_new(), *elsewhere = tree_new(), target[600];
    rt_dataset *dataset;
    (void)state;
    tree_text(elsewhere, "photos/1.jpg", "");
    tree_text(tree, "a/1.jpg", "");
    tree_link(tree, "a/loop", "..");
    tree_link(tree, "a/broken.jpg", "nowhere");
    tree_link(tree, "loop", ".");
    tree_link(tree, "self", "self");
    tree_link(tree, "b", tree_path(target, sizeof target, elsewhere, "photos"));
    dataset = open_tree(tree, &by_default);
    assert_int_equal(dataset->n_classes, 2);
    assert_int_equal(dataset->classes[0].n_photos, 2); /* the broken one is reported when it is read */
    assert_string_equal(dataset->classes[1].folder, "b");
    rt_dataset_close(dataset);
    tree_remove(elsewhere);
    tree_remove(tree);
}

static void wrapper_folders_are_stepped_into(void **state)
{
    char *tree = tree_new(), expected[1000];
    lines l = {""};
    const rt_log log = {keep_line, &l};
    rt_dataset *dataset;
    (void)state;
    make_photos(tree, "x/flowers/a", 1);
    make_photos(tree, "x/flowers/b", 1);
    tree_text(tree, "x/README", "");
    tree_folder(tree, "__MACOSX");
    assert_int_equal(rt_dataset_open(tree, &by_default, &log, &dataset, NULL), RT_OK);
    snprintf(expected, sizeof expected, "%s/x/flowers", tree);
    assert_string_equal(dataset->root, expected);
    snprintf(expected, sizeof expected, "Stepping into '%s/x/flowers': '%s' holds nothing else\n", tree,
             tree);
    assert_memory_equal(l.text, expected, strlen(expected));
    rt_dataset_close(dataset);
    make_photos(tree, "x/flowers", 1); /* now it is a class folder itself */
    snprintf(expected, sizeof expected,
             "No valid folders of images found at %s: a folder of photos is needed for each class", tree);
    assert_refused(tree, &by_default, RT_EFORMAT, expected);
    tree_remove(tree);
}

static void unusable_folders_are_refused_in_retrain_pys_words(void **state)
{
    char *tree = tree_new(), expected[1000], path[600];
    static const rt_dataset_options too_much = {60, 50, false, false};
    (void)state;
    tree_path(path, sizeof path, tree, "typo");
    snprintf(expected, sizeof expected, "Image directory '%s' not found.", path);
    assert_refused(path, &by_default, RT_ENOTFOUND, expected);
    tree_text(tree, "photos.zip", "");
    tree_path(path, sizeof path, tree, "photos.zip");
    snprintf(expected, sizeof expected, "'%s' is a file: a folder of class folders is needed", path);
    assert_refused(path, &by_default, RT_EFORMAT, expected);
    snprintf(expected, sizeof expected,
             "No valid folders of images found at %s: a folder of photos is needed for each class", tree);
    assert_refused(tree, &by_default, RT_EFORMAT, expected);
    tree_text(tree, "daisy/1.jpg", "");
    tree_folder(tree, "roses");
    snprintf(expected, sizeof expected,
             "Only one valid folder of images found at %s  - multiple classes are needed for classification. "
             "The folder is 'daisy'",
             tree);
    assert_refused(tree, &by_default, RT_EFORMAT, expected);
    assert_refused("", &by_default, RT_EARG, "no image folder was given");
    assert_refused(
        tree, &too_much, RT_EARG,
        "testing_percentage 60 and validation_percentage 50 must be 0 to 100, together at most 100");
    tree_remove(tree);
}

static void a_folder_that_cannot_be_read_is_named(void **state)
{
    char *tree, path[600];
    rt_dataset *dataset;
    rt_error err;
    bool root = geteuid() == 0; /* who may read everything: be nobody for a while */
    (void)state;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    tree = tree_new();
    make_photos(tree, "a", 2);
    make_photos(tree, "b", 2);
    tree_path(path, sizeof path, tree, "b");
    chmod(path, 0);
    assert_int_equal(rt_dataset_open(tree, &by_default, NULL, &dataset, &err), RT_EIO);
    assert_string_equal(err.path, path);
    assert_string_equal(err.cause, "cannot open folder: Permission denied");
    chmod(path, 0777);
    tree_remove(tree);
    if (root)
        assert_int_equal(seteuid(0), 0);
}

typedef struct label_case {
    const char *folder, *label, *legacy; /* label NULL: refused */
} label_case;

static void labels_keep_utf8(void **state)
{
    static const label_case cases[] = {
        {"daisy", "daisy", "daisy"},
        {"Foo-Bar", "foo bar", "foo bar"},
        {"foo_bar", "foo bar", "foo bar"},
        {"  A  (1) ", "a 1", " a 1 "},
        {"C++", "c", "c "},
        {"[brackets]", "brackets", " brackets "},
        {"玫瑰", "玫瑰", " "},
        {"郁金香 Tulip", "郁金香 tulip", " tulip"},
        {"Übung", "übung", " bung"},
        {"CAFÉ", "café", "caf "},
        {"ΑΘΗΝΑ", "αθηνα", " "},
        {"ЁЛКА", "ёлка", " "},
        {"ŁÓDŹ", "łódź", " d "},
        {"ĐƯỜNG", "đường", " ng"},
        {"🌻 Sun", "🌻 sun", " sun"},
        {"👩‍🌾", "👩‍🌾", " "},
        {"a\u3000b", "a b", "a b"},
        {"a\u2028b", "a b", "a b"},
        {"\u212a2", "\u212a2", "k2"},
        {"\u0130x", "\u0130x", "i x"},
        {"---", NULL, " "},
        {"caf\xe9", NULL, NULL},
        {"\xed\xa0\x80", NULL, NULL},     /* a surrogate */
        {"\xc0\xaf", NULL, NULL},         /* overlong */
        {"\xe0\x80\xaf", NULL, NULL},     /* overlong */
        {"\xf4\x90\x80\x80", NULL, NULL}, /* above 10ffff */
        {"x\xf0\x9f", NULL, NULL},        /* cut off */
    };
    rt_buffer label = {0};
    rt_error err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int old = 0; old < 2; old++) {
            const char *expected = old ? cases[i].legacy : cases[i].label;
            rt__buffer_reset(&label);
            assert_int_equal(rt__label_make(cases[i].folder, old, &label, &err),
                             expected ? RT_OK : RT_EFORMAT);
            if (expected)
                assert_string_equal(label.bytes, expected);
        }
    assert_string_equal(err.cause,
                        "the name of folder 'x\xf0\x9f' is not UTF-8 at its byte 1: rename the folder");
    rt__buffer_clear(&label);
}

static void colliding_labels_are_refused(void **state)
{
    char *tree = tree_new();
    rt_dataset *dataset;
    (void)state;
    make_photos(tree, "C#", 3);
    make_photos(tree, "C++", 5);
    make_photos(tree, "D", 1);
    tree_folder(tree, "c"); /* holds no photo, so it takes no label */
    assert_refused(
        tree, &by_default, RT_EFORMAT,
        "folders 'C#' and 'C++' would both be labelled 'c': rename one of them, or put their photos into "
        "one folder");
    dataset = open_tree(tree, &legacy); /* the later folder stands in the earlier one's place */
    assert_int_equal(dataset->n_classes, 2);
    assert_string_equal(dataset->classes[0].folder, "C++");
    assert_string_equal(dataset->classes[0].label, "c ");
    assert_int_equal(dataset->classes[0].n_photos, 5);
    assert_int_equal(dataset->n_photos, 6);
    rt_dataset_close(dataset);
    tree_remove(tree);
}

static void names_may_hold_anything(void **state)
{
    char *tree = tree_new();
    rt_dataset *dataset;
    (void)state;
    make_photos(tree, "[a*]?", 3);
    make_photos(tree, "玫瑰 🌹", 3);
    tree_text(tree, "玫瑰 🌹/新 建.jpg", "");
    tree_text(tree, "玫瑰 🌹/line\nbreak.jpg", "");
    dataset = open_tree(tree, &by_default);
    assert_int_equal(dataset->n_classes, 2);
    assert_string_equal(dataset->classes[0].label, "a");
    assert_string_equal(dataset->classes[1].label, "玫瑰 🌹");
    assert_int_equal(dataset->classes[1].n_photos, 5);
    rt_dataset_close(dataset);
    tree_remove(tree);
}

static void count_sets(const rt_photo *photos, size_t n, size_t counts[RT_N_SETS])
{
    memset(counts, 0, RT_N_SETS * sizeof *counts);
    for (size_t i = 0; i < n; i++)
        counts[photos[i].set]++;
}

/* Small classes of any size and of many names: no set that is asked for is empty, and a class that is large
 * enough by chance is left as retrain.py's rule has it. */
static void every_class_has_photos_in_every_set(void **state)
{
    static const rt_dataset_options shares[] = {{10, 10, false, false}, {1, 1, false, false},
                                                {0, 10, false, false},  {50, 50, false, false},
                                                {98, 1, false, false},  {0, 0, false, false}};
    char names[60][24], folder[24];
    rt_photo photos[60];
    (void)state;
    for (size_t round = 0; round < 1500; round++) {
        const rt_dataset_options *o = &shares[round % 6];
        size_t n = 1 + round % 60, counts[RT_N_SETS], n_sets, n_filled = 0;
        snprintf(folder, sizeof folder, "class%zu", round);
        for (size_t i = 0; i < n; i++) {
            snprintf(names[i], sizeof names[i], "%zu.jpg", i * 7919 + round);
            photos[i] = (rt_photo){.name = names[i]};
        }
        assert_int_equal(rt__split_class("r", folder, o, photos, n, NULL), RT_OK);
        count_sets(photos, n, counts);
        n_sets = (size_t)(o->testing_percentage > 0) + (size_t)(o->validation_percentage > 0) +
                 (size_t)(o->testing_percentage + o->validation_percentage < 100);
        for (size_t s = 0; s < RT_N_SETS; s++)
            n_filled += counts[s] > 0;
        assert_int_equal(n_filled, n < n_sets ? n : n_sets);
        if (o->testing_percentage + o->validation_percentage < 100)
            assert_true(counts[RT_TRAINING] > 0); /* even a class of one can be learned */
        if (o->testing_percentage == 0)
            assert_int_equal(counts[RT_TESTING], 0);
    }
}

static void variants_of_one_object_stay_together(void **state)
{
    rt_photo photos[] = {{.name = "a.jpg"},
                         {.name = "cat_nohash_1.jpg"},
                         {.name = "cat_nohash_2.jpg"},
                         {.name = "cat_nohash_3.jpg"},
                         {.name = "z.jpg"}};
    static const rt_dataset_options thirds = {33, 33, false, false};
    (void)state;
    for (int i = 0; i < 40; i++) {
        char folder[24];
        size_t counts[RT_N_SETS];
        snprintf(folder, sizeof folder, "f_nohash_%d", i); /* the mark counts in file names only */
        assert_int_equal(rt__split_class("r", folder, &thirds, photos, 5, NULL), RT_OK);
        assert_int_equal(photos[1].set, photos[2].set);
        assert_int_equal(photos[1].set, photos[3].set);
        count_sets(photos, 5, counts);
        assert_true(counts[0] && counts[1] && counts[2]);
    }
}

static void moving_the_folder_moves_no_photo(void **state)
{
    char names[200][24];
    rt_photo here[200], there[200];
    size_t differ = 0;
    (void)state;
    for (int old = 0; old < 2; old++) {
        for (size_t i = 0; i < 200; i++) {
            snprintf(names[i], sizeof names[i], "%zu.jpg", i);
            here[i] = there[i] = (rt_photo){.name = names[i]};
        }
        assert_int_equal(rt__split_class("./photos", "a", old ? &legacy : &by_default, here, 200, NULL),
                         RT_OK);
        assert_int_equal(rt__split_class("/abs/photos", "a", old ? &legacy : &by_default, there, 200, NULL),
                         RT_OK);
        differ = 0;
        for (size_t i = 0; i < 200; i++)
            differ += here[i].set != there[i].set;
        assert_int_equal(differ > 0, old);
    }
}

static void a_photo_costs_less_than_100_bytes_and_its_name(void **state)
{
    enum { PHOTOS = 4000, NAME = 8 }; /* "0000.jpg" */
    char *tree = tree_new();
    rt_dataset *dataset;
    size_t before, used;
    (void)state;
    make_photos(tree, "a", PHOTOS / 2);
    make_photos(tree, "b", PHOTOS / 2);
    before = mallinfo2().uordblks + mallinfo2().hblkhd;
    dataset = open_tree(tree, &by_default);
    used = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    assert_int_equal(dataset->n_photos, PHOTOS);
    assert_in_range(used / PHOTOS, 0, NAME + 100);
    rt_dataset_close(dataset);
    tree_remove(tree);
}

static rt_code open_and_close(void *tree, rt_error *err)
{
    rt_dataset *dataset;
    char *path;
    rt_code code = rt_dataset_open(tree, &by_default, NULL, &dataset, err);
    if (code != RT_OK)
        return code;
    if (!(path = rt_dataset_path(dataset, 0)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    free(path);
    rt_dataset_close(dataset);
    return code;
}

static void memory_that_runs_out_is_told(void **state)
{
    char *tree = tree_new();
    (void)state;
    make_photos(tree, "wrapper/a", 3);
    make_photos(tree, "wrapper/b", 30);
    assert_true(starve(open_and_close, tree) > 20);
    tree_remove(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_and_photos_come_in_byte_order),
        cmocka_unit_test(links_are_followed_and_loops_do_no_harm),
        cmocka_unit_test(wrapper_folders_are_stepped_into),
        cmocka_unit_test(unusable_folders_are_refused_in_retrain_pys_words),
        cmocka_unit_test(a_folder_that_cannot_be_read_is_named),
        cmocka_unit_test(labels_keep_utf8),
        cmocka_unit_test(colliding_labels_are_refused),
        cmocka_unit_test(names_may_hold_anything),
        cmocka_unit_test(every_class_has_photos_in_every_set),
        cmocka_unit_test(variants_of_one_object_stay_together),
        cmocka_unit_test(moving_the_folder_moves_no_photo),
        cmocka_unit_test(a_photo_costs_less_than_100_bytes_and_its_name),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
