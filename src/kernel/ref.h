/* Plain C kernels: the meaning of every op.  Convolutions and products add up in double and round once, but
 * for the ordered ones (ref_ordered.c). */
#ifndef RT_KERNEL_REF_H
#define RT_KERNEL_REF_H

#include "kernel.h"

/* Fills every slot. */
void rt__ref_fill(rt_kernels *kernels);

rt_code rt__ref_conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__ref_depthwise(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                          rt_error *err);
rt_code rt__ref_ordered_conv(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                             rt_error *err);
rt_code rt__ref_ordered_depthwise(const rt_kernels *kernels, const rt_conv_spec *spec, rt_kernel **kernel,
                                  rt_error *err);
rt_code rt__ref_matmul(const rt_kernels *kernels, const rt_matmul_spec *spec, rt_kernel **kernel,
                       rt_error *err);
rt_code rt__ref_pool(const rt_kernels *kernels, const rt_pool_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__ref_global_average(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel,
                               rt_error *err);
rt_code rt__ref_place(const rt_kernels *kernels, const rt_place_spec *spec, rt_kernel **kernel,
                      rt_error *err);
rt_code rt__ref_add(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                    rt_error *err);
rt_code rt__ref_mul(const rt_kernels *kernels, const rt_mul_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__ref_affine(const rt_kernels *kernels, const rt_affine_spec *spec, rt_kernel **kernel,
                       rt_error *err);
rt_code rt__ref_fake_quant(const rt_kernels *kernels, const rt_fake_quant_spec *spec, rt_kernel **kernel,
                           rt_error *err);
rt_code rt__ref_activation(const rt_kernels *kernels, const rt_activation_spec *spec, rt_kernel **kernel,
                           rt_error *err);
rt_code rt__ref_softmax(const rt_kernels *kernels, const rt_grid *src, rt_kernel **kernel, rt_error *err);
rt_code rt__ref_pad(const rt_kernels *kernels, const rt_pad_spec *spec, rt_kernel **kernel, rt_error *err);

/* A zeroed kernel of `bytes` (whose first member is an rt_kernel) with room for n floats behind it. */
void *rt__ref_kernel_new(size_t bytes, size_t n_floats, float **floats, rt_error *err);

/* x[i] = activation(x[i]) */
void rt__ref_activate(rt_activation activation, float *x, size_t n);

#endif
