#include "separable.h"

#include "base/cpu.h"
#include "ref.h"
#include "separable_parts.h"

#include <math.h>

enum {
    LANES = RT_SEPARABLE_LANES,
    MOST_STEM = 16,       /* channels of a stem: for more, the library is as fast */
    LEAST_STEM_ROWS = 8,  /* of a strip behind a stem, which reads its first row anew for each */
    LEAST_WIDTH = 20,     /* of an image under 5 x 5 */
    LEAST_PIXELS = 6,     /* of a convolution of 1 x 1: fewer do not fill the processor's pipes */
    LEAST_WIDE = 512,     /* channels that 1 x 1 makes, where they are a power of two */
    STRIP_PIXELS = 96,    /* of a strip: enough that weights read again for each cost little */
    BLOCK_GAP = 2 * LANES /* floats between blocks, so that equal places in them are not equal cache sets */
};

/* What each instruction set brings. */
typedef struct level {
    rt_pointwise_run *pointwise;
    rt_depthwise_run *depthwise;
    rt_stem_run *stem;
} level;

static const level levels[] = {
    [RT_CPU_PLAIN] = {0},
#if defined(__x86_64__)
    [RT_CPU_AVX2] = {rt__pointwise_avx2, rt__depthwise_avx2, rt__stem_avx2},
#endif
    [RT_CPU_AVX512] = {0}, /* the library's are wider */
};

/* A kernel of one convolution, or of a chain: those it has run one after the other. */
typedef struct separable {
    rt_kernel base;
    level run;
    rt_stem stem;
    rt_pointwise before, after;
    rt_depthwise depthwise;
    bool has_stem, has_before, has_after; /* not both of the first two */
    size_t stem_floats;                   /* of its scratch memory */
    int32_t strip;                        /* rows of dst at a time */
    rt_rows ring;                         /* what `stem` or `before` makes */
    size_t strip_block;                   /* floats from one block of the strip to the next */
} separable;

/* ---- weights ---- */

/* A kernel with room for n floats that start where a cache line does. */
static separable *separable_new(size_t n, float **floats, rt_error *err)
{
    const size_t line = RT_KERNEL_ALIGN / sizeof(float);
    separable *own = rt__ref_kernel_new(sizeof *own, n + line, floats, err);
    if (!own)
        return NULL;
    own->run = levels[rt__cpu_level()];
    *floats += (RT_KERNEL_ALIGN - (uintptr_t)*floats % RT_KERNEL_ALIGN) % RT_KERNEL_ALIGN / sizeof(float);
    return own;
}

static void activation_range(rt_activation activation, float *low, float *high)
{
    *low = activation.kind == RT_ACTIVATION_NONE ? -INFINITY : 0;
    *high = activation.kind == RT_ACTIVATION_RELU6 ? 6 : INFINITY;
}

/* 0 for NULL. */
static size_t weight_floats(const rt_conv_spec *spec)
{
    const size_t taps = spec ? (size_t)spec->window.size[0] * (size_t)spec->window.size[1] : 0;
    return spec ? taps * (size_t)spec->channels * (spec->multiplier > 0 ? 1 : (size_t)spec->src.c) +
                      (size_t)spec->channels
                : 0;
}

/* floats: room for weight_floats(); returns what is behind them. */
static float *pack_pointwise(const rt_conv_spec *spec, rt_pointwise *p, float *floats)
{
    const int32_t all = spec->channels / LANES;
    *p = (rt_pointwise){
        .c = spec->src.c, .k = spec->channels, .weights = floats, .accumulate = spec->accumulate};
    activation_range(spec->activation, &p->low, &p->high);
    for (int32_t first = 0, width; first < all; first += width) {
        width = rt__pointwise_panel(first, all);
        for (int32_t i = 0; i < p->c; i++)
            for (int32_t o = 0; o < width * LANES; o++)
                *floats++ = spec->weights[(size_t)i * (size_t)p->k + (size_t)(first * LANES + o)];
    }
    p->bias = floats;
    for (int32_t o = 0; o < p->k; o++)
        *floats++ = spec->bias[o];
    return floats;
}

static float *pack_depthwise(const rt_conv_spec *spec, rt_depthwise *d, float *floats)
{
    const rt_window *w = &spec->window;
    const int32_t c = spec->src.c, taps = w->size[0];
    *d = (rt_depthwise){.src = spec->src, .taps = taps, .stride = w->stride[0], .weights = floats};
    activation_range(spec->activation, &d->low, &d->high);
    for (int i = 0; i < 2; i++)
        d->front[i] = w->front[i];
    d->src.layout = RT_LAYOUT_BLOCK8;
    d->dst = rt__window_grid(w, &d->src, c);
    for (int32_t first = 0; first < c; first += LANES)
        for (int32_t i = 0; i < taps * taps; i++)
            for (int32_t o = 0; o < LANES; o++)
                *floats++ = spec->weights[(size_t)i * (size_t)c + (size_t)(first + o)];
    d->bias = floats;
    for (int32_t o = 0; o < c; o++)
        *floats++ = spec->bias[o];
    return floats;
}

/* affine: NULL for none. */
static float *pack_stem(const rt_conv_spec *spec, const rt_affine_spec *affine, rt_stem *s, float *floats)
{
    const int32_t c = spec->src.c, k = spec->channels;
    const rt_grid blocks = {spec->src.h, spec->src.w, c, RT_LAYOUT_BLOCK8};
    *s = (rt_stem){.src = spec->src, .weights = floats};
    s->src.layout = RT_LAYOUT_PLANES;
    s->dst = rt__window_grid(&spec->window, &blocks, k);
    s->width = (s->dst.w - 1) * RT_STEM_STRIDE + RT_STEM_TAPS;
    activation_range(spec->activation, &s->low, &s->high);
    for (int i = 0; i < 2; i++)
        s->front[i] = spec->window.front[i];
    for (int32_t i = 0; i < c; i++) {
        s->scale[i] = affine ? affine->scale[i] : 1;
        s->shift[i] = affine ? affine->shift[i] : 0;
    }
    for (int32_t first = 0, width; first < k / LANES; first += width) {
        width = rt__stem_panel(first, k / LANES);
        for (int32_t down = 0; down < RT_STEM_TAPS; down++)
            for (int32_t i = 0; i < c; i++)
                for (int32_t across = 0; across < RT_STEM_TAPS; across++) {
                    const size_t row = (size_t)((down * RT_STEM_TAPS + across) * c + i);
                    for (int32_t o = first * LANES; o < (first + width) * LANES; o++)
                        *floats++ = spec->weights[row * (size_t)k + (size_t)o];
                }
    }
    s->bias = floats;
    for (int32_t o = 0; o < k; o++)
        *floats++ = spec->bias[o];
    return floats;
}

/* ---- running ---- */

static size_t area(const rt_grid *grid)
{
    return (size_t)grid->h * (size_t)grid->w * LANES;
}

static rt_code pointwise_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const separable *k = (const separable *)kernel;
    const size_t block = area(&kernel->dst);
    (void)bound;
    (void)err;
    k->run.pointwise(&k->after, args->src[0], block, args->dst, block, block / LANES);
    return RT_OK;
}

static rt_code depthwise_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const separable *k = (const separable *)kernel;
    const rt_rows rows = {area(&kernel->src[0]), kernel->src[0].h};
    (void)bound;
    (void)err;
    k->run.depthwise(&k->depthwise, args->src[0], &rows, args->dst, area(&kernel->dst), 0, kernel->dst.h);
    return RT_OK;
}

static rt_code stem_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const separable *k = (const separable *)kernel;
    const rt_rows rows = {area(&kernel->dst), kernel->dst.h};
    (void)bound;
    (void)err;
    k->run.stem(&k->stem, args->src[0], args->scratch, args->dst, &rows, 0, kernel->dst.h);
    return RT_OK;
}

/* Rows begin .. end - 1 of what the depthwise convolution reads. */
static void make_rows(const separable *k, const float *src, float *scratch, float *ring, int32_t begin,
                      int32_t end)
{
    const rt_grid *grid = &k->depthwise.src;
    const size_t row = (size_t)grid->w * LANES;
    if (k->has_stem) {
        k->run.stem(&k->stem, src, scratch, ring, &k->ring, begin, end - begin);
        return;
    }
    while (begin < end) {
        const int32_t at = begin % k->ring.n_ring, rest = k->ring.n_ring - at;
        const int32_t n = end - begin < rest ? end - begin : rest;
        k->run.pointwise(&k->before, src + (size_t)begin * row, area(grid), ring + (size_t)at * row,
                         k->ring.block, (size_t)n * (size_t)grid->w);
        begin += n;
    }
}

static rt_code chain_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const separable *k = (const separable *)kernel;
    const rt_depthwise *d = &k->depthwise;
    const rt_rows all = {area(&d->src), d->src.h};
    const size_t row = (size_t)d->dst.w * LANES, dst_block = area(&kernel->dst);
    const bool has_ring = k->has_stem || k->has_before;
    float *scratch = args->scratch, *ring = scratch + k->stem_floats;
    float *strip = ring + (has_ring ? k->ring.block * (size_t)(d->src.c / LANES) : 0);
    (void)bound;
    (void)err;
    for (int32_t y = 0, made = 0; y < d->dst.h; y += k->strip) {
        const int32_t n = d->dst.h - y < k->strip ? d->dst.h - y : k->strip;
        const int32_t reach = (y + n - 1) * d->stride - d->front[0] + d->taps;
        const int32_t end = reach < d->src.h ? reach : d->src.h;
        float *to = k->has_after ? strip : args->dst + (size_t)y * row;
        if (has_ring && made < end) {
            make_rows(k, args->src[0], scratch, ring, made, end);
            made = end;
        }
        k->run.depthwise(d, has_ring ? ring : args->src[0], has_ring ? &k->ring : &all, to,
                         k->has_after ? k->strip_block : dst_block, y, n);
        if (k->has_after)
            k->run.pointwise(&k->after, strip, k->strip_block, args->dst + (size_t)y * row, dst_block,
                             (size_t)n * (size_t)d->dst.w);
    }
    return RT_OK;
}

/* ---- kernels ---- */

bool rt__pointwise_fits(const rt_conv_spec *spec)
{
    const rt_window *w = &spec->window;
    for (int i = 0; i < 2; i++)
        if (w->size[i] != 1 || w->stride[i] != 1 || w->front[i] != 0 || w->back[i] != 0)
            return false;
    return levels[rt__cpu_level()].pointwise && spec->multiplier == 0 &&
           spec->activation.kind <= RT_ACTIVATION_RELU6 && spec->src.c % LANES == 0 &&
           spec->channels % LANES == 0;
}

bool rt__depthwise_fits(const rt_conv_spec *spec)
{
    const rt_window *w = &spec->window;
    for (int i = 0; i < 2; i++)
        if ((w->size[i] != 3 && w->size[i] != 5) || w->size[i] != w->size[0] || w->stride[i] > 2 ||
            w->stride[i] != w->stride[0] || w->dilation[i] != 1 || w->front[i] >= w->size[i] ||
            w->back[i] >= w->size[i])
            return false;
    return levels[rt__cpu_level()].pointwise && spec->multiplier == 1 && !spec->accumulate &&
           spec->activation.kind <= RT_ACTIVATION_RELU6 && spec->src.c % LANES == 0 &&
           spec->src.w >= w->size[1] && spec->src.h >= w->size[0];
}

bool rt__stem_fits(const rt_conv_spec *spec)
{
    const rt_window *w = &spec->window;
    for (int i = 0; i < 2; i++)
        if (w->size[i] != RT_STEM_TAPS || w->stride[i] != RT_STEM_STRIDE || w->dilation[i] != 1 ||
            w->front[i] >= w->size[i])
            return false;
    return levels[rt__cpu_level()].stem && spec->multiplier == 0 && !spec->accumulate &&
           spec->activation.kind <= RT_ACTIVATION_RELU6 && spec->src.c <= RT_STEM_CHANNELS &&
           spec->channels <= MOST_STEM && spec->channels % LANES == 0;
}

bool rt__chain_fits(const rt_chain_spec *spec)
{
    const bool has_stem = spec->before && rt__stem_fits(spec->before);
    if (spec->affine && (!has_stem || spec->affine->activation.kind != RT_ACTIVATION_NONE))
        return false;
    if (!spec->depthwise)
        return spec->affine && !spec->after;
    return rt__depthwise_fits(spec->depthwise) && (spec->before || spec->after) &&
           (!spec->before || has_stem || (rt__pointwise_fits(spec->before) && !spec->before->accumulate)) &&
           (!spec->after || rt__pointwise_fits(spec->after));
}

static rt_code single_new(const rt_conv_spec *spec, separable **out, float **floats, rt_error *err)
{
    separable *own = separable_new(weight_floats(spec), floats, err);
    if (!own)
        return RT_ENOMEM;
    own->base.src[0] = spec->src;
    own->base.src[0].layout = RT_LAYOUT_BLOCK8;
    own->base.dst = rt__window_grid(&spec->window, &own->base.src[0], spec->channels);
    *out = own;
    return RT_OK;
}

rt_code rt__pointwise_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    separable *own;
    float *floats;
    rt_code code = single_new(spec, &own, &floats, err);
    if (code != RT_OK)
        return code;
    pack_pointwise(spec, &own->after, floats);
    own->base.run = pointwise_run;
    *kernel = &own->base;
    return RT_OK;
}

rt_code rt__depthwise_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    separable *own;
    float *floats;
    rt_code code = single_new(spec, &own, &floats, err);
    if (code != RT_OK)
        return code;
    pack_depthwise(spec, &own->depthwise, floats);
    own->base.run = depthwise_run;
    *kernel = &own->base;
    return RT_OK;
}

/* How many rows at a time, and where they are. */
static void cut_strips(separable *k)
{
    const rt_depthwise *d = &k->depthwise;
    int32_t strips, rows = (STRIP_PIXELS + d->dst.w - 1) / d->dst.w;
    if (k->has_stem && rows < LEAST_STEM_ROWS)
        rows = LEAST_STEM_ROWS;
    rows = rows < d->dst.h ? rows : d->dst.h;
    strips = (d->dst.h + rows - 1) / rows;
    k->strip = (d->dst.h + strips - 1) / strips;
    k->ring.n_ring = (k->strip - 1) * d->stride + d->taps;
    if (k->ring.n_ring > d->src.h)
        k->ring.n_ring = d->src.h;
    k->ring.block = (size_t)k->ring.n_ring * (size_t)d->src.w * LANES + BLOCK_GAP;
    k->strip_block = (size_t)k->strip * (size_t)d->dst.w * LANES + BLOCK_GAP;
}

/* Packs what the spec has, which is checked. */
static void pack_chain(const rt_chain_spec *spec, separable *k, float *floats)
{
    k->has_stem = spec->before && rt__stem_fits(spec->before);
    k->has_before = spec->before && !k->has_stem;
    k->has_after = spec->after != NULL;
    if (k->has_stem)
        floats = pack_stem(spec->before, spec->affine, &k->stem, floats);
    if (k->has_before)
        floats = pack_pointwise(spec->before, &k->before, floats);
    if (spec->depthwise)
        floats = pack_depthwise(spec->depthwise, &k->depthwise, floats);
    if (k->has_after)
        pack_pointwise(spec->after, &k->after, floats);
    if (k->has_stem)
        k->stem_floats = ((size_t)(RT_STEM_TAPS * k->stem.src.c) * (size_t)k->stem.width + 15) / 16 * 16;
}

static size_t chain_scratch(const separable *k)
{
    const size_t blocks = (size_t)(k->depthwise.src.c / LANES);
    return k->stem_floats + (k->has_stem || k->has_before ? k->ring.block * blocks : 0) +
           (k->has_after ? k->strip_block * blocks : 0);
}

rt_code rt__chain_conv(const rt_chain_spec *spec, rt_kernel **kernel, rt_error *err)
{
    const rt_conv_spec *first = spec->before ? spec->before : spec->depthwise;
    const rt_conv_spec *last = spec->after ? spec->after : spec->depthwise ? spec->depthwise : spec->before;
    float *floats;
    separable *own = separable_new(weight_floats(spec->before) + weight_floats(spec->depthwise) +
                                       weight_floats(spec->after),
                                   &floats, err);
    if (!own)
        return RT_ENOMEM;
    pack_chain(spec, own, floats);
    own->base.src[0] = first->src;
    own->base.src[0].layout = own->has_stem ? RT_LAYOUT_PLANES : RT_LAYOUT_BLOCK8;
    if (spec->depthwise) {
        cut_strips(own);
        own->base.dst = own->depthwise.dst;
        own->base.dst.c = last->channels;
        own->base.scratch_bytes = chain_scratch(own) * sizeof(float);
        own->base.run = chain_run;
    } else {
        own->base.dst = own->stem.dst;
        own->base.scratch_bytes = own->stem_floats * sizeof(float);
        own->base.run = stem_run;
    }
    /* `before` is always done with the rows of src that become rows of dst. */
    own->base.in_place = own->has_before && last->accumulate && own->base.src[0].c == last->channels &&
                         own->base.src[0].h == own->base.dst.h && own->base.src[0].w == own->base.dst.w;
    *kernel = &own->base;
    return RT_OK;
}

rt_code rt__stem_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    return rt__chain_conv(&(rt_chain_spec){.before = spec}, kernel, err);
}

/* ---- slots ---- */

/* To the 512 and 1024 channels of MobileNet V1 1.0 the library takes 0.93 of our time, to other numbers as
 * large as those ours is quicker.  Measured by bench/bench_kernels. */
static bool pointwise_pays(const rt_conv_spec *spec)
{
    const bool wide = spec->channels >= LEAST_WIDE && (spec->channels & (spec->channels - 1)) == 0;
    return spec->src.h * spec->src.w >= LEAST_PIXELS && !wide;
}

static rt_code conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err)
{
    if (rt__pointwise_fits(spec) && pointwise_pays(spec))
        return rt__pointwise_conv(spec, kernel, err);
    if (rt__stem_fits(spec))
        return rt__stem_conv(spec, kernel, err);
    return kernels->library_conv(kernels, spec, kernel, err);
}

/* Of 5 x 5 ones on narrow images the outputs at an edge, done one by one, are too many.  Measured by
 * bench/bench_kernels. */
static bool depthwise_pays(const rt_conv_spec *spec)
{
    return spec->window.size[1] == 3 || spec->src.w >= LEAST_WIDTH;
}

static rt_code depthwise(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                         rt_error *err)
{
    if (rt__depthwise_fits(spec) && depthwise_pays(spec))
        return rt__depthwise_conv(spec, kernel, err);
    return kernels->library_depthwise(kernels, spec, kernel, err);
}

static rt_code chain(const rt_kernels *kernels, const rt_chain_spec *spec, rt_kernel **kernel, rt_error *err)
{
    (void)kernels;
    *kernel = NULL;
    if (!rt__chain_fits(spec) || (spec->depthwise && !depthwise_pays(spec->depthwise)) ||
        (spec->after && !pointwise_pays(spec->after)))
        return RT_OK;
    return rt__chain_conv(spec, kernel, err);
}

void rt__separable_fill(rt_kernels *kernels)
{
    if (!levels[rt__cpu_level()].pointwise)
        return;
    kernels->library_conv = kernels->direct_conv;
    kernels->library_depthwise = kernels->depthwise;
    kernels->conv = kernels->direct_conv = conv;
    kernels->depthwise = depthwise;
    kernels->chain = chain;
    kernels->input = RT_LAYOUT_PLANES;
}
