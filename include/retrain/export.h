/* retrain/export.h - a classifier in the forms other programs take.
 *
 * The source is a graph of ours, one of the real retrain.py's or whatever else rt_labeller_open() takes.
 * Files appear whole or not at all; a folder is only filled when everything that goes into it is made. */
#ifndef RETRAIN_EXPORT_H
#define RETRAIN_EXPORT_H

#include "retrain/dataset.h"
#include "retrain/label.h"
#include "retrain/log.h"

#include <stdbool.h>

typedef enum rt_export_format {
    RT_EXPORT_ONNX,   /* opset 9, IR 3: TensorRT 5.1 to 10, ONNX Runtime, OpenCV; input 1x3xHxW in [0, 1] */
    RT_EXPORT_TFLITE, /* TensorFlow Lite; input 1xHxWx3 in [0, 1], or 8-bit pixels                         */
    RT_EXPORT_FROZEN, /* TensorFlow GraphDef as the source's                                               */
    RT_EXPORT_SAVED_MODEL, /* folder for TensorFlow 1 and 2, Serving: image -> prediction, both [0, 1] */
    RT_EXPORT_HUB_MODULE,  /* folder: a TF1 Hub module that gives probabilities, and feature vectors  */
    RT_EXPORT_CHECKPOINT,  /* prefix of files that TensorFlow restores: .meta, .index, .data  */
    RT_EXPORT_JETSON /* a folder for an NVIDIA Jetson: ONNX for jetson-inference and DeepStream           */
} rt_export_format;

/* What an 8-bit file takes and gives. */
typedef enum rt_export_bytes { RT_BYTES_UINT8, RT_BYTES_INT8 } rt_export_bytes;

/* Whom a frozen graph is for. */
typedef enum rt_frozen_for {
    RT_FROZEN_AS_IS, /* the source's nodes */
    RT_FROZEN_UFF,   /* NVIDIA's UFF converter, OpenCV: one Placeholder, all folded, ops of TensorFlow 1.x */
    RT_FROZEN_TF1    /* converters of TensorFlow 1.x: the same, but FakeQuant stays */
} rt_frozen_for;

typedef struct rt_export_options {
    rt_label_options source;
    rt_export_format format;
    const char *output; /* file, folder or prefix */
    rt_frozen_for frozen_for;
    int32_t opset;      /* ONNX: 0 for 9; up to 13 */
    bool dynamic_batch; /* ONNX */
    /* TFLite: quantise to 8 bits with the ranges of these photos (file or folder); NULL: float32.  Of a
     * folder of class folders the ranges come from the training photos, and a line of the log says how
     * accurate both kinds are on the test photos. */
    const char *sample_photos;
    rt_export_bytes bytes;    /* of such a file: pixels and probabilities as 0 .. 255, or less 128 */
    rt_dataset_options split; /* of the run that made the source, where sample_photos are its photos */
    /* Jetson: a table for TensorRT's INT8 with the ranges of these photos; NULL: none */
    const char *int8_photos;
    /* What is written is read back and run on these photos (file or folder); NULL: on the other photos named
     * here, else on drawings. */
    const char *probe_photos;
    rt_progress progress;
    rt_log log;
} rt_export_options;

void rt_export_defaults(rt_export_options *options);

/* Everything is checked before anything is written; what is written gets its name when it was read back and
 * gives the source's probabilities.
 *   RT_EUNSUPPORTED  a node that the format cannot say; err->cause names it; or the probabilities differ
 *   RT_EARG, RT_ENOTFOUND, RT_EFORMAT, RT_EIO, RT_ELIMIT, RT_ENOMEM */
rt_code rt_export(const rt_export_options *options, rt_error *err);

#endif
