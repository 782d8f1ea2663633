/* TensorFlow Lite Metadata: what input and output mean, for MediaPipe, the Task Library and Android Studio.
 *
 * A FlatBuffer of its own ("M001"), which the model holds as the buffer of its metadata entry
 * "TFLITE_METADATA"; the labels are a file in the archive behind the model (zip_append.h).
 * Source: metadata_schema.fbs of tflite-support, as MediaPipe ships it; its image classifier's writer. */
#ifndef RT_EXPORT_TFLITE_METADATA_H
#define RT_EXPORT_TFLITE_METADATA_H

#include "base/buffer.h"

#define RT_TFLITE_METADATA "TFLITE_METADATA"
#define RT_TFLITE_LABELS   "labels.txt"

/* least, most: what input and output elements may be: 0 and 1, 0 and 255, or -128 and 127.  The input's
 * values are RGB pixels: 0 .. 255 of them divided by 255 where elements are floats, themselves where not. */
rt_code rt__tflite_metadata(const char *description, float least, float most, rt_buffer *out, rt_error *err);

#endif
