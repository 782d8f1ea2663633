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

/* The same by way of the table of starts, which is two limits off at most: an eighth of an octave is wider
 * than one step of 1.1, not than two.  Without branches, which nobody could foretell. */
static size_t bucket_of(const rt_histogram_limits *limits, float given)
{
    size_t at = limits->start[upper_bits(given)];
    double value = given;
    at += (at + 1 < RT_HISTOGRAM_BUCKETS) & (limits->limit[at] <= value);
    at += (at + 1 < RT_HISTOGRAM_BUCKETS) & (limits->limit[at] <= value);
    return at;
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

static void add_bucket(const rt_histogram_limits *limits, const double *counts, size_t at, rt_histogram *h)
{
    h->limit[h->n_buckets] = limits->limit[at];
    h->count[h->n_buckets++] = counts[at];
}

/* Draws each run of empty buckets together into one; all before first and behind last are empty. */
static void encode(const rt_histogram_limits *limits, const double *counts, size_t first, size_t last,
                   rt_histogram *h)
{
    if (first > 0)
        add_bucket(limits, counts, first - 1, h);
    for (size_t i = first; i <= last;) {
        size_t at = i++;
        if (counts[at] <= 0)
            while (counts[i] <= 0) /* last is not */
                at = i++;
        add_bucket(limits, counts, at, h);
    }
    if (last + 1 < RT_HISTOGRAM_BUCKETS)
        add_bucket(limits, counts, RT_HISTOGRAM_BUCKETS - 1, h);
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
        counts[bucket_of(limits, values[i])] += 1;
        h->min = value < h->min ? value : h->min;
        h->max = value > h->max ? value : h->max;
        h->num += 1;
        h->sum += value;
        h->sum_squares += value * value;
    }
    if (h->num > 0)
        encode(limits, counts, bucket_of(limits, (float)h->min), bucket_of(limits, (float)h->max), h);
    else
        add_bucket(limits, counts, RT_HISTOGRAM_BUCKETS - 1, h);
}
