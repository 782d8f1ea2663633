/* The parts of inspecting. */
#ifndef RT_PIPELINE_INSPECT_JOB_H
#define RT_PIPELINE_INSPECT_JOB_H

#include "base/file.h"
#include "graph/graph.h"
#include "inspect_out.h"

/* What a path turned out to be. */
typedef struct rt_inspected {
    const char *path;
    const rt_map *file; /* its content; NULL for a folder or a prefix */
    const char *what;   /* in the words of the format */
    rt_buffer graph;    /* path of the file with the graph; empty: there is none */
    rt_buffer prefix;   /* of the checkpoint with the variables; likewise */
    bool is_model;      /* may be a base network without being a graph of TensorFlow's */
    /* The constant of that name, of a model that is no graph of TensorFlow's; NULL for the others. */
    rt_code (*find_tensor)(const struct rt_inspected *thing, const char *name, rt_arena *arena,
                           rt_tensor *tensor, rt_error *err);
    /* Tells of a file that has neither; NULL for the others. */
    rt_code (*print)(const struct rt_inspected *thing, rt_inspect_out *out, rt_error *err);
} rt_inspected;

/* Fills what it can and says whether it knows the path. */
typedef bool rt_inspect_probe(rt_inspected *thing);

extern rt_inspect_probe rt__inspect_probe_folder, rt__inspect_probe_checkpoint_file, rt__inspect_probe_list,
    rt__inspect_probe_events, rt__inspect_probe_bottleneck, rt__inspect_probe_saved_model,
    rt__inspect_probe_meta_graph, rt__inspect_probe_graph, rt__inspect_probe_onnx, rt__inspect_probe_tflite;

/* The bytes of a SavedModel, a MetaGraphDef or a GraphDef. */
typedef enum rt_graph_file {
    RT_FILE_NO_GRAPH,
    RT_FILE_GRAPH,
    RT_FILE_META_GRAPH,
    RT_FILE_SAVED_MODEL
} rt_graph_file;
rt_graph_file rt__inspect_graph_file(const void *bytes, size_t size);

rt_code rt__inspect_print_graph(const char *path, rt_inspect_out *out, rt_error *err);
rt_code rt__inspect_print_variables(const char *prefix, rt_inspect_out *out, rt_error *err);
/* How often each of n names is there, the most frequent first; sorts them.  key: the table's. */
rt_code rt__inspect_print_counts(const char *key, const char **names, size_t n, rt_inspect_out *out,
                                 rt_error *err);
/* What would be cut out of it as a base network. */
rt_code rt__inspect_print_cut(const char *path, rt_inspect_out *out, rt_error *err);
/* Where else it could be cut, for a path that opens as a base network. */
rt_code rt__inspect_print_candidates(const char *path, rt_inspect_out *out, rt_error *err);

/* Where the classifier in it would run; nothing when it is none. */
rt_code rt__inspect_print_targets(const char *path, rt_inspect_out *out, rt_error *err);

/* One tensor: a few of its values into out, or all into the .npy file output. */
rt_code rt__inspect_tensor(const rt_inspected *thing, const char *name, const char *output,
                           rt_inspect_out *out, rt_error *err);

#endif
