/* Each op against what TensorFlow itself computed: op_cases.txt, made by tools/golden/op_cases.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "graph/fused.h"
#include "graph/ops.h"
#include "support/net.h"
#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_VALUES = 2000, MOST_INPUTS = 8 };

typedef struct value {
    rt_dtype dtype;
    rt_shape shape;
    size_t count;
    double numbers[MOST_VALUES];
} value;

/* "f:2x3:1,2,3,4,5,6"; returns what follows. */
static const char *read_value(const char *text, value *v)
{
    static const struct {
        char letter;
        rt_dtype dtype;
    } types[] = {{'f', RT_FLOAT}, {'i', RT_INT32},  {'l', RT_INT64},  {'b', RT_BOOL}, {'h', RT_HALF},
                 {'u', RT_UINT8}, {'d', RT_DOUBLE}, {'q', RT_QUINT8}, {'Q', RT_QINT8}};
    char *end;
    memset(v, 0, sizeof *v);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].letter == text[0])
            v->dtype = types[i].dtype;
    assert_true(v->dtype != RT_DTYPE_NONE && text[1] == ':');
    for (text += 2; *text != ':'; text += *text == 'x') {
        v->shape.dim[v->shape.rank++] = strtol(text, &end, 10);
        text = end;
    }
    for (text++; *text && *text != ' ' && *text != '\n'; text += *text == ',') {
        assert_true(v->count < MOST_VALUES);
        v->numbers[v->count++] = strtod(text, &end);
        text = end;
    }
    return text + (*text == ' ');
}

/* Only what op_cases.txt holds of them. */
static uint16_t to_half(double x)
{
    int exponent;
    double fraction = frexp(fabs(x), &exponent);
    uint32_t sign = x < 0 ? 0x8000 : 0;
    if (exponent < -13)
        return (uint16_t)(sign | (uint32_t)lrint(ldexp(fabs(x), 24)));
    return (uint16_t)(sign | ((uint32_t)(exponent + 14) << 10 | ((uint32_t)lrint(fraction * 2048) & 1023)));
}

static rt_edge add_const(net *n, const value *v)
{
    size_t size = rt__dtype_size(v->dtype);
    rt_tensor tensor = {.dtype = v->dtype, .shape = v->shape, .bytes = v->count * size};
    char *data = rt__arena_alloc(rt__graph_arena(n->graph), tensor.bytes + 1), name[24];
    rt_edge edge = {0, 0};
    data += 1; /* constants in files are not aligned either */
    data -= size == 1 ? 0 : 1;
    for (size_t i = 0; i < v->count; i++) {
        float f = (float)v->numbers[i];
        uint16_t half = v->dtype == RT_HALF ? to_half(v->numbers[i]) : 0;
        if (v->dtype == RT_FLOAT)
            memcpy(data + i * size, &f, size);
        else if (v->dtype == RT_HALF)
            memcpy(data + i * size, &half, size);
        else
            rt__store_int(v->dtype, data, i, (int64_t)v->numbers[i]);
    }
    tensor.data = data;
    snprintf(name, sizeof name, "c%d", n->named++);
    assert_int_equal(rt__graph_add_const(n->graph, rt__arena_string(rt__graph_arena(n->graph), name), &tensor,
                                         &edge.node, NULL),
                     RT_OK);
    return edge;
}

/* "strides=l1,2,2,1 padding=sSAME output=i1" */
static void set_attrs(net *n, rt_edge *node, char *text)
{
    rt_arena *arena = rt__graph_arena(n->graph);
    for (char *next, *word = strtok_r(text, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
        char *equals = strchr(word, '='), *at = equals + 2;
        const char *name = rt__arena_copy(arena, word, (size_t)(equals - word));
        int64_t list[16];
        size_t count = 0;
        if (strcmp(name, "output") == 0)
            node->output = atoi(at);
        else if (equals[1] == 'i')
            net_set_int(n, *node, name, atoi(at));
        else if (equals[1] == 'b')
            net_set_bool(n, *node, name, *at == '1');
        else if (equals[1] == 'f')
            net_set_float(n, *node, name, strtof(at, NULL));
        else if (equals[1] == 't')
            net_set_type(n, *node, name, (rt_dtype)atoi(at));
        else if (equals[1] == 's')
            net_set_string(n, *node, name, rt__arena_string(arena, at));
        else {
            for (; *at && count < 16; at += *at == ',')
                list[count++] = strtol(at, &at, 10);
            net_set_ints(n, *node, name, count, list);
        }
    }
}

typedef struct op_case {
    bool fed;    /* the first input is the image */
    bool itself; /* so are the others            */
    bool gated;  /* the second one is its mean over the places */
    char *op, *attrs, *inputs, *output;
} op_case;

static op_case split_line(char *line)
{
    op_case c = {.itself = strncmp(line, "self|", 5) == 0, .gated = strncmp(line, "gate|", 5) == 0};
    char *fields[6];
    c.fed = c.itself || c.gated || strncmp(line, "net|", 4) == 0;
    for (int i = 0; i < 6; i++) {
        fields[i] = line;
        line += strcspn(line, "|\n");
        *line++ = 0;
    }
    c.op = fields[1];
    c.attrs = fields[2];
    c.inputs = fields[3];
    c.output = fields[5];
    return c;
}

static void compare(const op_case *c, const value *expected, const ref_value *got, double bound)
{
    char a[100], b[100];
    if (!rt__shape_equal(&expected->shape, &got->shape))
        fail_msg("%s: shape %s, want %s", c->op, rt__shape_text(&got->shape, a, sizeof a),
                 rt__shape_text(&expected->shape, b, sizeof b));
    for (size_t i = 0; i < expected->count; i++) {
        double difference = fabs(expected->numbers[i] - got->data[i]);
        if (!(difference <= bound * fmax(1, fabs(expected->numbers[i]))))
            fail_msg("%s %s: element %zu is %.9g, want %.9g", c->op, c->inputs, i, got->data[i],
                     expected->numbers[i]);
    }
}

/* Constants are folded; transcendental functions may differ in the last bit. */
static void check_const(const op_case *c, const rt_graph *graph, rt_edge output, const value *expected)
{
    const rt_tensor *tensor = rt__graph_const(graph, output);
    ref_value got;
    if (!tensor)
        fail_msg("%s was not folded", c->op);
    if (tensor->dtype != expected->dtype)
        fail_msg("%s: type %s, want %s", c->op, rt__dtype_name(tensor->dtype),
                 rt__dtype_name(expected->dtype));
    got = ref_new(&tensor->shape);
    for (size_t i = 0; i < got.count; i++)
        got.data[i] = rt__tensor_double(tensor, i);
    compare(c, expected, &got, expected->dtype == RT_FLOAT ? 1.3e-7 : 0);
    ref_free(&got);
}

static void check_net(const op_case *c, const rt_graph *graph, rt_edge input, rt_edge output,
                      const value *image, const value *expected)
{
    ref_value fed = ref_new(&image->shape), got;
    for (size_t i = 0; i < fed.count; i++)
        fed.data[i] = image->numbers[i];
    got = ref_run(graph, input, &fed, output);
    compare(c, expected, &got, 2e-6);
    ref_free(&got);
    ref_free(&fed);
}

/* What node reads as its input number i; other is the value that the line gives. */
static rt_edge add_input(net *n, const op_case *c, size_t i, const value *other)
{
    const int32_t places[] = {1, 2};
    rt_edge mean;
    if (c->fed && (i == 0 || c->itself))
        return n->input;
    if (!c->gated)
        return add_const(n, other);
    mean = net_op(n, "Mean", (rt_edge[]){n->input, net_ints(n, 2, places), NET_END});
    net_set_bool(n, mean, "keep_dims", true);
    return mean;
}

static void check_line(char *line)
{
    static value image, other, expected;
    op_case c = split_line(line);
    rt_edge inputs[MOST_INPUTS + 1], node, input, output;
    rt_graph *fused = NULL;
    rt_error err;
    size_t count = 0;
    net n;
    net_init(&n, 0, 0, 0);
    image.shape = (rt_shape){.rank = 4, .dim = {1, 1, 1, 3}};
    for (const char *at = c.inputs; *at; count++) {
        assert_true(count < MOST_INPUTS);
        at = read_value(at, count == 0 && c.fed ? &image : &other);
        inputs[count] = add_input(&n, &c, count, &other);
    }
    inputs[count] = NET_END;
    read_value(c.output, &expected);
    node = net_op(&n, c.op, inputs);
    set_attrs(&n, &node, c.attrs);
    if (rt__graph_fuse(n.graph, n.input, node, (int32_t)image.shape.dim[1], (int32_t)image.shape.dim[2],
                       &fused, &input, &output, &err) != RT_OK)
        fail_msg("%s: %s", c.op, err.cause);
    if (c.fed)
        check_net(&c, fused, input, output, &image, &expected);
    else
        check_const(&c, fused, output, &expected);
    rt__graph_free(fused);
    net_clear(&n);
}

static void ops_compute_what_tensorflow_computes(void **state)
{
    char path[512];
    rt_buffer text = {0};
    int lines = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/unit/op_cases.txt", getenv("RETRAIN_SOURCE"));
    assert_int_equal(rt__file_read(&text, path, 0, NULL, NULL), RT_OK);
    for (char *line = text.bytes, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
        *end = 0;
        check_line(line);
    }
    assert_true(lines > 200);
    rt__buffer_clear(&text);
}

/* The table is searched by halving, and its rows promise what the rules rely on. */
static void the_table_is_in_order(void **state)
{
    size_t count;
    const rt_op *table = rt__op_table(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(table[i - 1].name, table[i].name) < 0);
        assert_ptr_equal(rt__op_find(table[i].name), &table[i]);
        assert_non_null(table[i].shape);
        assert_true(table[i].min_inputs <= table[i].max_inputs);
        for (size_t k = 0; k < table[i].n_attrs; k++) {
            const rt_attr *fallback = &table[i].attrs[k].fallback;
            assert_true(fallback->kind != RT_ATTR_LIST_INT || fallback->count == 0 || fallback->value.ints);
        }
    }
    assert_null(rt__op_find("Conv3D"));
}

static void stripped_attributes_have_defaults(void **state)
{
    net n;
    rt_edge node;
    const rt_node *conv;
    size_t count;
    (void)state;
    net_init(&n, 0, 4, 4);
    node = net_op(&n, "Conv2D", (rt_edge[]){n.input, n.input, NET_END});
    conv = rt__graph_node(n.graph, node.node);
    assert_string_equal(rt__op_string(conv, "data_format"), "NHWC");
    assert_int_equal(rt__op_ints(conv, "dilations", &count)[3], 1);
    assert_int_equal(count, 4);
    assert_false(rt__op_planar(conv));
    node = net_op(&n, "FusedBatchNormV3", &NET_END);
    assert_true(rt__op_float(rt__graph_node(n.graph, node.node), "epsilon") == 0.0001f);
    assert_true(rt__op_bool(rt__graph_node(n.graph, node.node), "is_training"));
    node = net_op(&n, "FakeQuantWithMinMaxVars", &NET_END);
    assert_int_equal(rt__op_int(rt__graph_node(n.graph, node.node), "num_bits"), 8);
    net_clear(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_in_order),
        cmocka_unit_test(stripped_attributes_have_defaults),
        cmocka_unit_test(ops_compute_what_tensorflow_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
