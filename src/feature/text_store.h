/* Vectors in retrain.py's text files, with the records of freshness.h: of which a vector can be trusted. */
#ifndef RT_FEATURE_TEXT_STORE_H
#define RT_FEATURE_TEXT_STORE_H

#include "base/buffer.h"
#include "base/file.h"
#include "freshness.h"
#include "retrain/feature.h"

#include <pthread.h>

/* Threads may share it. */
typedef struct rt_text_store rt_text_store;

typedef struct rt_text_options {
    const rt_module *module; /* borrowed */
    rt_extraction how;
    size_t feature_size;
    const rt_log *log;
    pthread_mutex_t *log_lock; /* held around calls of log */
} rt_text_options;

/* One thread's hold on the store: start from {0}, clear its buffer. */
typedef struct rt_text_reader {
    rt_freshness *record; /* that of the last text file, borrowed */
    rt_buffer text;
} rt_text_reader;

rt_code rt__text_store_new(const rt_text_options *options, rt_text_store **store, rt_error *err);
/* Writes the records, and tells how many files more than those named could not be trusted. */
void rt__text_store_close(rt_text_store *store);

/* *hit when the photo's text file can be trusted; values are its vector then. */
rt_code rt__text_store_find(rt_text_store *store, rt_text_reader *reader, const char *photo, const char *text,
                            float *values, bool *hit, rt_error *err);
/* Writes a text file; info is the photo's. */
rt_code rt__text_store_keep(rt_text_store *store, rt_text_reader *reader, const char *photo, const char *text,
                            const float *values, const rt_file_info *info, rt_error *err);

#endif
