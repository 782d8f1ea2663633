/* A TF1 Hub module small enough to be written for one test: images [?,4,6,3] -> 1x1 convolution with the
 * variable "net/weights" [1,1,3,5] -> Relu -> mean over the places: [?,5]. */
#ifndef TESTS_SUPPORT_TINY_MODULE_H
#define TESTS_SUPPORT_TINY_MODULE_H

#include "graph/graph.h"

enum { TINY_HEIGHT = 4, TINY_WIDTH = 6, TINY_FEATURES = 5 };

/* Adds a node with data inputs and no attributes; ends the program when that fails. */
uint32_t tiny_node(rt_graph *graph, const char *name, const char *op, const rt_edge *inputs,
                   uint32_t n_inputs);
/* Sets an attribute of type DataType. */
void tiny_type(rt_graph *graph, uint32_t node, const char *name, rt_dtype type);
void tiny_shape(rt_graph *graph, uint32_t node, const char *name, int rank, const int64_t *dims);
void tiny_text(rt_graph *graph, uint32_t node, const char *name, const char *text);
/* A Const of floats, the i-th being i / 8. */
uint32_t tiny_const(rt_graph *graph, const char *name, int rank, const int64_t *dims);

/* The module's graph: with resource variables, or (variables false) with constants. */
rt_graph *tiny_graph(bool variables);

/* What a test may want broken. */
typedef struct tiny_options {
    bool no_signature, no_image_info;
    const char *variable;    /* its name in the checkpoint; NULL: "net/weights" */
    rt_dtype variable_type;  /* RT_DTYPE_NONE: float */
    const char *const *tags; /* of the only graph */
    size_t n_tags;
} tiny_options;

/* Writes tfhub_module.pb, saved_model.pb and variables/ into an existing folder.  graph NULL:
 * tiny_graph(true). */
void tiny_module_write(const char *folder, rt_graph *graph, const tiny_options *options);

#endif
