#include "onednn.h"

rt_code rt__onednn_fill(rt_kernels *kernels, rt_error *err)
{
    (void)kernels;
    (void)err;
    return RT_OK;
}
