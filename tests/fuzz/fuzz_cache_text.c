/* retrain.py's bottleneck files: what is read is finite, and comes back when it is written and read again. */
#include "feature/cache_text.h"
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 4096 };

static size_t count_commas(const uint8_t *bytes, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        n += bytes[i] == ',';
    return n;
}

static void check_values(const float *values, size_t n)
{
    float *again = malloc(n * sizeof *again);
    rt_buffer text = {0};
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            abort();
    rt__cache_format(values, n, &text);
    if (!again || text.failed || rt__cache_parse(text.bytes, text.size, again, n, NULL) != RT_OK ||
        memcmp(values, again, n * sizeof *again) != 0)
        abort();
    rt__buffer_clear(&text);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    size_t n = count_commas(bytes, size) + 1;
    char *text = malloc(size + 1);
    float *values = malloc(n * sizeof *values);
    rt_error err;
    rt_code code;
    if (!text || !values)
        abort();
    if (size)
        memcpy(text, bytes, size);
    text[size] = 0;
    if (n > MOST_VALUES)
        n = MOST_VALUES;
    code = rt__cache_parse(text, size, values, n, &err);
    if (code == RT_OK)
        check_values(values, n);
    else if (code != RT_EFORMAT || err.offset < 0 || err.offset > (int64_t)size)
        abort();
    free(values);
    free(text);
    return 0;
}
