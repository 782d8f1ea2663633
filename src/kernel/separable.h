/* Separable convolutions: 1 x 1 and depthwise ones, and chains of them whose rows in between stay in the
 * cache.
 *
 * A chain is (1 x 1,) depthwise (, 1 x 1): what MobileNet V1 makes of each layer, and V2 and EfficientNet of
 * each block.  Its first may also be a stem, the first convolution of a network, of few channels in planes;
 * an affine op before that is done on the rows it reads.  It makes a few rows of the result at a time: the
 * rows it needs of the first are kept in a ring, the depthwise ones in a strip, and neither is written to
 * memory in full.  Each number is the same sum in the same order as of single kernels.  Which layers are done
 * so is a rule over shapes, never a timing: one machine must give the same bytes every time. */
#ifndef RT_KERNEL_SEPARABLE_H
#define RT_KERNEL_SEPARABLE_H

#include "kernel.h"

/* Fills the slots conv (before what it holds), depthwise and chain; nothing changes where the processor has
 * no kernels for it. */
void rt__separable_fill(rt_kernels *kernels);

/* Whether a kernel of this processor can do it. */
bool rt__pointwise_fits(const rt_conv_spec *spec);
bool rt__depthwise_fits(const rt_conv_spec *spec);
bool rt__stem_fits(const rt_conv_spec *spec);
bool rt__chain_fits(const rt_chain_spec *spec);
/* RT_ENOMEM; spec fits. */
rt_code rt__pointwise_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__depthwise_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__stem_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);
rt_code rt__chain_conv(const rt_chain_spec *spec, rt_kernel **kernel, rt_error *err);

#endif
