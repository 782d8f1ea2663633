#include "shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *shared_path(char *buf, size_t n, const char *relative)
{
    const char *root = getenv("RETRAIN_SHARED");
    int length = snprintf(buf, n, "%s/%s", root != NULL ? root : "../shared", relative);
    if (length < 0 || (size_t)length >= n) {
        fprintf(stderr, "a path of %d bytes is too long\n", length);
        exit(1);
    }
    return buf;
}

bool shared_has(const char *relative)
{
    char path[4096];
    return access(shared_path(path, sizeof path, relative), R_OK) == 0;
}

bool shared_present(void)
{
    return shared_has("reference/golden");
}

void shared_or_skip(const char *relative, const char *what)
{
    char path[4096];
    if (shared_has(relative))
        return;
    printf("skipped: %s (no %s)\n", what, shared_path(path, sizeof path, relative));
    exit(77);
}
