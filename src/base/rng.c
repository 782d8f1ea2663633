#include "rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, unsigned count)
{
    return (x << count) | (x >> (64 - count));
}

void rt__rng_seed(rt_rng *rng, uint64_t seed, uint64_t stream)
{
    uint64_t mixed = stream;
    uint64_t state = seed ^ splitmix(&mixed);
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix(&state);
}

uint64_t rt__rng_next(rt_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t rt__rng_below(rt_rng *rng, uint64_t bound)
{
    /* The lowest 2^64 mod bound values would make the small results more likely: draw again. */
    uint64_t reject = (0 - bound) % bound, value;
    do
        value = rt__rng_next(rng);
    while (value < reject);
    return value % bound;
}

double rt__rng_unit(rt_rng *rng)
{
    return (double)(rt__rng_next(rng) >> 11) * 0x1p-53;
}

double rt__rng_truncated_normal(rt_rng *rng)
{
    const double two_pi = 6.283185307179586;
    double value;
    do /* Box-Muller; 1 - u keeps the logarithm's argument above 0 */
        value = sqrt(-2 * log(1 - rt__rng_unit(rng))) * cos(two_pi * rt__rng_unit(rng));
    while (fabs(value) > 2);
    return value;
}
