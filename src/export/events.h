/* TensorBoard's event files: what retrain.py's FileWriter makes.
 *
 * Format of a file, record after record (tfrecord):
 *   1. length of the data, 8 bytes little-endian
 *   2. masked CRC-32C of those 8 bytes, 4 bytes
 *   3. the data: an Event message (proto/tf_event.proto)
 *   4. masked CRC-32C of the data, 4 bytes
 * The first event holds file_version "brain.Event:2".
 * Source: TensorFlow's record_writer.cc, events_writer.cc, event.proto, summary.proto. */
#ifndef RT_EXPORT_EVENTS_H
#define RT_EXPORT_EVENTS_H

#include "base/buffer.h"
#include "retrain/error.h"

#include <stddef.h>
#include <stdint.h>

typedef enum rt_summary_kind {
    RT_SUMMARY_SCALAR,
    RT_SUMMARY_HISTOGRAM,
    RT_SUMMARY_TEXT,
    RT_SUMMARY_PNG
} rt_summary_kind;

typedef struct rt_summary {
    const char *tag;
    rt_summary_kind kind;
    float scalar;
    const float *values; /* of a histogram: borrowed for the call */
    size_t n_values;
    const char *text; /* Markdown, for TensorBoard's text plugin */
    const void *png;
    size_t png_bytes;
    int32_t png_width, png_height;
} rt_summary;

/* One file being written; one thread at a time. */
typedef struct rt_events rt_events;

/* Makes folder where it is missing, and in it events.out.tfevents.<seconds>.<host><ending>, never an existing
 * file.  wall_time: seconds since 1970, of the first event and in the name. */
rt_code rt__events_open(const char *folder, const char *ending, double wall_time, rt_events **events,
                        rt_error *err);

/* A serialized GraphDef, and a serialized MetaGraphDef. */
rt_code rt__events_graph(rt_events *events, double wall_time, const void *graph_def, size_t size,
                         rt_error *err);
rt_code rt__events_meta_graph(rt_events *events, double wall_time, const void *meta_graph_def, size_t size,
                              rt_error *err);
rt_code rt__events_add(rt_events *events, double wall_time, int64_t step, const rt_summary *summaries,
                       size_t n, rt_error *err);
/* What was added so far can be read by TensorBoard after this.  After a failure the file ends with the last
 * record that was written whole. */
rt_code rt__events_flush(rt_events *events, rt_error *err);
/* Flushes and frees; NULL is allowed. */
rt_code rt__events_close(rt_events *events, rt_error *err);

/* Appends one record to a buffer. */
void rt__record_add(rt_buffer *buffer, const void *bytes, size_t size);

/* The four scalars of retrain.py's variable_summaries(), in float32 as TensorFlow sums: mean and deviation.
 */
void rt__summary_moments(const float *values, size_t n, float *mean, float *deviation, float *max,
                         float *min);

#endif
