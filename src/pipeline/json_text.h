/* JSON as it is written: texts and numbers, appended to a buffer.  Commas and brackets are the caller's. */
#ifndef RT_PIPELINE_JSON_TEXT_H
#define RT_PIPELINE_JSON_TEXT_H

#include "base/buffer.h"

/* "text" with its escapes; NULL gives null.  Bytes that are no UTF-8 become U+FFFD, since JSON has no others.
 */
void rt__json_string(rt_buffer *out, const char *text);
/* Shortest decimals that give the same float; what JSON has no number for gives null. */
void rt__json_float(rt_buffer *out, float value);

#endif
