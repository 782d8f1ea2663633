#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double timing_now(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double timing_processor_now(void)
{
    return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

void timing_check(rt_code code, const rt_error *err)
{
    char text[1024];
    if (code == RT_OK)
        return;
    fprintf(stderr, "%s\n", rt_error_text(err, text, sizeof text));
    exit(1);
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double timing_median_of(double *values, size_t n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, by_value);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

double timing_median(size_t runs, timing_work *work, void *context)
{
    double seconds[64];
    size_t n = runs < sizeof seconds / sizeof seconds[0] ? runs : sizeof seconds / sizeof seconds[0];
    work(context);
    for (size_t i = 0; i < n; i++) {
        double start = timing_now();
        work(context);
        seconds[i] = timing_now() - start;
    }
    return timing_median_of(seconds, n);
}

void timing_head(const char *title, const char *item)
{
    printf("%-36s %10s %12s %14s %9s\n", title, "ms", "us each", item, "times");
}

void timing_row(const char *name, double seconds, double items, double compared)
{
    printf("%-36s %10.2f %12.2f %12.0f/s ", name, seconds * 1e3, seconds * 1e6 / items, items / seconds);
    if (compared > 0)
        printf("%9.2f\n", compared / seconds);
    else
        printf("%9s\n", "-");
}
