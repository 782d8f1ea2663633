/* A V1 checkpoint of these rows (rows.h); each row with an empty key begins another of its files. */
#include "fuzz.h"
#include "rows.h"

#include <stdio.h>
#include <unistd.h>

enum { MOST_FILES = 3 };

static void shard_path(char *path, size_t size, const char *prefix, int shard, int count)
{
    snprintf(path, size, "%s-%05d-of-%05d", prefix, shard, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *prefix = rows_prefix();
    rt_cursor rows = rt__cursor(bytes, size);
    char path[MOST_FILES][128], only[128];
    int n = 0;
    while (n < MOST_FILES) {
        shard_path(path[n], sizeof path[n], prefix, n, MOST_FILES);
        if (!rows_write(&rows, path[n]))
            break;
        n++;
    }
    if (n == 1) {
        snprintf(only, sizeof only, "%s-whole", prefix);
        rename(path[0], only);
        rows_read(only);
    } else if (n > 1) { /* two files of three: one is missing */
        rows_read(prefix);
    }
    for (int i = 0; i < n; i++)
        unlink(path[i]);
    return 0;
}
