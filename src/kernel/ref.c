#include "ref.h"

#include "base/checked.h"

#include <stdlib.h>

static rt_code session_new(const rt_kernels *kernels, void **session, rt_error *err)
{
    (void)kernels;
    (void)err;
    *session = NULL;
    return RT_OK;
}

static void session_enter(void *session)
{
    (void)session;
}

static void session_free(void *session)
{
    (void)session;
}

static void clear(rt_kernels *kernels)
{
    (void)kernels;
}

void rt__ref_fill(rt_kernels *kernels)
{
    kernels->conv = rt__ref_conv;
    kernels->direct_conv = rt__ref_conv;
    kernels->depthwise = rt__ref_depthwise;
    kernels->ordered_conv = rt__ref_ordered_conv;
    kernels->ordered_depthwise = rt__ref_ordered_depthwise;
    kernels->matmul = rt__ref_matmul;
    kernels->pool = rt__ref_pool;
    kernels->global_average = rt__ref_global_average;
    kernels->place = rt__ref_place;
    kernels->add = rt__ref_add;
    kernels->mul = rt__ref_mul;
    kernels->affine = rt__ref_affine;
    kernels->fake_quant = rt__ref_fake_quant;
    kernels->activation = rt__ref_activation;
    kernels->softmax = rt__ref_softmax;
    kernels->pad = rt__ref_pad;
    kernels->session_new = session_new;
    kernels->session_enter = session_enter;
    kernels->session_free = session_free;
    kernels->clear = clear;
}

static void kernel_free(rt_kernel *kernel)
{
    free(kernel);
}

void *rt__ref_kernel_new(size_t bytes, size_t n_floats, float **floats, rt_error *err)
{
    size_t head = (bytes + 15) / 16 * 16, tail, total;
    rt_kernel *kernel;
    if (!rt_mul(&tail, n_floats, sizeof(float)) || !rt_add(&total, head, tail) ||
        !(kernel = calloc(1, total))) {
        rt_fail(err, RT_ENOMEM, "out of memory");
        return NULL;
    }
    kernel->free = kernel_free;
    kernel->n_src = 1;
    kernel->weight_bytes = tail;
    if (floats)
        *floats = (float *)(void *)((char *)kernel + head);
    return kernel;
}
