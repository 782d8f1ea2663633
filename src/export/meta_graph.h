/* A MetaGraphDef: a graph of variables with its saver, its collections and, for a SavedModel, its signature.
 */
#ifndef RT_EXPORT_META_GRAPH_H
#define RT_EXPORT_META_GRAPH_H

#include "variables.h"

struct Tf__MetaGraphDef;

/* What tells a SavedModel's MetaGraphDef from a checkpoint's: one input and one output under the signature
 * "serving_default". */
typedef struct rt_serving {
    const char *tag;                    /* "serve" */
    const char *input_key, *output_key; /* "image", "prediction" */
    uint32_t input, output;             /* nodes of the graph; output 0 of each, float */
    rt_shape input_shape, output_shape;
    uint32_t main_op; /* a NoOp of the graph, run after the variables were loaded */
} rt_serving;

/* variables: with a saver.  serving: NULL for none.  The message borrows from all of these and lives in
 * arena. Source: meta_graph.proto, saver.proto, variable.proto. */
rt_code rt__meta_graph_message(const rt_variables *variables, const rt_serving *serving, rt_arena *arena,
                               struct Tf__MetaGraphDef **message, rt_error *err);

#endif
