/* The text files of a Jetson folder, but for the labels' names all fixed. */
#ifndef RT_PIPELINE_JETSON_TEXT_H
#define RT_PIPELINE_JETSON_TEXT_H

#include "base/buffer.h"

/* The ranges for TensorRT's INT8. */
#define RT_JETSON_TABLE "calibration.table"

/* What the files are about. */
typedef struct rt_jetson_facts {
    const char *source; /* file the folder was made from */
    int32_t height, width;
    const char *const *labels;
    size_t n_labels;
    const char *expected; /* label of the probe image */
    float score;          /* and its probability */
    bool has_table;       /* RT_JETSON_TABLE is there */
} rt_jetson_facts;

typedef struct rt_jetson_file {
    const char *name;
    void (*write)(const rt_jetson_facts *facts, rt_buffer *text);
    bool executable;
} rt_jetson_file;

/* NULL-ended by name. */
extern const rt_jetson_file rt__jetson_files[];

/* What a label may not be on a Jetson.
 *   RT_EARG  names the label and why: ";" ends a DeepStream label, 511 bytes are jetson-inference's line */
rt_code rt__jetson_check_labels(const char *const *labels, size_t n, rt_error *err);

#endif
