/* The lines of a run.  What Python prints was taken from Python 3.11. */
#include "report/lines.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
/* after the headers it needs */
#include <cmocka.h>

static void time_is_printed_as_python_does(void **state)
{
    char text[RT_TIME_TEXT];
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    assert_string_equal(rt__line_time(text, sizeof text, 1795463497378715), "2026-11-23 19:51:37.378715");
    assert_string_equal(rt__line_time(text, sizeof text, 1795463497000000), "2026-11-23 19:51:37");
    assert_string_equal(rt__line_time(text, sizeof text, 1767431107000042), "2026-01-03 09:05:07.000042");
    assert_string_equal(rt__line_time(text, sizeof text, -1), "1969-12-31 23:59:59.999999");
    setenv("TZ", "EST5", 1);
    tzset();
    assert_string_equal(rt__line_time(text, sizeof text, 1795463497378715), "2026-11-23 14:51:37.378715");
}

static void steps_read_as_retrain_pys(void **state)
{
    char text[200];
    const char *when = "2026-11-23 19:51:37.378715";
    (void)state;
    assert_string_equal(rt__line_train_accuracy(text, sizeof text, when, 0, 0.28F),
                        "2026-11-23 19:51:37.378715: Step 0: Train accuracy = 28.0%");
    assert_string_equal(rt__line_cross_entropy(text, sizeof text, when, 3999, 0.082352F),
                        "2026-11-23 19:51:37.378715: Step 3999: Cross entropy = 0.082352");
    assert_string_equal(rt__line_cross_entropy(text, sizeof text, when, 1, INFINITY),
                        "2026-11-23 19:51:37.378715: Step 1: Cross entropy = inf");
    assert_string_equal(rt__line_validation_accuracy(text, sizeof text, when, 10, 0.68F, 100),
                        "2026-11-23 19:51:37.378715: Step 10: Validation accuracy = 68.0% (N=100)");
    assert_string_equal(rt__line_test_accuracy(text, sizeof text, 65.0F / 84, 84),
                        "Final test accuracy = 77.4% (N=84)");
    /* retrain.py widens to double before it multiplies: 0.0125 is a little more as a float */
    assert_string_equal(rt__line_test_accuracy(text, sizeof text, 1.0F / 80, 80),
                        "Final test accuracy = 1.3% (N=80)");
}

static void misclassified_photos_are_aligned_by_character(void **state)
{
    char text[200], cut[12];
    (void)state;
    assert_string_equal(
        rt__line_misclassified(text, sizeof text, "flower_photos/daisy/391364011_5beaaa1ae2_m.jpg", "roses"),
        "                        flower_photos/daisy/391364011_5beaaa1ae2_m.jpg  roses");
    assert_string_equal(rt__line_misclassified(text, sizeof text, "d\xc3\xbcsseldorf.jpg", "x"),
                        "                                                        d\xc3\xbcsseldorf.jpg  x");
    assert_string_equal(rt__line_misclassified(cut, sizeof cut, "a.jpg", "x"), "           ");
}

static const rt_line_class classes[] = {
    {"rot", 17, 20, 13}, {"gr\xc3\xbcn", 3, 0, 0}, {"aus und dunkel", 0, 0, 0}, {"gelb", 1000, 1000, 1000}};

static void classes_make_a_table(void **state)
{
    char text[200];
    size_t width = rt__line_label_width(classes, 4);
    (void)state;
    assert_int_equal(width, 14);
    assert_int_equal(rt__line_label_width(classes, 1), 5);
    assert_string_equal(rt__line_class_head(text, sizeof text, width),
                        "class           photos  recall  precision");
    assert_string_equal(rt__line_class(text, sizeof text, width, &classes[0]),
                        "rot                 17   76.5%      65.0%");
    assert_string_equal(rt__line_class(text, sizeof text, width, &classes[1]),
                        "gr\xc3\xbcn                 3    0.0%          -");
    assert_string_equal(rt__line_class(text, sizeof text, width, &classes[2]),
                        "aus und dunkel       0       -          -");
    assert_string_equal(rt__line_class(text, sizeof text, width, &classes[3]),
                        "gelb              1000  100.0%     100.0%");
}

static void all_confusions_make_a_table(void **state)
{
    const uint32_t counts[] = {13, 0, 1, 12345};
    char text[200];
    (void)state;
    assert_string_equal(rt__line_matrix_head(text, sizeof text, 14, 4),
                        "taken for:             1      2      3      4");
    assert_string_equal(rt__line_matrix_row(text, sizeof text, 14, "gr\xc3\xbcn", 9, counts, 4),
                        "10 gr\xc3\xbcn               13      0      1  12345");
    assert_string_equal(rt__line_matrix_row(text, 10, 5, "gelb", 0, counts, 4), "1  gelb  ");
}

static void confusions_come_most_frequent_first(void **state)
{
    const uint32_t confusion[] = {
        13, 0, 1, 3,  /* rot */
        3,  0, 0, 0,  /* gruen */
        0,  0, 0, 0,  /* aus */
        4,  0, 0, 900 /* gelb */
    };
    rt_line_confusion worst[8];
    char text[200];
    (void)state;
    assert_int_equal(rt__line_confusions(confusion, 4, worst, 8), 4);
    assert_true(worst[0].class == 3 && worst[0].taken_for == 0 && worst[0].n == 4);
    assert_true(worst[1].class == 0 && worst[1].taken_for == 3 && worst[1].n == 3);
    assert_true(worst[2].class == 1 && worst[2].taken_for == 0 && worst[2].n == 3);
    assert_true(worst[3].class == 0 && worst[3].taken_for == 2 && worst[3].n == 1);
    assert_string_equal(rt__line_confusion(text, sizeof text, classes, &worst[1]),
                        "3 of 17 'rot' were taken for 'gelb'");
    assert_string_equal(rt__line_confusion(text, sizeof text, classes, &worst[3]),
                        "1 of 17 'rot' was taken for 'aus und dunkel'");
    assert_int_equal(rt__line_confusions(confusion, 4, worst, 2), 2);
    assert_true(worst[0].n == 4 && worst[1].class == 0 && worst[1].n == 3);
    assert_int_equal(rt__line_confusions(confusion, 4, worst, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_printed_as_python_does),
        cmocka_unit_test(steps_read_as_retrain_pys),
        cmocka_unit_test(misclassified_photos_are_aligned_by_character),
        cmocka_unit_test(classes_make_a_table),
        cmocka_unit_test(all_confusions_make_a_table),
        cmocka_unit_test(confusions_come_most_frequent_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
