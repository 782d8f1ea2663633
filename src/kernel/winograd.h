/* Convolutions of stride 1 by Winograd's minimal filtering: fewer products for the same results.
 *
 * Along an axis, F(m, r) makes m results of r taps from m + r - 1 values: values and taps are evaluated at as
 * many points of a polynomial, multiplied point by point, summed over the channels, and the results
 * interpolated: y = A' [ sum (G g) * (B' d) ],     on two axes     Y = A' [ sum (G g G') * (B' d B) ] A. The
 * sums over channels are one matrix product a point.  An axis with one tap stays as it is. taps  F products a
 * result 3x3   F(4, 3)  36 / 16 instead of 9 5x5   F(2, 5)  36 /  4 instead of 25 1x7   F(4, 7)  10 /  4
 * instead of 7 1x3   F(4, 3)   6 /  4 instead of 3 Sources: Winograd, Arithmetic Complexity of Computations
 * (1980); Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2015).  Their points 1 and 2
 * lose four times as much precision as those here: the largest error of 3x3 on 128 channels is 2e-6 of the
 * largest result instead of 8e-6.
 *
 * Which layers are done so depends on their shape and the instruction set alone, never on a clock: one
 * machine must give the same bytes every time. */
#ifndef RT_KERNEL_WINOGRAD_H
#define RT_KERNEL_WINOGRAD_H

#include "kernel.h"

/* Puts a slot before conv that takes the layers it does faster; nothing changes where the processor has no
 * kernel for it. */
void rt__winograd_fill(rt_kernels *kernels);

/* Whether a kernel of this processor can do it at all, faster or not. */
bool rt__winograd_fits(const rt_conv_spec *spec);
/* Whether it is faster than a direct convolution; spec fits. */
bool rt__winograd_pays(const rt_conv_spec *spec);
/* RT_ENOMEM; spec fits. */
rt_code rt__winograd_conv(const rt_conv_spec *spec, rt_kernel **kernel, rt_error *err);

#endif
