/* Moves an image into another layout, or into some of the channels of a wider one. */
#include "ref.h"

#include <string.h>

typedef struct place {
    rt_kernel base;
    int32_t offset;
    bool is_run; /* the channels are one run of memory, in the same layout */
    size_t start;
} place;

/* Channel c of a grid: its first pixel; the others follow every inner floats. */
static size_t channel_start(const rt_grid *grid, int32_t c)
{
    int32_t inner = rt__grid_inner(grid);
    return (size_t)(c / inner) * (size_t)inner * (size_t)grid->h * (size_t)grid->w + (size_t)(c % inner);
}

static rt_code place_run(const rt_kernel *kernel, const rt_kernel_args *args, void *bound, rt_error *err)
{
    const place *k = (const place *)kernel;
    const rt_grid *in = &kernel->src[0], *out = &kernel->dst;
    size_t pixels = (size_t)in->h * (size_t)in->w;
    size_t from_step = (size_t)rt__grid_inner(in), to_step = (size_t)rt__grid_inner(out);
    (void)bound;
    (void)err;
    if (k->is_run) {
        memcpy(args->dst + k->start, args->src[0], rt__grid_floats(in) * sizeof(float));
        return RT_OK;
    }
    for (int32_t c = 0; c < in->c; c++) {
        const float *from = args->src[0] + channel_start(in, c);
        float *to = args->dst + channel_start(out, k->offset + c);
        for (size_t p = 0; p < pixels; p++)
            to[p * to_step] = from[p * from_step];
    }
    if (k->offset + in->c == out->c)
        for (int32_t c = out->c; c % (int32_t)to_step != 0; c++) {
            float *to = args->dst + channel_start(out, c);
            for (size_t p = 0; p < pixels; p++)
                to[p * to_step] = 0;
        }
    return RT_OK;
}

rt_code rt__ref_place(const rt_kernels *kernels, const rt_place_spec *spec, rt_kernel **kernel, rt_error *err)
{
    place *k = rt__ref_kernel_new(sizeof *k, 0, NULL, err);
    (void)kernels;
    if (!k)
        return RT_ENOMEM;
    k->offset = spec->offset;
    k->is_run = rt__grid_window(&spec->dst, &spec->src, spec->offset, &k->start);
    k->base.run = place_run;
    k->base.src[0] = spec->src;
    k->base.dst = spec->dst;
    *kernel = &k->base;
    return RT_OK;
}
