#include "fuzz.h"
#include "retrain/image.h"

#include <stdlib.h>

enum { MOST_PIXELS = 1 << 18, SIDE = 9 };

static void check_range(const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= 0 && values[i] <= 1))
            abort();
}

static void resize(const rt_image *image, rt_pixel_layout layout)
{
    float out[3 * SIDE * SIDE];
    void *scratch = aligned_alloc(64, rt_image_resize_scratch(image, SIDE, SIDE));
    if (scratch == NULL || rt_image_resize(image, SIDE, SIDE, layout, scratch, out, NULL) != RT_OK)
        abort();
    check_range(out, sizeof out / sizeof out[0]);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rt_image image = {0};
    rt_error err;
    rt_code code = rt_image_decode(bytes, size, MOST_PIXELS, &image, &err);
    if (code == RT_OK) {
        if (image.width <= 0 || image.height <= 0 || (int64_t)image.width * image.height > MOST_PIXELS)
            abort();
        resize(&image, RT_INTERLEAVED);
        resize(&image, RT_PLANAR);
    } else if (err.code != code || err.cause[0] == 0) {
        abort();
    }
    rt_image_clear(&image);
    return 0;
}
