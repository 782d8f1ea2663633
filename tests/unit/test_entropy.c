#include "pipeline/entropy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static void what_is_spread_evenly_is_kept_whole(void **state)
{
    uint64_t counts[RT_ENTROPY_BINS];
    (void)state;
    for (size_t i = 0; i < RT_ENTROPY_BINS; i++)
        counts[i] = 1000;
    assert_int_equal(rt__entropy_bins(counts), RT_ENTROPY_BINS);
}

/* A network's usual tensor: half a normal distribution, and a few values far out that would make the steps of
 * all others coarse. */
static void few_values_far_out_are_given_up(void **state)
{
    uint64_t counts[RT_ENTROPY_BINS];
    size_t n;
    (void)state;
    for (size_t i = 0; i < RT_ENTROPY_BINS; i++) {
        double x = (double)i / 80;
        counts[i] = (uint64_t)(1e6 * exp(-x * x / 2));
    }
    counts[RT_ENTROPY_BINS - 1] = 5;
    n = rt__entropy_bins(counts);
    assert_in_range(n, 3 * 80, 6 * 80); /* three to six standard deviations */
}

/* Zeros, of which a ReLU leaves many, are exact in every range. */
static void zeros_change_nothing(void **state)
{
    uint64_t counts[RT_ENTROPY_BINS];
    size_t n;
    (void)state;
    for (size_t i = 0; i < RT_ENTROPY_BINS; i++)
        counts[i] = (uint64_t)(1e6 * exp(-(double)i / 150));
    n = rt__entropy_bins(counts);
    counts[0] = 1000000000;
    assert_int_equal(rt__entropy_bins(counts), n);
}

static void a_tensor_with_few_values_has_a_range(void **state)
{
    uint64_t counts[RT_ENTROPY_BINS] = {0};
    (void)state;
    assert_int_equal(rt__entropy_bins(counts), RT_ENTROPY_BINS);
    counts[RT_ENTROPY_BINS - 1] = 1;
    assert_int_equal(rt__entropy_bins(counts), RT_ENTROPY_BINS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_spread_evenly_is_kept_whole),
        cmocka_unit_test(few_values_far_out_are_given_up),
        cmocka_unit_test(zeros_change_nothing),
        cmocka_unit_test(a_tensor_with_few_values_has_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
