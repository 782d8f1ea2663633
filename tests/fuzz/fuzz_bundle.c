/* A V2 checkpoint whose index has these rows (rows.h), and whose data file is 64 KiB of zeros. */
#include "fuzz.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

enum { DATA_BYTES = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char zeros[DATA_BYTES] = {0};
    const char *prefix = rows_prefix();
    rt_cursor rows = rt__cursor(bytes, size);
    char path[128];
    snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
    if (!rt__file_exists(path) && rt__file_write(path, zeros, sizeof zeros, false, NULL) != RT_OK)
        abort();
    snprintf(path, sizeof path, "%s.index", prefix);
    if (rows_write(&rows, path))
        rows_read(prefix);
    return 0;
}
