/* What a reader found in a file, before it becomes a module: the whole graph and where to cut it. */
#ifndef RT_MODEL_NETWORK_H
#define RT_MODEL_NETWORK_H

#include "base/file.h"
#include "bundle.h"
#include "graph/graph.h"
#include "retrain/module.h"

enum { RT_MOST_FEATURES = 16 }; /* tensors that --bottleneck_tensor may name */

typedef struct rt_network {
    const rt_module_options *options;   /* what the user says; borrowed, not NULL while a file is read */
    const char *kind;                   /* static text */
    rt_graph *graph;                    /* owned */
    rt_bundle *variables;               /* owned; NULL when every weight is a Const already */
    bool is_cut;                        /* the file itself says what follows: a module's signature */
    rt_edge input, feature;             /* tensors of graph */
    rt_edge more[RT_MOST_FEATURES - 1]; /* [n_more] their vectors are put behind that of feature */
    size_t n_more;
    bool planar;                         /* the input wants [n,3,h,w] */
    int32_t height, width;               /* pixels; 0: not known */
    float input_mean, input_std;         /* as in rt_module_info */
    float input_means[3], input_stds[3]; /* of each colour instead, where input_stds[0] is not 0 */
    rt_buffer notice;                    /* owned */
    rt_buffer file;         /* owned; where the graph was found, "" for the path that was given */
    const rt_edge *answers; /* [n_answers] what the file's signatures give; lives with graph */
    size_t n_answers;
    bool has_vector; /* vector is the file's only result, one vector or map a photo: */
    rt_edge vector;  /* what a model without a classifier was made for */
} rt_network;

void rt__network_clear(rt_network *network);

/* The graph points into the file: closes it when it goes itself.  Closes it also when this fails. */
rt_code rt__network_hold(rt_network *network, rt_map *file, rt_error *err);

/* Reads whatever rt_module_open() opens, and cuts nothing yet. */
rt_code rt__network_open(const char *path, const rt_module_options *options, rt_network *network,
                         rt_error *err);

/* Cuts and freezes; puts what the module's contract wants in front (scaling, channels first) and behind (a
 * feature map becomes a vector).  Takes what it needs out of the network, which is to be cleared
 * all the same. */
rt_code rt__network_finish(rt_network *network, const char *path, rt_module **module, rt_error *err);

/* Appends "name:0" of an edge. */
void rt__edge_name(const rt_graph *graph, rt_edge edge, rt_buffer *buffer);

/* The tensor of a name the user gave. option: "--input_tensor", for the message. */
rt_code rt__network_find(const rt_network *network, const char *name, const char *option, rt_edge *edge,
                         rt_error *err);

/* The tensors of --bottleneck_tensor, "a" or "a,b:0": feature and more.  RT_ELIMIT for too many. */
rt_code rt__network_find_features(rt_network *network, const char *names, rt_error *err);

/* Lets the user's height, width, mean and deviation take precedence; RT_EARG for impossible ones,
 * RT_EUNSUPPORTED when a size is still missing. */
rt_code rt__network_override(rt_network *network, const rt_module_options *options, rt_error *err);

/* The shape of a tensor as far as the graph says it: an _output_shapes attribute, a Placeholder's shape. */
bool rt__edge_shape(const rt_graph *graph, rt_edge edge, rt_shape *shape);

/* Finds feature, input, size and scaling of a graph that does not say them, as far as options leave them
 * open; the notice tells what was chosen.  Weights are constant or frozen already. */
rt_code rt__network_cut(rt_network *network, const rt_module_options *options, rt_error *err);

/* Where the images come in: a Placeholder of float [?,h,w,3] that the feature needs.
 *   RT_EUNSUPPORTED  none, or several: the cause names them */
rt_code rt__network_find_input(rt_network *network, rt_error *err);

/* Says that planar, height and width are what the input's Placeholder tells of them. */
void rt__network_read_input(rt_network *network);

/* Whether the graph scales its input itself, and from which range: follows the input through additions and
 * multiplications by constants. *unit: it expects [0, 1] rather than 0 .. 255. */
bool rt__scales_input(const rt_graph *graph, rt_edge input, bool *unit);

/* Replaces variables by Const nodes with the values of the checkpoint and their reads by Identity.
 *   bundle       NULL: a variable is an error
 *   is_variable  [nodes] set for the nodes that became Const
 *   RT_EFORMAT   not in the checkpoint, or of another type or shape */
rt_code rt__freeze(rt_graph *graph, const rt_bundle *bundle, bool *is_variable, rt_error *err);

/* The same for a whole graph that is not cut yet: what the checkpoint does not hold (a training step's
 * variables, say) stays a variable.  The values live as long as the bundle. */
rt_code rt__freeze_stored(rt_graph *graph, const rt_bundle *bundle, rt_error *err);

/* Opens the bundle at prefix, freezes with it and keeps it in network->variables. */
rt_code rt__network_freeze(rt_network *network, const char *prefix, rt_error *err);

#endif
