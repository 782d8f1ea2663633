#include "winograd.h"

#include "base/cpu.h"
#include "ref.h"
#include "winograd_parts.h"

#include <math.h>

enum {
    BLOCK_FLOATS =
        1 << 17,        /* of transformed tiles and products at a time: they stay in a second-level cache */
    PLANE_GAP = 16,     /* floats between planes, so that equal places in them are not equal cache sets */
    LEAST_CHANNELS = 16 /* below this the transforms cost more than the products they save */
};

/* What each instruction set brings. */
typedef struct level {
    rt_winograd_find *find;
    rt_layout layout;
    int32_t lanes, rows; /* floats in a vector; tiles side by side in a product */
} level;

static const level levels[] = {
    [RT_CPU_PLAIN] = {0},
#if defined(__x86_64__)
    [RT_CPU_AVX2] = {rt__winograd_find_avx2, RT_LAYOUT_BLOCK8, 8, 6},
    [RT_CPU_AVX512] = {rt__winograd_find_avx512, RT_LAYOUT_BLOCK16, 16, 12},
#else
    [RT_CPU_AVX512] = {0},
#endif
};

typedef struct winograd {
    rt_kernel base;
    rt_winograd w;
    rt_winograd_run *run;
} winograd;

static rt_code winograd_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const winograd *k = (const winograd *)kernel;
    (void)bound;
    (void)err;
    k->run(&k->w, args->src[0], args->dst, args->scratch);
    return RT_OK;
}

/* ---- axes ---- */

/* The points of each number of pairs: those with the least error found among eighths. */
static const struct {
    int32_t taps, outs, pairs;
    double points[RT_WINOGRAD_PAIRS];
} schemes[] = {
    {1, 1, 0, {0}},
    {3, 4, 2, {0.625, 1.5}},
    {5, 2, 2, {0.625, 1.5}},
    {7, 4, 4, {0.375, 0.875, 1.125, 2.5}},
};

/* The product of y - q^2 over all n points but number `without`, lowest power first. */
static void polynomial(const double *points, int32_t n, int32_t without, double *coefficients)
{
    int32_t degree = 0;
    coefficients[0] = 1;
    for (int32_t i = 0; i < n; i++) {
        if (i == without)
            continue;
        coefficients[++degree] = 0;
        for (int32_t j = degree; j >= 0; j--)
            coefficients[j] = (j > 0 ? coefficients[j - 1] : 0) - points[i] * points[i] * coefficients[j];
    }
}

static void pair_fill(rt_winograd_axis *axis, const double *points, int32_t p)
{
    const double point = points[p], yy = point * point;
    double rest[RT_WINOGRAD_PAIRS + 1], there = 0;
    polynomial(points, axis->pairs, p, rest);
    for (int32_t i = 0; i < axis->pairs; i++) {
        axis->rest[p][i] = (float)rest[i];
        there += rest[i] * pow(yy, i);
    }
    for (int32_t i = 0; i < axis->outs; i++)
        axis->power[p][i] = (float)pow(point, i);
    /* divided by what B' multiplies by: x (x + p) rest(x^2) at x = p */
    for (int32_t i = 0; i < axis->taps; i++) {
        axis->filter[1 + 2 * p][i] = pow(point, i) / (2 * yy * there);
        axis->filter[2 + 2 * p][i] = pow(-point, i) / (2 * yy * there);
    }
}

/* False if there is no scheme for so many taps. */
static bool axis_fill(rt_winograd_axis *axis, int32_t taps)
{
    size_t row = 0, n = sizeof schemes / sizeof *schemes;
    double all[RT_WINOGRAD_PAIRS + 1];
    while (row < n && schemes[row].taps != taps)
        row++;
    if (row == n)
        return false;
    *axis = (rt_winograd_axis){.taps = taps, .outs = schemes[row].outs, .pairs = schemes[row].pairs};
    axis->ins = taps + axis->outs - 1;
    polynomial(schemes[row].points, axis->pairs, -1, all);
    for (int32_t i = 0; i <= axis->pairs; i++)
        axis->all[i] = (float)all[i];
    for (int32_t p = 0; p < axis->pairs; p++)
        pair_fill(axis, schemes[row].points, p);
    axis->filter[axis->ins - 1][taps - 1] = 1;
    axis->filter[0][0] = 1 / all[0];
    return true;
}

/* ---- kernels ---- */

/* Tiles in blocks of about the same size. */
static int32_t block_of(int32_t tiles, int32_t floats, int32_t rows)
{
    int32_t most = BLOCK_FLOATS / floats, blocks, block;
    if (most < rows)
        most = rows;
    blocks = (tiles + most - 1) / most;
    block = (tiles + blocks - 1) / blocks;
    block = (block + rows - 1) / rows * rows;
    return block < tiles ? block : tiles;
}

static int32_t tiles_of(int32_t size, const rt_winograd_axis *axis)
{
    return (size + axis->outs - 1) / axis->outs;
}

/* All but filters and bias; false if no kernel does it. */
static bool describe(const rt_conv_spec *spec, const level *here, rt_winograd *w)
{
    const rt_window *window = &spec->window;
    if (!here->find || spec->multiplier > 0 || spec->activation.kind > RT_ACTIVATION_RELU6 ||
        spec->src.c % here->lanes != 0 || spec->channels % here->lanes != 0)
        return false;
    *w = (rt_winograd){.src = spec->src, .accumulate = spec->accumulate, .low = -INFINITY, .high = INFINITY};
    for (int i = 0; i < 2; i++) {
        if (window->stride[i] != 1 || window->dilation[i] != 1 || !axis_fill(&w->axis[i], window->size[i]))
            return false;
        w->front[i] = window->front[i];
    }
    w->src.layout = here->layout;
    w->dst = rt__window_grid(window, &w->src, spec->channels);
    w->points = w->axis[0].ins * w->axis[1].ins;
    w->across = tiles_of(w->dst.w, &w->axis[1]);
    w->tiles = w->across * tiles_of(w->dst.h, &w->axis[0]);
    w->block = block_of(w->tiles, w->points * (w->src.c + w->dst.c), here->rows);
    w->in_plane = (size_t)w->block * (size_t)w->src.c + PLANE_GAP;
    w->out_plane = (size_t)w->block * (size_t)w->dst.c + PLANE_GAP;
    if (spec->activation.kind != RT_ACTIVATION_NONE)
        w->low = 0;
    if (spec->activation.kind == RT_ACTIVATION_RELU6)
        w->high = 6;
    return here->find(&w->axis[0], &w->axis[1]) != NULL;
}

bool rt__winograd_fits(const rt_conv_spec *spec)
{
    rt_winograd w;
    return describe(spec, &levels[rt__cpu_level()], &w);
}

/* Products of one pair of channels, and the time in which a transformed weight comes from memory, counted in
 * products of one vector.  Measured by bench/bench_kernels and whole networks. */
bool rt__winograd_pays(const rt_conv_spec *spec)
{
    const level *here = &levels[rt__cpu_level()];
    rt_winograd w;
    double direct, fast;
    if (!describe(spec, here, &w) || w.src.c < LEAST_CHANNELS || w.dst.c < LEAST_CHANNELS)
        return false;
    direct = (double)w.axis[0].taps * w.axis[1].taps * w.dst.h * w.dst.w;
    fast = w.points * (1.1 * w.tiles + 2.0 * here->lanes);
    return direct > fast;
}

rt_code rt__winograd_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    const level *here = &levels[rt__cpu_level()];
    const rt_winograd_kind *kind;
    rt_winograd w;
    winograd *own;
    float *floats;
    size_t n;
    if (!describe(spec, here, &w))
        return rt_fail(err, RT_EUNSUPPORTED, "no Winograd convolution for this");
    n = (size_t)w.points * (size_t)w.src.c * (size_t)w.dst.c;
    if (!(own = rt__ref_kernel_new(sizeof *own, n + (size_t)w.dst.c, &floats, err)))
        return RT_ENOMEM;
    kind = here->find(&w.axis[0], &w.axis[1]);
    kind->pack(&w, spec->weights, floats);
    for (int32_t i = 0; i < w.dst.c; i++)
        floats[n + (size_t)i] = spec->bias[i];
    w.filters = floats;
    w.bias = floats + n;
    own->w = w;
    own->run = kind->run;
    own->base.src[0] = w.src;
    own->base.dst = w.dst;
    own->base.scratch_bytes = (size_t)w.points * (w.in_plane + w.out_plane) * sizeof(float);
    own->base.run = winograd_run;
    *kernel = &own->base;
    return RT_OK;
}

static rt_code conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    if (rt__winograd_pays(spec))
        return rt__winograd_conv(spec, kernel, err);
    return kernels->direct_conv(kernels, spec, kernel, err);
}

void rt__winograd_fill(rt_kernels *kernels)
{
    if (levels[rt__cpu_level()].find)
        kernels->conv = conv;
}
