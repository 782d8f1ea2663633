/* What the benchmarks share: a clock, the median of several runs, a table. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include "retrain/error.h"

#include <stddef.h>

/* Seconds on a clock that never goes back. */
double timing_now(void);
/* Seconds this thread has had a processor: other jobs do not count. */
double timing_processor_now(void);

/* Ends the program, saying the error, unless code is RT_OK. */
void timing_check(rt_code code, const rt_error *err);

typedef void timing_work(void *context);

/* Seconds one call takes: the median of `runs` calls after one that does not count. */
double timing_median(size_t runs, timing_work *work, void *context);

/* The median of n values, which are put in order; 0 for none. */
double timing_median_of(double *values, size_t n);

/* A table on stdout: a line that names the columns, then a line a measurement.
 *   items     what one run works on, e.g. photos; named by `item` in the head
 *   compared  seconds of the measurement this one is compared with, 0 for none */
void timing_head(const char *title, const char *item);
void timing_row(const char *name, double seconds, double items, double compared);

#endif
