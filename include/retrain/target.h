/* retrain/target.h - would a classifier run on another program, and which of its nodes would not?
 *
 * What TensorRT 5.0 to 10, UFF, TensorFlow Lite and OpenCV take is known from tables made of their own
 * documents and sources; nothing is run. */
#ifndef RETRAIN_TARGET_H
#define RETRAIN_TARGET_H

#include "retrain/label.h"

#include <stdbool.h>

typedef struct rt_target_options {
    const char *target;      /* "tensorrt-5.1" */
    rt_label_options source; /* the graph, a frozen one, ONNX or TensorFlow Lite, and how it is used */
    bool json;
} rt_target_options;

/* The name and the title of target i; NULL behind the last. */
const char *rt_target_name(size_t i);
const char *rt_target_title(size_t i);

/* A file of the target's own format is looked at as it is; any other is looked at as rt_export() would write
 * it, which writes nothing here. text  written on success: lines for people, or one JSON object; give back
 * with free() runs  whether every node is taken RT_EARG  no such target RT_ENOTFOUND, RT_EFORMAT,
 * RT_EUNSUPPORTED, RT_EIO, RT_ELIMIT, RT_ENOMEM */
rt_code rt_target_check(const rt_target_options *options, char **text, bool *runs, rt_error *err);

/* All targets with what is taken to be true of them and where that stands; text as above. */
rt_code rt_target_list(bool json, char **text, rt_error *err);

#endif
