/* One reader a format, chosen by content: the table in open.c. */
#ifndef RT_MODEL_READER_H
#define RT_MODEL_READER_H

#include "base/file.h"
#include "network.h"

/* What was given to open. */
typedef struct rt_source {
    const char *path;   /* a file, or a folder */
    const rt_map *file; /* its content, which lives as long as the network's graph; NULL for a folder */
} rt_source;

typedef struct rt_reader {
    const char *name;
    /* Whether the source looks like this format: cheap, and no promise that it is whole. */
    bool (*probe)(const rt_source *source);
    /* Reads graph, weights and answers into a network, which is {.options} before, and what the file says of
     * a cut; after an error the caller clears it. */
    rt_code (*open)(const rt_source *source, rt_network *network, rt_error *err);
} rt_reader;

extern const rt_reader rt__reader_hub_module;
extern const rt_reader rt__reader_detection_archive;
extern const rt_reader rt__reader_saved_model;
extern const rt_reader rt__reader_checkpoint;
extern const rt_reader rt__reader_meta_graph;
extern const rt_reader rt__reader_frozen;
extern const rt_reader rt__reader_onnx;
extern const rt_reader rt__reader_tflite;

/* Whether folder holds a file of that name; ending at "/" is a folder. */
bool rt__source_holds(const rt_source *source, const char *name);

#endif
