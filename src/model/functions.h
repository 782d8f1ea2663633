/* The functions of a graph's library: TensorFlow 2 keeps networks in them and calls them from the graph. */
#ifndef RT_MODEL_FUNCTIONS_H
#define RT_MODEL_FUNCTIONS_H

#include "graph/graph.h"

typedef struct rt_functions rt_functions;

typedef struct rt_function {
    const char *name;
    rt_graph *body;  /* its first n_args nodes stand for the arguments, the others are the function's */
    uint32_t n_args; /* each is one tensor */
    uint32_t n_outputs;
    const rt_edge *outputs;       /* [n_outputs] tensors of body */
    const rt_dtype *output_types; /* [n_outputs] */
    const rt_dtype *arg_types;    /* [n_args] */
    const char *const *arg_names; /* [n_args] */
} rt_function;

/* Finds the names in the bytes of a FunctionDefLibrary ("" is an empty one).  Bytes and arena must outlive
 * it; names, ops and attributes of what is read later come from the arena.
 *   RT_EFORMAT  damaged, or two functions of one name */
rt_code rt__functions_new(rt_string library, rt_arena *arena, rt_functions **functions, rt_error *err);
void rt__functions_free(rt_functions *functions); /* NULL is allowed */

bool rt__functions_have(const rt_functions *functions, const char *name);

/* Reads a function, the first time it is asked for; it lives as long as the library.
 *   RT_ENOTFOUND     there is none of that name
 *   RT_EFORMAT       its nodes break the format: names it and the node
 *   RT_EUNSUPPORTED  an argument that is not one tensor
 * Source: function.proto of TensorFlow: node inputs are spelled "argument", "node:output:number", "^node". */
rt_code rt__functions_read(rt_functions *functions, const char *name, const rt_function **function,
                           rt_error *err);

#endif
