#include "kernel.h"

#include "onednn.h"
#include "ref.h"
#include "separable.h"
#include "winograd.h"

int32_t rt__grid_inner(const rt_grid *grid)
{
    const int32_t inner[RT_LAYOUT_COUNT] = {
        [RT_LAYOUT_ROWS] = grid->c,
        [RT_LAYOUT_PLANES] = 1,
        [RT_LAYOUT_BLOCK8] = 8,
        [RT_LAYOUT_BLOCK16] = 16,
    };
    return inner[grid->layout];
}

size_t rt__grid_floats(const rt_grid *grid)
{
    size_t inner = (size_t)rt__grid_inner(grid);
    size_t blocks = ((size_t)grid->c + inner - 1) / inner;
    return blocks * inner * (size_t)grid->h * (size_t)grid->w;
}

bool rt__grid_reads_as(const rt_grid *from, const rt_grid *to)
{
    if (from->layout == to->layout)
        return true;
    /* One pixel: every layout is its channels in order, then the filling. */
    return from->h == 1 && from->w == 1 && rt__grid_floats(to) <= rt__grid_floats(from);
}

bool rt__grid_window(const rt_grid *whole, const rt_grid *part, int32_t offset, size_t *floats)
{
    bool pixel = whole->h == 1 && whole->w == 1 && whole->layout == RT_LAYOUT_ROWS;
    int32_t inner = pixel ? 1 : rt__grid_inner(whole);
    bool is_last = offset + part->c == whole->c;
    if (part->layout != whole->layout || offset % inner != 0 || (part->c % inner != 0 && !is_last))
        return false;
    *floats = (size_t)offset * (size_t)whole->h * (size_t)whole->w;
    return true;
}

int64_t rt__window_out(const rt_window *window, int axis, int32_t in)
{
    int64_t reach = (int64_t)(window->size[axis] - 1) * window->dilation[axis] + 1;
    int64_t room = (int64_t)in + window->front[axis] + window->back[axis] - reach;
    return room < 0 ? 0 : room / window->stride[axis] + 1;
}

rt_grid rt__window_grid(const rt_window *window, const rt_grid *src, int32_t channels)
{
    return (rt_grid){(int32_t)rt__window_out(window, 0, src->h), (int32_t)rt__window_out(window, 1, src->w),
                     channels, src->layout};
}

rt_code rt__kernels_init(rt_kernels *kernels, rt_error *err)
{
    rt_code code;
    rt__kernels_init_reference(kernels);
    if ((code = rt__onednn_fill(kernels, err)) != RT_OK)
        return code;
    rt__separable_fill(kernels);
    rt__winograd_fill(kernels);
    return RT_OK;
}

void rt__kernels_init_reference(rt_kernels *kernels)
{
    *kernels = (rt_kernels){.name = "reference", .input = RT_LAYOUT_ROWS};
    rt__ref_fill(kernels);
}

void rt__kernels_clear(rt_kernels *kernels)
{
    kernels->clear(kernels);
}

void rt__kernel_free(rt_kernel *kernel)
{
    if (kernel)
        kernel->free(kernel);
}
