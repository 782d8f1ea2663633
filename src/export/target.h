/* What other programs take of a network, operator by operator: would this file run there, and which node not?
 *
 * One row of one table is a target (target.c).  Which operators it takes stands in a table by form: of ONNX
 * in target_onnx_ops.c, of TensorFlow graphs in target_graph.c, of TensorFlow Lite in target_tflite_ops.c;
 * what it wants of a node besides, in a table of rules beside the walk over the file.  Sources stand there,
 * row by row or column by column.  The tables say what the programs' own documents and sources say; no board
 * was asked. */
#ifndef RT_EXPORT_TARGET_H
#define RT_EXPORT_TARGET_H

#include "graph/graph.h"

typedef enum rt_target_form { RT_FORM_ONNX, RT_FORM_GRAPH, RT_FORM_TFLITE } rt_target_form;

typedef struct rt_target {
    const char *name;  /* "tensorrt-5.1" */
    const char *title; /* "TensorRT 5.1, ONNX parser (JetPack 4.2.1 to 4.2.3)" */
    rt_target_form form;
    unsigned column;                   /* of the form's table */
    int least_opset, most_opset;       /* ONNX */
    bool wants_initializers_as_inputs; /* ONNX: the parser fails on IR 4 without them */
    bool wants_static_batch;           /* ONNX */
    const char *source;
} rt_target;

/* Rows; old versions first. */
const rt_target *rt__targets(size_t *n);
/* NULL when there is none of that name. */
const rt_target *rt__target_find(const char *name);

/* ---- what was found ---- */

typedef struct rt_target_problem {
    const char *node, *op; /* node: "" for what holds of the whole file */
    const char *reason;    /* why it would not run */
    const char *remedy;    /* what to do; "" where there is nothing to say */
} rt_target_problem;

typedef struct rt_target_report {
    rt_arena *arena; /* of the texts */
    size_t n_nodes;  /* looked at */
    rt_target_problem *problems;
    size_t n, capacity;
    char needs[48]; /* the oldest version of the program that will do; "" where the target says it itself */
} rt_target_report;

rt_code rt__target_report_init(rt_target_report *report, rt_error *err);
void rt__target_report_clear(rt_target_report *report);
/* node, op and remedy are copied. */
rt_code rt__target_add(rt_target_report *report, const char *node, const char *op, const char *remedy,
                       rt_error *err, const char *format, ...) RT_PRINTF(6, 7);

/* ---- checks: RT_OK also when problems were found ---- */

/* A whole ONNX file.  RT_EFORMAT when it is none. */
rt_code rt__target_check_onnx(const rt_target *target, const void *bytes, size_t size,
                              rt_target_report *report, rt_error *err);
/* A TensorFlow graph; needed: for each node whether it counts, NULL for all. */
rt_code rt__target_check_graph(const rt_target *target, const rt_graph *graph, const bool *needed,
                               rt_target_report *report, rt_error *err);
/* A TensorFlow Lite file.  RT_EFORMAT when it is none. */
rt_code rt__target_check_tflite(const rt_target *target, const void *bytes, size_t size,
                                rt_target_report *report, rt_error *err);

/* Whether a target of ONNX (column of the table) takes an operator. */
bool rt__target_takes_onnx(unsigned column, const char *op);
/* The name of a builtin operator of TensorFlow Lite, and the first version of the runtime that has version
 * `version` of it; NULL for a number that is none. */
const char *rt__target_tflite_op(uint32_t code, int32_t version, const char **since);

#endif
