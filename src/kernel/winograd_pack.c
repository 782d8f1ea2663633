/* Filters at the points of their axes.  Plain loops, which -O3 makes vector code of. */
#include "winograd_parts.h"

enum { PANEL = 32 }; /* channels of dst at a time, at most */

/* n neighbouring channels of dst for one channel of src: taps `stride` apart, points `plane` apart. */
static void transform(const rt_winograd *w, const float *taps, size_t stride, float *to, size_t plane,
                      int32_t n)
{
    const rt_winograd_axis *down = &w->axis[0], *across = &w->axis[1];
    double rows[RT_WINOGRAD_INS][RT_WINOGRAD_TAPS][PANEL] = {0}, sum[PANEL];
    for (int32_t i = 0; i < down->ins; i++)
        for (int32_t r = 0; r < down->taps; r++)
            for (int32_t s = 0; s < across->taps; s++)
                for (int32_t o = 0; o < n; o++)
                    rows[i][s][o] += down->filter[i][r] *
                                     (double)taps[(size_t)(r * across->taps + s) * stride + (size_t)o];
    for (int32_t i = 0; i < down->ins; i++)
        for (int32_t j = 0; j < across->ins; j++, to += plane) {
            for (int32_t o = 0; o < n; o++)
                sum[o] = 0;
            for (int32_t s = 0; s < across->taps; s++)
                for (int32_t o = 0; o < n; o++)
                    sum[o] += across->filter[j][s] * rows[i][s][o];
            for (int32_t o = 0; o < n; o++)
                to[o] = (float)sum[o];
        }
}

void rt__winograd_pack(const rt_winograd *w, const float *weights, int32_t lanes, float *filters)
{
    const int32_t c = w->src.c, k = w->dst.c, panel = 2 * lanes;
    const size_t plane = (size_t)c * (size_t)k;
    for (int32_t o = 0; o < k; o += panel) {
        const int32_t n = k - o < panel ? k - o : panel;
        float *to = filters + (size_t)o * (size_t)c;
        for (int32_t i = 0; i < c; i++, to += n)
            transform(w, weights + (size_t)i * (size_t)k + (size_t)o, plane, to, plane, n);
    }
}
