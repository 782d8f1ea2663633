/* retrain/log.h - where the library sends its lines and its progress.
 *
 * Both are tables of one function and the caller's pointer.  A NULL table, or a NULL function in it, is
 * silence.  Calls never overlap: the library holds a lock around them where it works with several threads. */
#ifndef RETRAIN_LOG_H
#define RETRAIN_LOG_H

#include "retrain/error.h"

typedef enum rt_level { RT_DEBUG, RT_INFO, RT_WARN, RT_ERROR, RT_FATAL } rt_level;

typedef struct rt_log {
    void (*line)(void *user, rt_level level, const char *text); /* text has no newline */
    void *user;
} rt_log;

void rt_log_line(const rt_log *log, rt_level level, const char *format, ...) RT_PRINTF(3, 4);

typedef struct rt_progress {
    /* what: "bottlenecks"; done <= total; total 0 when it is not known */
    void (*update)(void *user, const char *what, uint64_t done, uint64_t total);
    void *user;
} rt_progress;

void rt_progress_update(const rt_progress *progress, const char *what, uint64_t done, uint64_t total);

#endif
