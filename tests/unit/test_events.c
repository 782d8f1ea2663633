#include "base/cursor.h"
#include "base/file.h"
#include "base/hash.h"
#include "export/events.h"
#include "export/histogram.h"

#include <float.h>
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct expected {
    float values[8];
    size_t n, n_buckets;
    double limits[13], counts[13];
} expected;

/* What tf.compat.v1.summary.histogram of TensorFlow 2.15.1 makes of these values. */
static const expected cases[] = {
    {{0, 0, 0, 0, 0}, 5, 3, {0.0, 1e-12, DBL_MAX}, {0, 5, 0}},
    {{1e-13f, -1e-13f, 1.0f, 1.1f, 1.2100000000000002f, -3.5f, 1e30f, -1e30f},
     8,
     13,
     {-DBL_MAX, -9.920775621859783e+19, -3.8315657995195243, -3.48324163592684, -1e-12, 0.0, 1e-12,
      0.917246389039776, 1.0089710279437536, 1.109868130738129, 1.220854943811942, 9.920775621859783e+19,
      DBL_MAX},
     {0, 1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1}},
    {{0}, 0, 1, {DBL_MAX}, {0}},
};

static void histograms_are_tensorflows(void **state)
{
    static rt_histogram_limits limits;
    static rt_histogram h;
    (void)state;
    rt__histogram_limits_init(&limits);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rt__histogram_fill(&limits, cases[i].values, cases[i].n, &h);
        assert_int_equal(h.n_buckets, cases[i].n_buckets);
        assert_true(h.num == (double)cases[i].n);
        for (size_t k = 0; k < h.n_buckets; k++) {
            assert_true(h.limit[k] == cases[i].limits[k]);
            assert_true(h.count[k] == cases[i].counts[k]);
        }
    }
}

/* The table of starts is only a shortcut: every float lands where a search from the first bucket leads. */
static void every_value_lands_in_its_bucket(void **state)
{
    static rt_histogram_limits limits;
    static rt_histogram h;
    (void)state;
    rt__histogram_limits_init(&limits);
    for (uint32_t bits = 0; bits < 0xffff0000u; bits += 0x1357bu) {
        float value;
        size_t bucket = 0;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value))
            continue;
        while (bucket + 1 < RT_HISTOGRAM_BUCKETS && limits.limit[bucket] <= (double)value)
            bucket++;
        rt__histogram_fill(&limits, &value, 1, &h);
        for (size_t k = 0; k < h.n_buckets; k++)
            assert_true(h.count[k] == (h.limit[k] == limits.limit[bucket] ? 1 : 0));
    }
}

static void moments_are_float32(void **state)
{
    static const float values[] = {1, 2, 3, 6};
    float mean, deviation, max, min;
    (void)state;
    rt__summary_moments(values, 4, &mean, &deviation, &max, &min);
    assert_true(mean == 3 && max == 6 && min == 1);
    assert_true(deviation == (float)sqrt(3.5));
}

static void read_whole(const char *folder, rt_buffer *content)
{
    char pattern[512];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/events.out.tfevents.*", folder);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_int_equal(found.gl_pathc, 1);
    assert_int_equal(rt__file_read(content, found.gl_pathv[0], 0, NULL, NULL), RT_OK);
    globfree(&found);
}

static void records_are_framed_and_checked(void **state)
{
    char folder[] = "/tmp/retrain-test-XXXXXX", command[64];
    static const float values[] = {0.5f, -0.25f};
    const rt_summary summaries[] = {
        {.tag = "cross_entropy_1", .kind = RT_SUMMARY_SCALAR, .scalar = 0},
        {.tag = "activations", .kind = RT_SUMMARY_HISTOGRAM, .values = values, .n_values = 2},
        {.tag = "confusion", .kind = RT_SUMMARY_TEXT, .text = "| a |"},
    };
    rt_events *events = NULL;
    rt_buffer content = {0};
    rt_cursor c;
    int records = 0;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(rt__events_open(folder, "", 1700000000.5, &events, NULL), RT_OK);
    assert_int_equal(rt__events_graph(events, 1700000000.5, "graph", 5, NULL), RT_OK);
    for (int step = 0; step < 3; step++)
        assert_int_equal(rt__events_add(events, 1700000001, step, summaries, 3, NULL), RT_OK);
    assert_int_equal(rt__events_close(events, NULL), RT_OK);
    read_whole(folder, &content);
    for (c = rt__cursor(content.bytes, content.size); rt__cursor_left(&c) > 0; records++) {
        const uint8_t *head = c.bytes + c.at, *data;
        uint64_t length;
        uint32_t crc;
        assert_true(rt__cursor_u64(&c, &length));
        assert_true(rt__cursor_u32(&c, &crc));
        assert_int_equal(crc, rt__crc32c_mask(rt__crc32c(0, head, 8)));
        assert_true(rt__cursor_bytes(&c, (size_t)length, &data));
        assert_true(rt__cursor_u32(&c, &crc));
        assert_int_equal(crc, rt__crc32c_mask(rt__crc32c(0, data, (size_t)length)));
    }
    assert_int_equal(records, 5);
    /* record 1, as TensorFlow writes it: wall_time, then file_version */
    assert_memory_equal(content.bytes + 12 + 9,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);
    rt__buffer_clear(&content);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    rt_events *events = NULL;
    rt_error err;
    (void)state;
    assert_int_not_equal(rt__events_open("/proc/nowhere", "", 0, &events, &err), RT_OK);
    assert_null(events);
    assert_string_equal(err.path, "/proc/nowhere");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_are_tensorflows),
        cmocka_unit_test(every_value_lands_in_its_bucket),
        cmocka_unit_test(moments_are_float32),
        cmocka_unit_test(records_are_framed_and_checked),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
