/* oneDNN's kernels for x86-64: convolutions, pools and matrix products compiled for this CPU at plan time. */
#ifndef RT_KERNEL_ONEDNN_H
#define RT_KERNEL_ONEDNN_H

#include "kernel.h"

/* Overwrites the slots oneDNN does better; leaves all as they are when built without it. */
rt_code rt__onednn_fill(rt_kernels *kernels, rt_error *err);

#endif
