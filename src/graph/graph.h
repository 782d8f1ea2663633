/* A TensorFlow graph in memory: nodes, edges, attributes, constants.
 *
 * Readers (model/) build one, passes (pass_*.c) make a smaller or faster one out of it, exec/ binds one to
 * kernels, export/ writes one.  Ops that nobody knows are kept: only a part that is run must be understood.
 *
 * Ownership: everything a graph points to lives in its arena or in something it holds (rt__graph_hold: a file
 * mapping, an unpacked message); a derived graph shares what its source holds.  Once built a graph is read
 * only and may be shared by threads.
 * Source of names, types and defaults: TensorFlow's graph.proto, node_def.proto, attr_value.proto,
 * types.proto. */
#ifndef RT_GRAPH_GRAPH_H
#define RT_GRAPH_GRAPH_H

#include "base/arena.h"
#include "retrain/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TensorFlow's DataType numbers; others are carried as numbers. */
typedef enum rt_dtype {
    RT_DTYPE_NONE = 0,
    RT_FLOAT = 1,
    RT_DOUBLE = 2,
    RT_INT32 = 3,
    RT_UINT8 = 4,
    RT_INT16 = 5,
    RT_INT8 = 6,
    RT_STRING = 7,
    RT_COMPLEX64 = 8,
    RT_INT64 = 9,
    RT_BOOL = 10,
    RT_QINT8 = 11,
    RT_QUINT8 = 12,
    RT_QINT32 = 13,
    RT_BFLOAT16 = 14,
    RT_QINT16 = 15,
    RT_QUINT16 = 16,
    RT_UINT16 = 17,
    RT_COMPLEX128 = 18,
    RT_HALF = 19,
    RT_RESOURCE = 20,
    RT_VARIANT = 21,
    RT_UINT32 = 22,
    RT_UINT64 = 23
} rt_dtype;

enum { RT_MAX_RANK = 8, RT_UNKNOWN = -1, RT_CONTROL = -1 };

typedef struct rt_shape {
    int rank;                 /* RT_UNKNOWN, or 0 .. RT_MAX_RANK */
    int64_t dim[RT_MAX_RANK]; /* RT_UNKNOWN where free           */
} rt_shape;

typedef struct rt_string {
    const char *bytes; /* a 0 follows, but bytes may hold others */
    size_t size;
} rt_string;

/* A constant.  Elements are row-major, little-endian and maybe unaligned: copy before a kernel sees them. */
typedef struct rt_tensor {
    rt_dtype dtype;
    rt_shape shape;           /* fully known                                                */
    size_t bytes;             /* of data: elements * rt__dtype_size; 0 for strings          */
    const void *data;         /* NULL for strings and empty tensors                         */
    const rt_string *strings; /* RT_STRING: one for each element; NULL for the other types  */
} rt_tensor;

typedef enum rt_attr_kind {
    RT_ATTR_STRING,
    RT_ATTR_INT,
    RT_ATTR_FLOAT,
    RT_ATTR_BOOL,
    RT_ATTR_TYPE,
    RT_ATTR_SHAPE,
    RT_ATTR_TENSOR,
    RT_ATTR_LIST_STRING, /* an empty list of unknown kind counts as this */
    RT_ATTR_LIST_INT,
    RT_ATTR_LIST_FLOAT,
    RT_ATTR_LIST_BOOL,
    RT_ATTR_LIST_TYPE,
    RT_ATTR_LIST_SHAPE,
    RT_ATTR_FUNC, /* raw holds a NameAttrList; s its name                           */
    RT_ATTR_RAW   /* anything else: raw holds the AttrValue message, byte for byte  */
} rt_attr_kind;

typedef struct rt_attr {
    const char *name;
    rt_attr_kind kind;
    size_t count; /* of a list */
    union {
        rt_string s;
        int64_t i;
        float f;
        bool b;
        rt_dtype type;
        rt_shape shape;
        rt_tensor tensor;
        const rt_string *strings;
        const int64_t *ints;
        const float *floats;
        const bool *bools;
        const rt_dtype *types;
        const rt_shape *shapes;
    } value;
    rt_string raw;
} rt_attr;

/* Output `output` of node `node`; output RT_CONTROL for a control input. */
typedef struct rt_edge {
    uint32_t node;
    int32_t output;
} rt_edge;

typedef struct rt_node {
    const char *name, *op;
    const char *device;    /* "" if none */
    const rt_edge *inputs; /* data inputs first, then control inputs */
    uint32_t n_inputs;     /* data inputs only */
    uint32_t n_controls;
    const rt_attr *attrs;
    uint32_t n_attrs;
} rt_node;

typedef struct rt_graph rt_graph;

/* ---- building: a node's inputs may be set after all nodes are there ---- */

rt_code rt__graph_new(rt_graph **graph, rt_error *err);
/* A new empty graph that keeps alive whatever source holds, and source's arena. */
rt_code rt__graph_derive(rt_graph *source, rt_graph **graph, rt_error *err);
void rt__graph_free(rt_graph *graph); /* gives back one reference; NULL is allowed */
/* The graph calls release(thing) when it and every graph derived from it are gone; also when this fails. */
rt_code rt__graph_hold(rt_graph *graph, void *thing, void (*release)(void *), rt_error *err);
rt_arena *rt__graph_arena(rt_graph *graph);

/* Adds a node; name and op are borrowed for as long as the graph lives.  RT_EFORMAT for a name used twice. */
rt_code rt__graph_add(rt_graph *graph, const char *name, const char *op, uint32_t *index, rt_error *err);
/* Adds a node with the name, op, device and attributes of one of the graph this one was derived from, and no
 * inputs. */
rt_code rt__graph_add_copy(rt_graph *graph, const rt_node *node, uint32_t *index, rt_error *err);
/* Replaces all inputs; the arrays are copied. */
rt_code rt__graph_set_inputs(rt_graph *graph, uint32_t node, const rt_edge *data, uint32_t n_data,
                             const rt_edge *controls, uint32_t n_controls, rt_error *err);
/* Adds an attribute or replaces the one of that name; the struct is copied, what it points to is borrowed for
 * as long as the graph lives. */
rt_code rt__graph_set_attr(rt_graph *graph, uint32_t node, const rt_attr *attr, rt_error *err);
/* Replaces all attributes; the array and what it points to are borrowed for as long as the graph lives. */
void rt__graph_set_attrs(rt_graph *graph, uint32_t node, const rt_attr *attrs, uint32_t n_attrs);
void rt__graph_set_op(rt_graph *graph, uint32_t node, const char *op);
void rt__graph_set_device(rt_graph *graph, uint32_t node, const char *device); /* borrowed likewise */
/* Adds a Const node with attributes dtype and value. */
rt_code rt__graph_add_const(rt_graph *graph, const char *name, const rt_tensor *tensor, uint32_t *index,
                            rt_error *err);

/* ---- reading ---- */

uint32_t rt__graph_count(const rt_graph *graph);
const rt_node *rt__graph_node(const rt_graph *graph, uint32_t index);
/* The node of that exact name; false if there is none. */
bool rt__graph_find(const rt_graph *graph, const char *name, uint32_t *index);
/* Where a tensor name points: "a/b", "a/b:1".  RT_ENOTFOUND names the nearest existing node. */
rt_code rt__graph_find_tensor(const rt_graph *graph, const char *tensor, rt_edge *edge, rt_error *err);

/* NULL when the node carries no such attribute (a default may apply: ops.h). */
const rt_attr *rt__node_attr(const rt_node *node, const char *name);
/* ops: names, NULL behind the last. */
bool rt__op_is_one_of(const char *op, const char *const *ops);
/* The tensor behind a Const node, looking through Identity; NULL if it is none. */
const rt_tensor *rt__graph_const(const rt_graph *graph, rt_edge edge);

/* ---- dtypes and shapes ---- */

size_t rt__dtype_size(rt_dtype dtype); /* bytes of an element; 0 for strings, resources and unknown types */
const char *rt__dtype_name(rt_dtype dtype); /* "float", "int32"; "dtype 77" is never needed: "unknown"     */
/* Elements of a fully known shape; RT_EFORMAT for a negative, RT_ELIMIT for an overflowing one. */
rt_code rt__shape_elements(const rt_shape *shape, size_t *elements, rt_error *err);
bool rt__shape_equal(const rt_shape *a, const rt_shape *b);
/* "[?,224,224,3]", "[]", "unknown rank". */
char *rt__shape_text(const rt_shape *shape, char *text, size_t size);

#endif
