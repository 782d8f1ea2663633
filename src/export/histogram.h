/* Histograms as TensorFlow's summaries hold them.
 *
 * Bucket i counts the values below limit[i] and not below limit[i - 1].  The limits are 1e-12 * 1.1^k up to
 * 1e20, the largest double, the same negated, and 0.
 * Source: InitDefaultBucketsInner() and EncodeToProto() in TensorFlow's histogram.cc. */
#ifndef RT_EXPORT_HISTOGRAM_H
#define RT_EXPORT_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { RT_HISTOGRAM_BUCKETS = 1551, RT_HISTOGRAM_STARTS = 1 << 12 };

/* The limits, and for every float's upper 12 bits the first bucket it may be in; made once, then shared. */
typedef struct rt_histogram_limits {
    double limit[RT_HISTOGRAM_BUCKETS];
    uint16_t start[RT_HISTOGRAM_STARTS];
} rt_histogram_limits;

void rt__histogram_limits_init(rt_histogram_limits *limits);

typedef struct rt_histogram {
    double min, max, num, sum, sum_squares;
    size_t n_buckets; /* after runs of empty buckets have been drawn together */
    double limit[RT_HISTOGRAM_BUCKETS], count[RT_HISTOGRAM_BUCKETS];
} rt_histogram;

/* n may be 0 (then min > max, as TensorFlow has it); infinities count in the outermost buckets; NaN, which
 * TensorFlow refuses, is left out. */
void rt__histogram_fill(const rt_histogram_limits *limits, const float *values, size_t n,
                        rt_histogram *histogram);

#endif
