/* TensorFlow's saved_model.pb: graphs with their signatures, collections and tags. */
#ifndef RT_MODEL_SAVED_MODEL_H
#define RT_MODEL_SAVED_MODEL_H

#include "graphdef.h"

struct Tf__MetaGraphDef;

/* A tensor that a signature names. */
typedef struct rt_port {
    const char *key;  /* "images", "default" */
    const char *name; /* "hub_input/images:0" */
    rt_dtype dtype;
    rt_shape shape;
} rt_port;

/* A graph with what belongs to it; message lives in def.graph. */
typedef struct rt_meta_graph {
    rt_graphdef def; /* def.graph is owned: rt__graph_free() */
    const struct Tf__MetaGraphDef *message;
} rt_meta_graph;

/* Picks the MetaGraphDef whose tag set is exactly tags (n_tags may be 0: the empty set) out of the bytes of a
 * SavedModel and reads it.
 *   RT_ENOTFOUND  no such tag set; the cause lists those that are there
 *   RT_EFORMAT    damaged; err->offset is a byte of the file
 * Source: saved_model.proto, meta_graph.proto. */
rt_code rt__saved_model_read(const void *bytes, size_t size, const char *const *tags, size_t n_tags,
                             rt_meta_graph *meta, rt_error *err);

/* The same where another graph will do: that with exactly this tag, that without tags, the first with this
 * tag among others, or the only one. */
rt_code rt__saved_model_read_nearest(const void *bytes, size_t size, const char *tag, rt_meta_graph *meta,
                                     rt_error *err);

/* A MetaGraphDef by itself: a checkpoint's .meta file.  err->offset is counted from bytes. */
rt_code rt__meta_graph_read(const void *bytes, size_t size, rt_meta_graph *meta, rt_error *err);

/* Whether a signature of that key is there. */
bool rt__meta_graph_has_signature(const rt_meta_graph *meta, const char *signature);
/* The tensor of an input (or output) of a signature; key NULL: the only one.  RT_ENOTFOUND lists what is
 * there. */
rt_code rt__meta_graph_input(const rt_meta_graph *meta, const char *signature, const char *key, rt_port *port,
                             rt_error *err);
rt_code rt__meta_graph_output(const rt_meta_graph *meta, const char *signature, const char *key,
                              rt_port *port, rt_error *err);
/* Tensor names of all outputs of all signatures, those of the signature `first` (or NULL) before the others;
 * names: [room].  Returns how many there are. */
size_t rt__meta_graph_outputs(const rt_meta_graph *meta, const char *first, const char **names, size_t room);
/* The i-th value of a collection of byte strings; false when there are fewer. */
bool rt__meta_graph_collected(const rt_meta_graph *meta, const char *collection, size_t i, rt_string *value);

#endif
