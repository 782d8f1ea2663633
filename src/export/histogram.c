#include "histogram.h"

#include <float.h>
#include <math.h>
#include <string.h>

static uint32_t upper_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 20;
}

/* The first limit above value; the last one takes what lies beyond it. */
static size_t bucket_from(const rt_histogram_limits *limits, size_t at, double value)
{
    while (at + 1 < RT_HISTOGRAM_BUCKETS && limits->limit[at] <= value)
        at++;
    return at;
}

/* The value nearest to minus infinity among the floats with these upper bits. */
static double lowest_of(uint32_t upper)
{
    uint32_t negative = upper & 0x800, bits = upper << 20 | (negative ? 0xfffff : 0);
    float value;
    memcpy(&value, &bits, sizeof value);
    if (isnan(value))
        return negative ? -INFINITY : INFINITY;
    return value;
}

void rt__histogram_limits_init(rt_histogram_limits *limits)
{
    enum { MIDDLE = RT_HISTOGRAM_BUCKETS / 2 };
    double value = 1e-12;
    limits->limit[MIDDLE] = 0;
    for (size_t i = 1; i <= MIDDLE; i++, value *= 1.1) {
        limits->limit[MIDDLE + i] = i == MIDDLE ? DBL_MAX : value;
        limits->limit[MIDDLE - i] = -limits->limit[MIDDLE + i];
    }
    for (uint32_t upper = 0; upper < RT_HISTOGRAM_STARTS; upper++)
        limits->start[upper] = (uint16_t)bucket_from(limits, 0, lowest_of(upper));
}

/* Draws each run of empty buckets together into one. */
static void encode(const rt_histogram_limits *limits, const double *counts, rt_histogram *h)
{
    for (size_t i = 0; i < RT_HISTOGRAM_BUCKETS;) {
        size_t at = i++;
        if (counts[at] <= 0)
            while (i < RT_HISTOGRAM_BUCKETS && counts[i] <= 0)
                at = i++;
        h->limit[h->n_buckets] = limits->limit[at];
        h->count[h->n_buckets++] = counts[at];
    }
}

void rt__histogram_fill(const rt_histogram_limits *limits, const float *values, size_t n, rt_histogram *h)
{
    double counts[RT_HISTOGRAM_BUCKETS] = {0};
    h->min = DBL_MAX;
    h->max = -DBL_MAX;
    h->num = h->sum = h->sum_squares = 0;
    h->n_buckets = 0;
    for (size_t i = 0; i < n; i++) {
        double value = values[i];
        if (isnan(value))
            continue;
        counts[bucket_from(limits, limits->start[upper_bits(values[i])], value)] += 1;
        h->min = value < h->min ? value : h->min;
        h->max = value > h->max ? value : h->max;
        h->num += 1;
        h->sum += value;
        h->sum_squares += value * value;
    }
    encode(limits, counts, h);
}
