/* Filters at the points of their axes: a part of winograd_simd.h, plain loops, which -O3 makes vector code
 * of. Products and sums are rounded one by one, so that every width of vectors gives the same filters. */

/* One point: the sum of n taps of LANES channels each. */
INLINE void filter_sum(const double *factors, const double (*taps)[LANES], int step, int n, double *sum)
{
    for (int o = 0; o < LANES; o++)
        sum[o] = 0;
    for (int t = 0; t < n; t++)
        for (int o = 0; o < LANES; o++)
            sum[o] += factors[t] * taps[t * step][o];
}

INLINE int taps_of(fixed axis)
{
    return axis.ins - axis.outs + 1;
}

/* LANES neighbouring channels of dst for one channel of src: taps `stride` apart, points `plane` apart. */
INLINE void filter_points(const rt_winograd *w, const float *taps, size_t stride, float *to, size_t plane,
                          fixed down, fixed across)
{
    double tap[RT_WINOGRAD_TAPS * RT_WINOGRAD_TAPS][LANES], row[RT_WINOGRAD_TAPS][LANES], sum[LANES];
    for (int t = 0; t < taps_of(down) * taps_of(across); t++)
        for (int o = 0; o < LANES; o++)
            tap[t][o] = (double)taps[(size_t)t * stride + (size_t)o];
    for (int i = 0; i < down.ins; i++) {
        for (int s = 0; s < taps_of(across); s++)
            filter_sum(w->axis[0].filter[i], (const double(*)[LANES])tap + s, taps_of(across), taps_of(down),
                       row[s]);
        for (int j = 0; j < across.ins; j++, to += plane) {
            filter_sum(w->axis[1].filter[j], (const double(*)[LANES])row, 1, taps_of(across), sum);
            for (int o = 0; o < LANES; o++)
                to[o] = (float)sum[o];
        }
    }
}

INLINE void pack_filters(const rt_winograd *w, const float *weights, float *filters, fixed down, fixed across)
{
    const int32_t c = w->src.c, k = w->dst.c;
    const size_t plane = (size_t)c * (size_t)k;
    for (int32_t o = 0; o < k; o += 2 * LANES) {
        const float *from = weights + o;
        float *to = filters + (size_t)o * (size_t)c;
        for (int32_t i = 0; i < c; i++, from += k)
            for (int32_t part = 0; part < k - o && part < 2 * LANES; part += LANES, to += LANES)
                filter_points(w, from + part, plane, to, plane, down, across);
    }
}
