/* Every level of the dense kernels against plain C, bit for bit, between guard values. */
#include "kernel/dense.h"

#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

enum { GUARD = 24 };

static const float guard_value = 12345.678F;

static float random_value(rt_rng *rng)
{
    return (float)(4 * rt__rng_unit(rng) - 2);
}

/* Exactly n floats, so that a sanitizer sees a read behind them. */
static float *random_floats(rt_rng *rng, size_t n)
{
    float *values = malloc(n * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n; i++)
        values[i] = random_value(rng);
    return values;
}

/* GUARD values before and behind n; `start` is where the n begin. */
static float *guarded(size_t n, float **start)
{
    float *values = malloc((n + 2 * GUARD) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < n + 2 * GUARD; i++)
        values[i] = guard_value;
    *start = values + GUARD;
    return values;
}

static void check_guards(const float *values, size_t n)
{
    for (size_t i = 0; i < GUARD; i++)
        assert_true(values[i] == guard_value && values[GUARD + n + i] == guard_value);
}

static void check_bits(const rt_dense *fast, const char *kernel, const float *got, const float *wanted,
                       size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(got + i, wanted + i, sizeof *got) != 0)
            fail_msg("%s %s: value %zu is %.9g, plain C's %.9g", fast->name, kernel, i, (double)got[i],
                     (double)wanted[i]);
}

typedef struct shape {
    size_t n, length, n_outputs;
} shape;

typedef struct products {
    rt_dense_rows rows;
    const float **x;
    float *w, *d;
    size_t stride; /* of w, d's rows and both results: wider than needed, what lies between is not touched */
} products;

static products products_new(rt_rng *rng, shape s)
{
    products p = {{NULL, s.n, s.length, s.n_outputs}, malloc(s.n * sizeof *p.x), NULL, NULL, 0};
    assert_non_null(p.x);
    for (size_t i = 0; i < s.n; i++)
        p.x[i] = random_floats(rng, s.length);
    p.rows.x = p.x;
    p.stride = (s.length > s.n_outputs ? s.length : s.n_outputs) + 3;
    p.w = random_floats(rng, (s.n_outputs - 1) * p.stride + s.length);
    p.d = random_floats(rng, (s.n - 1) * p.stride + s.n_outputs);
    return p;
}

static void products_clear(products *p)
{
    for (size_t i = 0; i < p->rows.n; i++)
        free((void *)p->x[i]);
    free(p->x);
    free(p->w);
    free(p->d);
}

static void check_products(const rt_dense *ref, const rt_dense *fast, rt_rng *rng, shape s)
{
    products p = products_new(rng, s);
    size_t most = (s.n > s.n_outputs ? s.n : s.n_outputs) * p.stride;
    float *got, *wanted, *got_memory = guarded(most, &got), *wanted_memory = guarded(most, &wanted);
    for (size_t i = 0; i < most; i++)
        got[i] = wanted[i] = random_value(rng);
    ref->dot(&p.rows, p.w, p.stride, wanted, p.stride);
    fast->dot(&p.rows, p.w, p.stride, got, p.stride);
    check_bits(fast, "dot", got, wanted, most);
    ref->accumulate(&p.rows, p.d, p.stride, wanted, p.stride);
    fast->accumulate(&p.rows, p.d, p.stride, got, p.stride);
    check_bits(fast, "accumulate", got, wanted, most);
    check_guards(got_memory, most);
    free(got_memory);
    free(wanted_memory);
    products_clear(&p);
}

static void check_vectors(const rt_dense *ref, const rt_dense *fast, rt_rng *rng, size_t n)
{
    float *step = random_floats(rng, n), *got, *wanted;
    float *got_memory = guarded(n, &got), *wanted_memory = guarded(n, &wanted);
    for (size_t i = 0; i < n; i++)
        got[i] = wanted[i] = 40 * random_value(rng);
    ref->descend(wanted, step, 0.37F, n);
    fast->descend(got, step, 0.37F, n);
    check_bits(fast, "descend", got, wanted, n);
    ref->exp(wanted, n);
    fast->exp(got, n);
    check_bits(fast, "exp", got, wanted, n);
    check_guards(got_memory, n);
    free(got_memory);
    free(wanted_memory);
    free(step);
}

static void check_level(rt_cpu_level level, const char *name)
{
    static const size_t counts[] = {1, 2, 3, 4, 5, 7, 16},
                        outputs[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 21};
    static const size_t lengths[] = {1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 100, 256, 511};
    rt_dense ref, fast;
    rt_rng rng;
    if (rt__cpu_level() < level) {
        printf("skipped: this processor has no %s\n", name);
        skip();
    }
    rt__dense_init(&ref, RT_CPU_PLAIN);
    rt__dense_init(&fast, level);
    assert_string_equal(fast.name, name);
    rt__rng_seed(&rng, 11, 0);
    for (size_t a = 0; a < sizeof counts / sizeof *counts; a++)
        for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++)
            for (size_t c = 0; c < sizeof outputs / sizeof *outputs; c++)
                check_products(&ref, &fast, &rng, (shape){counts[a], lengths[b], outputs[c]});
    for (size_t n = 1; n < 70; n++)
        check_vectors(&ref, &fast, &rng, n);
}

static void avx2_has_the_bits_of_plain_c(void **state)
{
    (void)state;
    check_level(RT_CPU_AVX2, "AVX2");
}

static void avx512_has_the_bits_of_plain_c(void **state)
{
    (void)state;
    check_level(RT_CPU_AVX512, "AVX-512");
}

static void every_slot_is_filled(void **state)
{
    (void)state;
    for (int level = RT_CPU_PLAIN; level <= RT_CPU_AVX512; level++) {
        rt_dense dense = {0};
        rt__dense_init(&dense, (rt_cpu_level)level);
        assert_true(dense.name != NULL && dense.dot != NULL && dense.accumulate != NULL);
        assert_true(dense.descend != NULL && dense.exp != NULL);
    }
}

/* Two units in the last place are 2.4e-7 of the value at most. */
static void exp_is_near_the_real_one(void **state)
{
    rt_dense ref;
    (void)state;
    rt__dense_init(&ref, RT_CPU_PLAIN);
    for (int i = -87 * 4096; i <= 88 * 4096; i++) {
        float v = (float)i / 4096.0F, value = v;
        double wanted = exp((double)v);
        ref.exp(&value, 1);
        if (!(fabs((double)value - wanted) <= 2.4e-7 * wanted))
            fail_msg("exp(%.9g) is %.9g, not %.9g", (double)v, (double)value, wanted);
    }
}

static void exp_of_the_extremes(void **state)
{
    (void)state;
    for (int level = RT_CPU_PLAIN; level <= RT_CPU_AVX512; level++) {
        float v[20] = {0, -87.0001F, -1000, -INFINITY, NAN, -0.0F, -FLT_MIN, 1e-30F};
        rt_dense dense;
        rt__dense_init(&dense, (rt_cpu_level)level);
        dense.exp(v, 20);
        assert_true(v[0] == 1 && v[5] == 1 && v[6] == 1 && v[7] == 1);
        assert_true(v[1] == 0 && v[2] == 0 && v[3] == 0);
        assert_true(isnan(v[4]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_filled),
        cmocka_unit_test(avx2_has_the_bits_of_plain_c),
        cmocka_unit_test(avx512_has_the_bits_of_plain_c),
        cmocka_unit_test(exp_is_near_the_real_one),
        cmocka_unit_test(exp_of_the_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
