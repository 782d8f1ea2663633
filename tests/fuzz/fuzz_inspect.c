/* Any file: retrain inspect tells what it is, or refuses it in one line. */
#include "fuzz.h"
#include "retrain/inspect.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rt_inspect_options options = {.path = NULL};
    char path[128];
    snprintf(path, sizeof path, "%s-file", rows_prefix());
    if (rt__file_write(path, bytes, size, false, NULL) != RT_OK)
        abort();
    options.path = path;
    for (int json = 0; json < 2; json++) {
        char *text = NULL;
        rt_error err;
        rt_code code;
        options.json = json;
        code = rt_inspect(&options, &text, &err);
        if (code == RT_OK ? !text || !*text : err.code != code || !*err.cause || strchr(err.cause, '\n'))
            abort();
        free(text);
    }
    return 0;
}
