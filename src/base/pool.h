/* A loop over items spread on threads. */
#ifndef RT_BASE_POOL_H
#define RT_BASE_POOL_H

#include "retrain/error.h"

#include <stddef.h>

/* Does item `item` on worker `worker` (0 .. n_workers - 1: the index of that thread's own workspace). */
typedef rt_code rt_pool_work(void *context, size_t worker, size_t item, rt_error *err);

/* Runs work for items 0 .. n_items - 1, dealt one by one in rising order to n_workers threads (the caller is
 * one of them; 1 starts none).  After a failure no further item is started; the error of the lowest failed
 * item is reported.  RT_ENOMEM besides the errors of work. */
rt_code rt__pool_run(size_t n_workers, size_t n_items, rt_pool_work *work, void *context, rt_error *err);

/* Cores this process may use, at least 1. */
size_t rt__cpu_count(void);

#endif
