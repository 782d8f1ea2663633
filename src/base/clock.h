/* Time as one number. */
#ifndef RT_BASE_CLOCK_H
#define RT_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds: since 1970 of CLOCK_REALTIME, since some moment of CLOCK_MONOTONIC. */
int64_t rt__clock_ns(clockid_t clock);

#endif
