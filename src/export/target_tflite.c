/* The walk over a TensorFlow Lite file: a flatbuffer, of which every offset is checked before it is followed.
 * Source: FlatBuffers' internals; TensorFlow's schema.fbs (tables Model, SubGraph, Operator, OperatorCode,
 * Tensor). */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    const uint8_t *bytes;
    size_t size;
} buffer;

/* A position in the buffer; 0 is no table, vector or string: the root offset stands there. */
typedef size_t place;

static uint32_t u32_at(const buffer *b, size_t at)
{
    if (b->size < 4 || at > b->size - 4)
        return 0;
    return (uint32_t)b->bytes[at] | (uint32_t)b->bytes[at + 1] << 8 | (uint32_t)b->bytes[at + 2] << 16 |
           (uint32_t)b->bytes[at + 3] << 24;
}

static uint32_t u16_at(const buffer *b, size_t at)
{
    return b->size < 2 || at > b->size - 2 ? 0 : (uint32_t)b->bytes[at] | (uint32_t)b->bytes[at + 1] << 8;
}

/* Where a table has field number n; 0: it has not. */
static place field(const buffer *b, place table, unsigned n)
{
    uint32_t offset, slot = 4 + 2 * n;
    size_t vtable;
    if (!table)
        return 0;
    vtable = table - (size_t)(int64_t)(int32_t)u32_at(b, table); /* beyond the file where it is wrong */
    if (slot + 2 > u16_at(b, vtable))
        return 0;
    offset = u16_at(b, vtable + slot);
    return offset && offset < b->size - table ? table + offset : 0;
}

/* What the offset at a place points to. */
static place follow(const buffer *b, place at)
{
    uint32_t offset = at ? u32_at(b, at) : 0;
    return offset && offset < b->size - at ? at + offset : 0;
}

static place child(const buffer *b, place table, unsigned n)
{
    return follow(b, field(b, table, n));
}

/* Elements of four bytes in a vector, as many as the file can hold. */
static uint32_t count(const buffer *b, place vector)
{
    uint32_t n = vector ? u32_at(b, vector) : 0;
    return vector && n <= (b->size - vector) / 4 ? n : 0;
}

static place element(const buffer *b, place vector, uint32_t i)
{
    return i < count(b, vector) ? follow(b, vector + 4 + 4 * (size_t)i) : 0;
}

static int32_t int_field(const buffer *b, place table, unsigned n, int32_t absent)
{
    place at = field(b, table, n);
    return at ? (int32_t)u32_at(b, at) : absent;
}

static void copy_text(const buffer *b, place string, char *text, size_t size)
{
    uint32_t length = string ? u32_at(b, string) : 0;
    *text = 0;
    if (!string || length > b->size - string - 4)
        return;
    snprintf(text, size, "%.*s", (int)(length < size ? length : size - 1),
             (const char *)b->bytes + string + 4);
}

/* ---- the model ---- */

enum { MODEL_CODES = 1, MODEL_SUBGRAPHS = 2, SUBGRAPH_TENSORS = 0, SUBGRAPH_OPERATORS = 3 };
enum {
    OPERATOR_CODE = 0,
    OPERATOR_OUTPUTS = 2,
    CODE_BYTE = 0,
    CODE_CUSTOM = 1,
    CODE_VERSION = 2,
    CODE_INT = 3
};
enum { TENSOR_NAME = 3, BUILTIN_CUSTOM = 32 };

/* "2.3" above "1.14". */
static bool is_later(const char *a, const char *b)
{
    unsigned major[2] = {0, 0}, minor[2] = {0, 0};
    sscanf(a, "%u.%u", &major[0], &minor[0]);
    sscanf(b, "%u.%u", &major[1], &minor[1]);
    return major[0] != major[1] ? major[0] > major[1] : minor[0] > minor[1];
}

static void note_version(rt_target_report *report, const char *since)
{
    char word[16];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(since, " "), since);
    if (*word && (!*report->needs || is_later(word, report->needs)))
        snprintf(report->needs, sizeof report->needs, "%s", word);
}

static rt_code check_operator(const buffer *b, place codes, place tensors, place operator_,
                              rt_target_report *report, rt_error *err)
{
    enum { MOST_TEXT = 300, MOST_OPERATORS = 100000 };
    place code = element(b, codes, (uint32_t)int_field(b, operator_, OPERATOR_CODE, 0));
    place byte = field(b, code, CODE_BYTE), outputs = child(b, operator_, OPERATOR_OUTPUTS);
    int32_t builtin = int_field(b, code, CODE_INT, 0), version = int_field(b, code, CODE_VERSION, 1);
    char name[MOST_TEXT] = "", op[MOST_TEXT];
    const char *since, *known;
    if (builtin == 0 && byte)
        builtin = b->bytes[byte];
    if (count(b, outputs))
        copy_text(b, child(b, element(b, tensors, u32_at(b, outputs + 4)), TENSOR_NAME), name, sizeof name);
    if (++report->n_nodes > MOST_OPERATORS)
        return rt_fail(err, RT_ELIMIT, "more than %d operators", MOST_OPERATORS);
    if (builtin == BUILTIN_CUSTOM) {
        copy_text(b, child(b, code, CODE_CUSTOM), op, sizeof op);
        return rt__target_add(report, name, op, "", err,
                              "a custom operator: the program that runs the file must bring it along");
    }
    if ((known = rt__target_tflite_op((uint32_t)builtin, version, &since))) {
        note_version(report, since);
        return RT_OK;
    }
    snprintf(op, sizeof op, "%d", (int)builtin);
    return rt__target_add(report, name, op, "", err, "no builtin operator");
}

rt_code rt__target_check_tflite(const rt_target *target, const void *bytes, size_t size,
                                rt_target_report *report, rt_error *err)
{
    const buffer b = {bytes, size};
    place model, codes, subgraphs;
    rt_code code = RT_OK;
    (void)target; /* one table serves all versions */
    if (size < 8 || memcmp(b.bytes + 4, "TFL3", 4) != 0)
        return rt_fail(err, RT_EFORMAT, "no TensorFlow Lite file");
    model = u32_at(&b, 0) < size ? u32_at(&b, 0) : 0;
    codes = child(&b, model, MODEL_CODES);
    subgraphs = child(&b, model, MODEL_SUBGRAPHS);
    for (uint32_t g = 0; code == RT_OK && g < count(&b, subgraphs); g++) {
        place graph = element(&b, subgraphs, g), operators = child(&b, graph, SUBGRAPH_OPERATORS);
        place tensors = child(&b, graph, SUBGRAPH_TENSORS);
        for (uint32_t i = 0; code == RT_OK && i < count(&b, operators); i++)
            code = check_operator(&b, codes, tensors, element(&b, operators, i), report, err);
    }
    if (code == RT_OK && !report->n_nodes)
        code = rt_fail(err, RT_EFORMAT, "damaged, or without operators");
    return code;
}
