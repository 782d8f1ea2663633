/* The loops compiled for one instruction set of x86-64 each; see resize_x86.c. */
#ifndef RT_IMAGE_RESIZE_X86_H
#define RT_IMAGE_RESIZE_X86_H

#include "resize.h"

extern const rt_resize_loops rt__resize_avx2;

#endif
