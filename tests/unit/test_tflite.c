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
    input = tensor_of(&file, number(element(table_field(subgraph_of(&file), 1), 0), 4));
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
    static const uint32_t ops[] = {QUANTIZE, DEPTHWISE, CONV, DEPTHWISE, MEAN, FULLY_CONNECTED, SOFTMAX};
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
    input = tensor_of(&file, number(element(table_field(subgraph_of(&file), 1), 0), 4));
    assert_int_equal(number(field(input, 1), 1), 3); /* UINT8 */
    bits = number(element(table_field(table_field(input, 4), 2), 0), 4);
    memcpy(&scale, &bits, sizeof scale);
    assert_true(scale == 1.0f / 255);
    output = tensor_of(&file, number(element(table_field(subgraph_of(&file), 2), 0), 4));
    assert_int_equal(number(field(output, 1), 1), 9); /* INT8 */
    quant = table_field(output, 4);
    bits = number(element(table_field(quant, 2), 0), 4);
    memcpy(&scale, &bits, sizeof scale);
    assert_true(scale == 1.0f / 256);
    zero = table_field(quant, 3);
    assert_int_equal((int32_t)number((view){&file, zero.at + 4}, 4), -128);
    assert_int_equal((zero.at + 4) % 8, 0); /* 64-bit numbers are aligned */
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
        cmocka_unit_test(what_has_no_form_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
