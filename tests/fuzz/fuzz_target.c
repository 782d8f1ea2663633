/* ONNX and TensorFlow Lite files held against targets. */
#include "export/target.h"
#include "fuzz.h"

#include <stdlib.h>

typedef rt_code check(const rt_target *target, const void *bytes, size_t size, rt_target_report *report,
                      rt_error *err);

static void run(check *walk, const char *target, const uint8_t *bytes, size_t size)
{
    rt_target_report report;
    rt_error err;
    rt_code code = rt__target_report_init(&report, &err);
    if (code == RT_OK)
        code = walk(rt__target_find(target), bytes, size, &report, &err);
    if (code != RT_OK && (err.code != code || err.cause[0] == 0))
        abort();
    rt__target_report_clear(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    run(rt__target_check_onnx, "tensorrt-5.1", bytes, size);
    run(rt__target_check_onnx, "tensorrt-7", bytes, size);
    run(rt__target_check_tflite, "tflite", bytes, size);
    return 0;
}
