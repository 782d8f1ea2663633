#include "quantize.h"

#include <math.h>

bool rt__quant_valid(float min, float max, int64_t num_bits)
{
    return num_bits >= 2 && num_bits <= 16 && isfinite(max - min) && (min < max || (min == 0 && max == 0));
}

void rt__quant_init(rt_quant *quant, float min, float max, int64_t num_bits, bool narrow_range, bool divides)
{
    float least = narrow_range ? 1 : 0, most = (float)((1 << num_bits) - 1), point, nudged;
    *quant = (rt_quant){.divisor = 1};
    if (min == 0 && max == 0)
        return;
    quant->scale = (max - min) / (most - least);
    point = least - min / quant->scale;
    if (point < least)
        nudged = least;
    else if (point > most)
        nudged = most;
    else
        nudged = roundf(point);
    quant->low = (least - nudged) * quant->scale;
    quant->high = (most - nudged) * quant->scale;
    quant->zero = floorf(-quant->low / quant->scale + 0.5f);
    if (divides) {
        quant->inverse = 1;
        quant->divisor = quant->scale;
    } else {
        quant->inverse = 1 / quant->scale;
    }
}

float rt__quant_apply(const rt_quant *quant, float x)
{
    float clamped = x < quant->low ? quant->low : x > quant->high ? quant->high : x;
    return floorf((clamped - quant->low) * quant->inverse / quant->divisor - quant->zero + 0.5f) *
           quant->scale;
}
