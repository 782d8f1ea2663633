/* retrain.py's bottleneck files: where they stand, and their text.
 *
 *   1. One file a photo: <bottleneck_dir>/<class folder>/<photo>_<module>.txt, where <module> is what
 *      --tfhub_module was given, each "://", "/", ":" and "\" replaced by "~".
 *   2. The vector's float32 values as numpy prints them (base/float_text.h), "," between, nothing else.
 *   3. Read are any decimal numbers, with spaces and line ends around them as Python's float() takes them;
 * not nan and inf, which would poison the training. Source: get_bottleneck_path(), create_bottleneck_file(),
 * get_or_create_bottleneck() in hub's retrain.py. */
#ifndef RT_FEATURE_CACHE_TEXT_H
#define RT_FEATURE_CACHE_TEXT_H

#include "base/buffer.h"
#include "retrain/error.h"

/* The path of a photo's file, into the caller's buffer of size bytes; class_folder and photo are names, not
 * paths.  A name of more than 255 bytes, which no file system takes, gets "~" and the SHA-1 of the module
 * string in the place of <module>.  RT_ELIMIT when it does not fit even so. */
rt_code rt__cache_path(const char *bottleneck_dir, const char *class_folder, const char *photo,
                       const char *module, char *path, size_t size, rt_error *err);

/* Reads exactly n values; text[size] must be 0.  RT_EFORMAT, with the byte, for anything else. */
rt_code rt__cache_parse(const char *text, size_t size, float *values, size_t n, rt_error *err);

/* Appends the file's text; a failure shows in rt__buffer_ok(). */
void rt__cache_format(const float *values, size_t n, rt_buffer *text);

#endif
