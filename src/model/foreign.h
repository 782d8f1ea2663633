/* Classifiers of other programs' formats, turned into TensorFlow's nodes. */
#ifndef RT_MODEL_FOREIGN_H
#define RT_MODEL_FOREIGN_H

#include "network.h"

/* Whether bytes look like the format: cheap, and no promise that they are whole. */
bool rt__is_onnx(const void *bytes, size_t size);
bool rt__is_tflite(const void *bytes, size_t size);

/* Fills a network, {0} before, with all that the classifier's output needs: graph, input, feature (the
 * output), height and width, and input_mean, input_std where the file says them, else std 0.
 *   options  bottleneck_tensor: the output, by its name in the file, NULL for the file's own; input_height
 * and input_width of files that leave them open; input_std not 0: the file's word on scaling is not asked
 *   labels   gets the labels in the file, a line each; nothing when it has none
 *   RT_EFORMAT       damaged, or its nodes go in a circle
 *   RT_EUNSUPPORTED  the cause names node and operator
 *   RT_ENOTFOUND, RT_ELIMIT, RT_ENOMEM
 * After an error the caller clears the network.
 * Source: onnx.proto and Operators.md of ONNX. */
rt_code rt__onnx_read(const void *bytes, size_t size, const rt_module_options *options, rt_network *network,
                      rt_buffer *labels, rt_error *err);
/* The same of TensorFlow Lite.  Source: schema.fbs and metadata_schema.fbs. */
rt_code rt__tflite_read(const void *bytes, size_t size, const rt_module_options *options, rt_network *network,
                        rt_buffer *labels, rt_error *err);

#endif
