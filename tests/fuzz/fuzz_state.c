/* States of trainings: as they are, and with a checksum that is right, which nothing would find by chance. */
#include "base/buffer.h"
#include "base/hash.h"
#include "fuzz.h"
#include "head/state_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKSUM = 4 };

static void read_one(const void *bytes, size_t size)
{
    rt_saved_run run;
    rt_error err;
    char key[16], now[16], then[16];
    rt_code code = rt__run_parse(bytes, size, &run, &err);
    double sum = 0;
    if (code != RT_OK) {
        if (err.code != code || err.cause[0] == 0)
            abort();
        return;
    }
    for (size_t i = 0; i < run.state.head.n_features * run.state.head.n_classes; i++)
        sum += (double)run.state.head.weights[i];
    for (size_t i = 0; i < run.state.head.n_classes; i++)
        sum += (double)run.state.head.biases[i];
    if (rt__rng_below(&run.state.training, 5) >= 5 && isfinite(sum))
        abort();
    rt__run_differs(run.identity, "--seed=0\n--learning_rate=0.01\n", key, now, then, sizeof key);
    rt__run_clear(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rt_buffer whole = {0};
    read_one(bytes, size);
    if (size < CHECKSUM)
        return 0;
    rt__buffer_add(&whole, bytes, size - CHECKSUM);
    rt__buffer_u32(&whole, rt__crc32c_mask(rt__crc32c(0, bytes, size - CHECKSUM)));
    if (!whole.failed)
        read_one(whole.bytes, whole.size);
    rt__buffer_clear(&whole);
    return 0;
}
