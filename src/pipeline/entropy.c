#include "entropy.h"

#include <math.h>

enum { STRIDE = 16 }; /* bins from one range tried to the next: less than 1% of the widest */

/* The term of the bins [from, to), which one step stands for: their counts p against the mean of those that
 * have any.  last: bin to - 1 also holds the values beyond the range. */
static double step_divergence(const uint64_t *counts, size_t from, size_t to, uint64_t beyond, double n_p,
                              double n_q)
{
    static const double least = 1e-12;
    double sum = 0, filled = 0, divergence = 0;
    for (size_t i = from; i < to; i++) {
        sum += (double)counts[i];
        filled += counts[i] != 0;
    }
    for (size_t i = from; i < to; i++) {
        double p = ((double)counts[i] + (i + 1 == to ? (double)beyond : 0)) / n_p;
        double q = counts[i] ? sum / filled / n_q : 0;
        if (p > 0)
            divergence += p * log(p / (q > least ? q : least));
    }
    return divergence;
}

static double divergence_of(const uint64_t *counts, size_t n_bins, uint64_t within, uint64_t beyond)
{
    double divergence = 0;
    if (within == 0)
        return INFINITY;
    for (size_t level = 0; level < RT_ENTROPY_LEVELS; level++) {
        size_t from = level * n_bins / RT_ENTROPY_LEVELS, to = (level + 1) * n_bins / RT_ENTROPY_LEVELS;
        divergence += step_divergence(counts, from, to, level + 1 == RT_ENTROPY_LEVELS ? beyond : 0,
                                      (double)(within + beyond), (double)within);
    }
    return divergence;
}

size_t rt__entropy_bins(const uint64_t histogram[RT_ENTROPY_BINS])
{
    uint64_t counts[RT_ENTROPY_BINS], total = 0, within = 0;
    size_t best = RT_ENTROPY_BINS, counted = 0;
    double least = INFINITY;
    for (size_t i = 0; i < RT_ENTROPY_BINS; i++) {
        counts[i] = histogram[i ? i : 1];
        total += counts[i];
    }
    for (size_t n = RT_ENTROPY_LEVELS; n <= RT_ENTROPY_BINS; n += STRIDE) {
        double divergence;
        while (counted < n)
            within += counts[counted++];
        divergence = divergence_of(counts, n, within, total - within);
        if (divergence <= least) {
            least = divergence;
            best = n;
        }
    }
    return best;
}
