#include "base/hash.h"
#include "export/tflite.h"
#include "support/fused_network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

/* A reader of FlatBuffers just large enough for the test; every place is checked to be in the file. */
typedef struct view {
    const rt_buffer *file;
    size_t at;
} view;

static uint32_t number(view v, size_t size)
{
    uint32_t value = 0;
    assert_true(v.at + size <= v.file->size);
    memcpy(&value, v.file->bytes + v.at, size);
    return value;
}

static view follow(view v)
{
    return (view){v.file, v.at + number(v, 4)};
}

/* Field `field` of the table at v; at 0 when it is absent. */
static view field(view v, unsigned index)
{
    view vtable = {v.file, v.at - (size_t)(int32_t)number(v, 4)};
    size_t size = number(vtable, 2), place = 0;
    if (4 + 2 * (size_t)index < size)
        place = number((view){v.file, vtable.at + 4 + 2 * (size_t)index}, 2);
    return (view){v.file, place ? v.at + place : 0};
}

static view element(view vector, size_t i)
{
    assert_true(i < number(vector, 4));
    return (view){vector.file, vector.at + 4 + 4 * i};
}

static view table_field(view v, unsigned index)
{
    view f = field(v, index);
    assert_true(f.at != 0);
    return follow(f);
}

static view model_of(const rt_buffer *file)
{
    assert_memory_equal(file->bytes + 4, "TFL3", 4);
    return follow((view){file, 0});
}

static view subgraph_of(const rt_buffer *file)
{
    return follow(element(table_field(model_of(file), 2), 0));
}

static view tensor_of(const rt_buffer *file, uint32_t index)
{
    return follow(element(table_field(subgraph_of(file), 0), index));
}

static view input_of(const rt_buffer *file)
{
    return tensor_of(file, number(element(table_field(subgraph_of(file), 1), 0), 4));
}

static view output_of(const rt_buffer *file)
{
    return tensor_of(file, number(element(table_field(subgraph_of(file), 2), 0), 4));
}

/* Builtin code of operator i. */
static uint32_t op_of(const rt_buffer *file, size_t i)
{
    view node = follow(element(table_field(subgraph_of(file), 3), i));
    view code = field(node, 0);
    view codes = table_field(model_of(file), 1);
    view builtin = field(follow(element(codes, code.at ? number(code, 4) : 0)), 3);
    return builtin.at ? number(builtin, 4) : 0;
}

static void write(const rt_tflite_options *options, const int64_t *pads, rt_buffer *file)
{
    network net;
    rt_error err;
    network_build(&net, pads);
    if (rt__tflite_write(net.graph, net.input, net.output, &net.shape, options, file, &err) != RT_OK)
        fail_msg("%s", err.cause);
    rt__graph_free(net.graph);
}

static void assert_ops(const rt_buffer *file, const uint32_t *ops, size_t n)
{
    assert_int_equal(number(table_field(subgraph_of(file), 3), 4), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(op_of(file, i), ops[i]);
}

enum {
    CONCAT = 2,
    CONV = 3,
    DEPTHWISE = 4,
    FULLY_CONNECTED = 9,
    SOFTMAX = 25,
    PAD = 34,
    MEAN = 40,
    QUANTIZE = 114
};

static void a_float_file_has_the_networks_operators(void **state)
{
    static const uint32_t ops[] = {DEPTHWISE, CONV, DEPTHWISE, MEAN, FULLY_CONNECTED, SOFTMAX};
    static const int64_t same[] = {0, 1, 0, 1}, odd[] = {0, 1, 2, 3};
    static const uint32_t padded[] = {DEPTHWISE, PAD, CONV, PAD, DEPTHWISE, MEAN, FULLY_CONNECTED, SOFTMAX};
    rt_buffer file = {0};
    view input;
    (void)state;
    write(NULL, same, &file);
    /* the depthwise one has stride 1, where SAME of a 3x3 is 1,1,1,1: it keeps its PAD */
    assert_int_equal(op_of(&file, 1), CONV);
    assert_int_equal(op_of(&file, 2), PAD);
    input = input_of(&file);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(number(element(table_field(input, 0), i), 4), ((int[]){1, 32, 48, 3})[i]);
    assert_string_equal(file.bytes + table_field(input, 3).at + 4, "input");
    assert_true(field(input, 1).at == 0 || number(field(input, 1), 1) == 0); /* FLOAT32 */
    rt__buffer_clear(&file);
    write(NULL, odd, &file);
    assert_ops(&file, padded, sizeof padded / sizeof *padded);
    rt__buffer_clear(&file);
    write(NULL, (const int64_t[]){0, 0, 0, 0}, &file);
    assert_ops(&file, ops, sizeof ops / sizeof *ops);
    rt__buffer_clear(&file);
}

static void an_eight_bit_file_quantises_as_the_specification_says(void **state)
{
    static const uint32_t ops[] = {QUANTIZE, DEPTHWISE,       CONV,    DEPTHWISE,
                                   MEAN,     FULLY_CONNECTED, SOFTMAX, QUANTIZE};
    static rt_tflite_range ranges[32];
    rt_buffer file = {0};
    view input, output, quant, zero;
    float scale;
    uint32_t bits;
    (void)state;
    for (size_t i = 0; i < 32; i++)
        ranges[i] = (rt_tflite_range){0, 6};
    write(&(rt_tflite_options){.ranges = ranges}, (const int64_t[]){0, 0, 0, 0}, &file);
    assert_ops(&file, ops, sizeof ops / sizeof *ops);
    input = input_of(&file);
    assert_int_equal(number(field(input, 1), 1), 3); /* UINT8 */
    bits = number(element(table_field(table_field(input, 4), 2), 0), 4);
    memcpy(&scale, &bits, sizeof scale);
    assert_true(scale == 1.0f / 255);
    output = output_of(&file);
    assert_int_equal(number(field(output, 1), 1), 3); /* UINT8 */
    quant = table_field(output, 4);
    bits = number(element(table_field(quant, 2), 0), 4);
    memcpy(&scale, &bits, sizeof scale);
    assert_true(scale == 1.0f / 256);
    zero = table_field(quant, 3);
    assert_int_equal((int32_t)number((view){&file, zero.at + 4}, 4), 0);
    assert_int_equal((zero.at + 4) % 8, 0); /* 64-bit numbers are aligned */
    rt__buffer_clear(&file);
}

static void an_eight_bit_file_may_take_and_give_int8(void **state)
{
    static const uint32_t ops[] = {DEPTHWISE, CONV, DEPTHWISE, MEAN, FULLY_CONNECTED, SOFTMAX};
    static rt_tflite_range ranges[32];
    rt_buffer file = {0};
    view ends[2], zero;
    (void)state;
    for (size_t i = 0; i < 32; i++)
        ranges[i] = (rt_tflite_range){0, 6};
    write(&(rt_tflite_options){.ranges = ranges, .bytes = RT_TFLITE_INT8}, (const int64_t[]){0, 0, 0, 0},
          &file);
    assert_ops(&file, ops, sizeof ops / sizeof *ops);
    ends[0] = input_of(&file);
    ends[1] = output_of(&file);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(number(field(ends[i], 1), 1), 9); /* INT8 */
        zero = table_field(table_field(ends[i], 4), 3);
        assert_int_equal((int32_t)number((view){&file, zero.at + 4}, 4), -128);
    }
    rt__buffer_clear(&file);
}

/* The model's metadata buffer as a file of its own. */
static void metadata_of(const rt_buffer *file, rt_buffer *metadata)
{
    view entry = follow(element(table_field(model_of(file), 6), 0)), bytes;
    assert_string_equal(file->bytes + table_field(entry, 0).at + 4, "TFLITE_METADATA");
    bytes = follow(element(table_field(model_of(file), 4), number(field(entry, 1), 4)));
    bytes = table_field(bytes, 0);
    rt__buffer_add(metadata, file->bytes + bytes.at + 4, number(bytes, 4));
}

static float real(view vector, size_t i)
{
    uint32_t bits = number(element(vector, i), 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void the_metadata_tells_how_to_feed_and_read_it(void **state)
{
    rt_buffer file = {0}, metadata = {0};
    view graph, image, labels, unit;
    (void)state;
    write(&(rt_tflite_options){.labels = "cat\ndog", .description = "pets"}, (const int64_t[]){0, 0, 0, 0},
          &file);
    metadata_of(&file, &metadata);
    assert_memory_equal(metadata.bytes + 4, "M001", 4);
    graph = follow((view){&metadata, 0});
    assert_string_equal(metadata.bytes + table_field(graph, 1).at + 4, "pets");
    graph = follow(element(table_field(graph, 3), 0));
    image = follow(element(table_field(graph, 2), 0));
    assert_int_equal(number(field(table_field(image, 3), 0), 1), 2);                 /* ImageProperties */
    assert_int_equal(number(field(table_field(table_field(image, 3), 1), 0), 1), 1); /* RGB */
    unit = follow(element(table_field(image, 4), 0));
    assert_int_equal(number(field(unit, 0), 1), 1); /* NormalizationOptions */
    assert_true(real(table_field(table_field(unit, 1), 0), 0) == 0);
    assert_true(real(table_field(table_field(unit, 1), 1), 0) == 255);
    assert_true(real(table_field(table_field(image, 5), 0), 0) == 1);
    labels = follow(element(table_field(follow(element(table_field(graph, 3), 0)), 6), 0));
    assert_string_equal(metadata.bytes + table_field(labels, 0).at + 4, "labels.txt");
    assert_int_equal(number(field(labels, 2), 1), 2); /* TENSOR_AXIS_LABELS */
    rt__buffer_clear(&metadata);
    rt__buffer_clear(&file);
}

/* The archive is read from its end, as zip readers do. */
static void the_labels_stand_in_an_archive_behind_the_model(void **state)
{
    static const char labels[] = "cat\ndog";
    rt_buffer file = {0};
    size_t end, central, local;
    (void)state;
    write(&(rt_tflite_options){.labels = labels}, (const int64_t[]){0, 0, 0, 0}, &file);
    end = file.size - 22;
    assert_memory_equal(file.bytes + end, "PK\5\6", 4);
    central = number((view){&file, end + 16}, 4);
    assert_int_equal(number((view){&file, end + 12}, 4), end - central);
    assert_memory_equal(file.bytes + central, "PK\1\2", 4);
    assert_int_equal(number((view){&file, central + 16}, 4), rt__crc32(0, labels, strlen(labels)));
    local = number((view){&file, central + 42}, 4);
    assert_memory_equal(file.bytes + local, "PK\3\4", 4);
    assert_int_equal(number((view){&file, local + 8}, 2), 0); /* stored */
    assert_int_equal(number((view){&file, local + 22}, 4), strlen(labels));
    assert_memory_equal(file.bytes + local + 30, "labels.txt", 10);
    assert_memory_equal(file.bytes + local + 40, labels, strlen(labels));
    rt__buffer_clear(&file);
}

static void what_has_no_form_is_named(void **state)
{
    network net;
    rt_buffer file = {0};
    rt_error err;
    (void)state;
    network_build(&net, (const int64_t[]){0, 0, 0, 0});
    rt__graph_set_op(net.graph, net.output.node, "rt.Strange");
    assert_int_equal(rt__tflite_write(net.graph, net.input, net.output, &net.shape, NULL, &file, &err),
                     RT_EUNSUPPORTED);
    assert_non_null(strstr(err.cause, "final_result"));
    assert_int_equal(file.size, 0);
    rt__graph_free(net.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_float_file_has_the_networks_operators),
        cmocka_unit_test(an_eight_bit_file_quantises_as_the_specification_says),
        cmocka_unit_test(an_eight_bit_file_may_take_and_give_int8),
        cmocka_unit_test(the_metadata_tells_how_to_feed_and_read_it),
        cmocka_unit_test(the_labels_stand_in_an_archive_behind_the_model),
        cmocka_unit_test(what_has_no_form_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
