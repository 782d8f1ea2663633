/* A frozen GraphDef on disk: what retrain.py calls output_graph.pb. */
#ifndef RT_EXPORT_FROZEN_H
#define RT_EXPORT_FROZEN_H

#include "graph/graph.h"

/* Writes the graph to path; the file appears whole or not at all. */
rt_code rt__frozen_write(const rt_graph *graph, const char *path, rt_error *err);

#endif
