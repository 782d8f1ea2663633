/* What the TensorFlow Lite writer wrote is read back as the same network; damaged models are refused. */
#include "export/tflite.h"
#include "model/classifier.h"
#include "model/foreign.h"
#include "support/read_back.h"
#include "support/starve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static const char labels_text[] = "a\nb\nc\nd\ne";
static const rt_module_options all;

/* quantised: in 8 bits, with ranges wide enough for the test's image */
static rt_buffer write_network(const network *net, bool quantised, rt_tflite_bytes bytes)
{
    rt_tflite_range *ranges = calloc(rt__graph_count(net->graph), sizeof *ranges);
    rt_tflite_options options = {.labels = labels_text, .bytes = bytes};
    rt_buffer file = {0};
    rt_error err;
    assert_non_null(ranges);
    for (uint32_t i = 0; i < rt__graph_count(net->graph); i++)
        ranges[i] = i == net->input.node ? (rt_tflite_range){0, 1} : (rt_tflite_range){-1, 1};
    options.ranges = quantised ? ranges : NULL;
    if (rt__tflite_write(net->graph, net->input, net->output, &net->shape, &options, &file, &err) != RT_OK)
        fail_msg("%s", err.cause);
    free(ranges);
    return file;
}

static void read_whole(const rt_buffer *file, rt_network *read)
{
    rt_buffer labels = {0};
    rt_error err;
    assert_true(rt__is_tflite(file->bytes, file->size));
    if (rt__tflite_read(file->bytes, file->size, &all, read, &labels, &err) != RT_OK)
        fail_msg("%s", err.cause);
    assert_string_equal(labels.bytes, "a\nb\nc\nd\ne\n");
    assert_int_equal(read->height, 32);
    assert_int_equal(read->width, 48);
    rt__buffer_clear(&labels);
}

static void assert_near(const float *got, const float *wanted, float most)
{
    for (int i = 0; i < CLASSES; i++)
        if (!(got[i] - wanted[i] <= most && wanted[i] - got[i] <= most))
            fail_msg("class %d: %g, want %g", i, (double)got[i], (double)wanted[i]);
}

static void floats_come_back(void **state)
{
    float wanted[CLASSES], got[CLASSES];
    rt_network read = {.kind = ""};
    rt_buffer file;
    network net;
    (void)state;
    small_network(&net);
    run_fused(net.graph, net.input, net.output, wanted);
    file = write_network(&net, false, RT_TFLITE_UINT8);
    read_whole(&file, &read);
    assert_true(read.input_mean == 0 && read.input_std == 255); /* from the metadata */
    run_network(&read, got);
    assert_near(got, wanted, 1e-6f);
    rt__network_clear(&read);
    rt__graph_free(net.graph);
    rt__buffer_clear(&file);
}

static void eight_bits_come_back(void **state)
{
    (void)state;
    for (int bytes = RT_TFLITE_UINT8; bytes <= RT_TFLITE_INT8; bytes++) {
        float wanted[CLASSES], got[CLASSES];
        rt_classifier_node found;
        rt_network read = {.kind = ""};
        rt_buffer file;
        network net;
        small_network(&net);
        run_fused(net.graph, net.input, net.output, wanted);
        file = write_network(&net, true, (rt_tflite_bytes)bytes);
        read_whole(&file, &read);
        assert_true(read.input_mean > -0.01f && read.input_mean < 0.01f); /* by the input's scale */
        assert_true(read.input_std > 254.9f && read.input_std < 255.1f);
        run_network(&read, got);
        assert_near(got, wanted, 0.03f);
        for (int i = 0; i < CLASSES; i++) /* whole steps */
            assert_true(got[i] * 256 - (float)(int)(got[i] * 256 + 0.5f) < 1e-3f);
        /* Rounding behind the layers does not hide the last one. */
        assert_int_equal(rt__find_classifier(read.graph, &read.feature, 1, &found, NULL), RT_OK);
        assert_int_equal(found.outputs, CLASSES);
        assert_true(found.probabilities);
        rt__network_clear(&read);
        rt__graph_free(net.graph);
        rt__buffer_clear(&file);
    }
}

/* Flips each byte, and cuts at each: an error with a cause, or a network that says the same of itself. */
static void damage_is_survived(void **state)
{
    network net;
    rt_buffer file;
    size_t refused = 0;
    (void)state;
    small_network(&net);
    file = write_network(&net, true, RT_TFLITE_UINT8);
    for (size_t i = 0; i < 2 * file.size; i++) {
        size_t size = i < file.size ? i : file.size;
        rt_network read = {.kind = ""};
        rt_buffer labels = {0};
        rt_error err = {0};
        uint8_t *bytes = malloc(size + 1); /* of its own, for the sanitizer */
        assert_non_null(bytes);
        memcpy(bytes, file.bytes, size);
        if (i >= file.size)
            bytes[i - file.size] ^= 0x55;
        if (rt__tflite_read(bytes, size, &all, &read, &labels, &err) != RT_OK) {
            assert_true(*err.cause);
            refused++;
        }
        rt__network_clear(&read);
        rt__buffer_clear(&labels);
        free(bytes);
    }
    assert_true(refused > file.size / 2);
    rt__graph_free(net.graph);
    rt__buffer_clear(&file);
}

/* Wherever the file has the bytes `from`, puts `to`. */
static void patch(rt_buffer *file, const void *from, const void *to, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i + n <= file->size; i++)
        if (memcmp(file->bytes + i, from, n) == 0 && ++found)
            memcpy(file->bytes + i, to, n);
    assert_true(found >= 1);
}

static void assert_refused(const rt_buffer *file, rt_code code, const char *cause)
{
    rt_network read = {.kind = ""};
    rt_buffer labels = {0};
    rt_error err = {0};
    rt_code got = rt__tflite_read(file->bytes, file->size, &all, &read, &labels, &err);
    if (got != code || !strstr(err.cause, cause))
        fail_msg("code %d, '%s', want '%s'", (int)got, err.cause, cause);
    rt__network_clear(&read);
    rt__buffer_clear(&labels);
}

static void faults_are_named(void **state)
{
    static const int32_t image[] = {4, 1, 32, 48, 3}, eight[] = {4, 8, 32, 48, 3};
    network net;
    rt_buffer file;
    (void)state;
    small_network(&net);
    file = write_network(&net, false, RT_TFLITE_UINT8);
    patch(&file, image, eight, sizeof image);
    assert_refused(&file, RT_EUNSUPPORTED, "'input' is no image");
    rt__buffer_clear(&file);
    file = write_network(&net, false, RT_TFLITE_UINT8);
    file.size = 100;
    assert_refused(&file, RT_EFORMAT, "leads out of the file");
    rt__buffer_clear(&file);
    rt__graph_free(net.graph);
}

static rt_code read_file(void *file, rt_error *err)
{
    const rt_buffer *bytes = file;
    rt_network read = {.kind = ""};
    rt_buffer labels = {0};
    rt_code code = rt__tflite_read(bytes->bytes, bytes->size, &all, &read, &labels, err);
    rt__network_clear(&read);
    rt__buffer_clear(&labels);
    return code;
}

static void memory_may_run_out(void **state)
{
    network net;
    rt_buffer file;
    (void)state;
    small_network(&net);
    file = write_network(&net, true, RT_TFLITE_UINT8);
    assert_true(starve(read_file, &file) > 3);
    rt__graph_free(net.graph);
    rt__buffer_clear(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_come_back),   cmocka_unit_test(eight_bits_come_back),
        cmocka_unit_test(damage_is_survived), cmocka_unit_test(faults_are_named),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
