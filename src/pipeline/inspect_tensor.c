/* The values of one variable or constant. */
#include "inspect_job.h"

#include "model/bundle.h"
#include "model/graphdef.h"
#include "model/saved_model.h"
#include "proto/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_VALUES = 20, VALUE_TEXT = 80, SHAPE_TEXT = 160 };

/* How a type's elements are read; at may be unaligned. */
typedef enum number_kind { NUMBER_FLOAT, NUMBER_SIGNED, NUMBER_UNSIGNED, NUMBER_COMPLEX } number_kind;

static const struct number_type {
    rt_dtype dtype;
    number_kind kind;
    const char *npy; /* NULL: numpy has no such type */
} types[] = {
    {RT_FLOAT, NUMBER_FLOAT, "<f4"},       {RT_DOUBLE, NUMBER_FLOAT, "<f8"},
    {RT_HALF, NUMBER_FLOAT, "<f2"},        {RT_BFLOAT16, NUMBER_FLOAT, NULL},
    {RT_INT8, NUMBER_SIGNED, "|i1"},       {RT_INT16, NUMBER_SIGNED, "<i2"},
    {RT_INT32, NUMBER_SIGNED, "<i4"},      {RT_INT64, NUMBER_SIGNED, "<i8"},
    {RT_QINT8, NUMBER_SIGNED, "|i1"},      {RT_QINT16, NUMBER_SIGNED, "<i2"},
    {RT_QINT32, NUMBER_SIGNED, "<i4"},     {RT_UINT8, NUMBER_UNSIGNED, "|u1"},
    {RT_UINT16, NUMBER_UNSIGNED, "<u2"},   {RT_UINT32, NUMBER_UNSIGNED, "<u4"},
    {RT_UINT64, NUMBER_UNSIGNED, "<u8"},   {RT_QUINT8, NUMBER_UNSIGNED, "|u1"},
    {RT_QUINT16, NUMBER_UNSIGNED, "<u2"},  {RT_BOOL, NUMBER_UNSIGNED, "|b1"},
    {RT_COMPLEX64, NUMBER_COMPLEX, "<c8"}, {RT_COMPLEX128, NUMBER_COMPLEX, "<c16"},
};

static const struct number_type *find_type(rt_dtype dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == dtype)
            return &types[i];
    return NULL;
}

/* ---- elements as text ---- */

static double float_at(const uint8_t *at, size_t size, rt_dtype dtype)
{
    float single;
    double value;
    uint16_t bits;
    if (size == sizeof value) {
        memcpy(&value, at, sizeof value);
        return value;
    }
    if (size == sizeof single) {
        memcpy(&single, at, sizeof single);
        return (double)single;
    }
    memcpy(&bits, at, sizeof bits);
    if (dtype == RT_BFLOAT16) {
        uint32_t wide = (uint32_t)bits << 16;
        memcpy(&single, &wide, sizeof single);
        return (double)single;
    }
    /* IEEE 754 binary16: 5 bits of exponent, 10 of fraction */
    value = (bits >> 10 & 31) == 31  ? (bits & 1023 ? (double)NAN : (double)INFINITY)
            : (bits >> 10 & 31) == 0 ? ldexp(bits & 1023, -24)
                                     : ldexp((bits & 1023) + 1024, (bits >> 10 & 31) - 25);
    return bits >> 15 ? -value : value;
}

static uint64_t bits_at(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

static int64_t signed_at(const uint8_t *at, size_t size)
{
    uint64_t value = bits_at(at, size), sign = (uint64_t)1 << (size * 8 - 1);
    return (int64_t)((value ^ sign) - sign);
}

static void number_text(const struct number_type *type, const uint8_t *at, size_t size, char *text)
{
    int digits = size > 4 ? 17 : 9;
    switch (type->kind) {
    case NUMBER_FLOAT:
        snprintf(text, VALUE_TEXT, "%.*g", digits, float_at(at, size, type->dtype));
        break;
    case NUMBER_SIGNED:
        snprintf(text, VALUE_TEXT, "%" PRId64, signed_at(at, size));
        break;
    case NUMBER_UNSIGNED:
        snprintf(text, VALUE_TEXT, "%" PRIu64, bits_at(at, size));
        break;
    case NUMBER_COMPLEX:
        digits = size > 8 ? 17 : 9;
        snprintf(text, VALUE_TEXT, "%.*g%+.*gi", digits, float_at(at, size / 2, type->dtype), digits,
                 float_at(at + size / 2, size / 2, type->dtype));
        break;
    }
}

static void element_text(const rt_tensor *t, const struct number_type *type, size_t i, char *text)
{
    size_t size = rt__dtype_size(t->dtype);
    if (t->strings)
        snprintf(text, VALUE_TEXT, "%.*s", t->strings[i].size < 64 ? (int)t->strings[i].size : 64,
                 t->strings[i].bytes);
    else
        number_text(type, (const uint8_t *)t->data + i * size, size, text);
}

static rt_code print_values(const rt_tensor *t, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"#index", "value"};
    const struct number_type *type = find_type(t->dtype);
    size_t n;
    rt_code code = rt__shape_elements(&t->shape, &n, err);
    if (code != RT_OK)
        return code;
    if (!type && !t->strings && n > 0)
        return rt_fail(err, RT_EUNSUPPORTED, "values of type %s cannot be shown", rt__dtype_name(t->dtype));
    rt__out_table(out, "values", columns, 2);
    for (size_t i = 0; i < n; i++) {
        char index[24], value[VALUE_TEXT];
        const char *const cells[] = {index, value};
        if (i == FIRST_VALUES)
            i = n - 1;
        snprintf(index, sizeof index, "%zu", i);
        element_text(t, type, i, value);
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
    return RT_OK;
}

/* ---- .npy 1.0 ---- */

static rt_code write_npy(const rt_tensor *t, const char *path, rt_error *err)
{
    enum { PREFIX = 10, ALIGNMENT = 64 };
    const struct number_type *type = find_type(t->dtype);
    rt_buffer file = {0}, header = {0};
    rt_code code;
    size_t size;
    if (!type || !type->npy)
        return rt_fail(err, RT_EUNSUPPORTED, "numpy has no type for %s", rt__dtype_name(t->dtype));
    rt__buffer_format(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", type->npy);
    for (int i = 0; i < t->shape.rank; i++)
        rt__buffer_format(&header, "%" PRId64 ",%s", t->shape.dim[i], i + 1 < t->shape.rank ? " " : "");
    rt__buffer_text(&header, "), }");
    size = (PREFIX + header.size + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - PREFIX;
    rt__buffer_format(&header, "%*s\n", (int)(size - header.size - 1), "");
    rt__buffer_add(&file, "\x93NUMPY\x01\x00", 8);
    rt__buffer_add(&file, (const uint8_t[2]){(uint8_t)(size & 255), (uint8_t)(size >> 8)}, 2);
    rt__buffer_add(&file, header.bytes, header.size);
    rt__buffer_add(&file, t->data, t->bytes);
    if ((code = rt__buffer_ok(&header, err)) == RT_OK && (code = rt__buffer_ok(&file, err)) == RT_OK)
        code = rt__file_write(path, file.bytes, file.size, true, err);
    rt__buffer_clear(&header);
    rt__buffer_clear(&file);
    return code;
}

static rt_code show(const char *name, const rt_tensor *t, const char *output, rt_inspect_out *out,
                    rt_error *err)
{
    char shape[SHAPE_TEXT];
    rt_code code = RT_OK;
    rt__out_fact(out, "name", "%s", name);
    rt__out_fact(out, "dtype", "%s", rt__dtype_name(t->dtype));
    rt__out_fact(out, "shape", "%s", rt__shape_text(&t->shape, shape, sizeof shape));
    if (output && (code = write_npy(t, output, err)) == RT_OK)
        rt__out_fact(out, "written", "%s", output);
    return output ? code : print_values(t, out, err);
}

/* ---- where it stands ---- */

/* *absent: the checkpoint has no such variable. */
static rt_code from_bundle(const char *prefix, const char *name, const char *output, rt_inspect_out *out,
                           bool *absent, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    rt_bundle *bundle = NULL;
    const rt_variable *variable = NULL;
    rt_tensor tensor;
    rt_code code = arena ? rt__bundle_open(prefix, &bundle, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    *absent = code == RT_OK && !(variable = rt__bundle_find(bundle, name));
    if (*absent)
        code = rt_fail(err, RT_ENOTFOUND, "no variable '%s'", name);
    else if (code == RT_OK && (code = rt__bundle_read(bundle, variable, arena, &tensor, err)) == RT_OK)
        code = show(name, &tensor, output, out, err);
    rt__bundle_close(bundle);
    rt__arena_free(arena);
    return code;
}

static rt_code from_graph(rt_graph *graph, const char *name, const char *output, rt_inspect_out *out,
                          rt_error *err)
{
    rt_edge edge;
    const rt_tensor *tensor;
    rt_code code = rt__graph_find_tensor(graph, name, &edge, err);
    if (code == RT_OK && !(tensor = rt__graph_const(graph, edge)))
        code = rt_fail(err, RT_ENOTFOUND, "node '%s' (%s) is no constant", name,
                       rt__graph_node(graph, edge.node)->op);
    else if (code == RT_OK)
        code = show(name, tensor, output, out, err);
    rt__graph_free(graph);
    return code;
}

static rt_code from_saved_model(const rt_map *file, const char *name, const char *output, rt_inspect_out *out,
                                rt_error *err)
{
    enum { META_GRAPHS = 2 };
    rt_cursor c = rt__cursor(file->bytes, file->size);
    rt_code code = rt_fail(err, RT_ENOTFOUND, "no graph");
    rt_meta_graph meta;
    rt_field field;
    while (code == RT_ENOTFOUND && rt__field_next(&c, &field))
        if (field.number == META_GRAPHS && field.wire == RT_WIRE_BYTES &&
            (code = rt__meta_graph_read(field.bytes, field.size, &meta, err)) == RT_OK)
            code = from_graph(meta.def.graph, name, output, out, err);
    return code;
}

static rt_code from_file(const char *path, const char *name, const char *output, rt_inspect_out *out,
                         rt_error *err)
{
    rt_map *file = NULL;
    rt_meta_graph meta;
    rt_graphdef def;
    rt_graph_file kind;
    rt_code code = rt__map_open(&file, path, err);
    if (code != RT_OK)
        return code;
    kind = rt__inspect_graph_file(file->bytes, file->size);
    if (kind == RT_FILE_SAVED_MODEL)
        code = from_saved_model(file, name, output, out, err);
    else if (kind == RT_FILE_META_GRAPH &&
             (code = rt__meta_graph_read(file->bytes, file->size, &meta, err)) == RT_OK)
        code = from_graph(meta.def.graph, name, output, out, err);
    else if (kind == RT_FILE_GRAPH && (code = rt__graphdef_read(file->bytes, file->size, &def, err)) == RT_OK)
        code = from_graph(def.graph, name, output, out, err);
    else if (kind == RT_FILE_NO_GRAPH)
        code = rt_fail(err, RT_EFORMAT, "no graph");
    rt__map_close(file);
    return code;
}

static rt_code from_model(const rt_inspected *thing, const char *name, const char *output,
                          rt_inspect_out *out, rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    rt_tensor tensor;
    rt_code code = arena ? thing->find_tensor(thing, name, arena, &tensor, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = show(name, &tensor, output, out, err);
    rt__arena_free(arena);
    return code;
}

rt_code rt__inspect_tensor(const rt_inspected *thing, const char *name, const char *output,
                           rt_inspect_out *out, rt_error *err)
{
    rt_code code = rt_fail(err, RT_ENOTFOUND, "%s has no tensors", thing->what);
    bool absent = true;
    if (thing->find_tensor)
        return from_model(thing, name, output, out, err);
    if (thing->prefix.size)
        code = from_bundle(thing->prefix.bytes, name, output, out, &absent, err);
    if (absent && thing->graph.size)
        code = from_file(thing->graph.bytes, name, output, out, err);
    return code;
}
