#include "rows.h"

#include "export/table_write.h"
#include "model/bundle.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char prefix[64];

static void remove_files(void)
{
    char pattern[80];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s*", prefix);
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            unlink(found.gl_pathv[i]);
    globfree(&found);
}

const char *rows_prefix(void)
{
    int fd;
    if (prefix[0])
        return prefix;
    /* memory where there is such a folder: a file is written for each input */
    snprintf(prefix, sizeof prefix, "%s/retrain-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    fd = mkstemp(prefix);
    if (fd < 0)
        abort();
    close(fd);
    unlink(prefix);
    atexit(remove_files);
    return prefix;
}

static bool next_row(rt_cursor *c, const uint8_t **key, uint8_t *key_size, const uint8_t **value,
                     uint16_t *value_size)
{
    return rt__cursor_u8(c, key_size) && rt__cursor_u16(c, value_size) &&
           rt__cursor_bytes(c, *key_size, key) && rt__cursor_bytes(c, *value_size, value);
}

bool rows_write(rt_cursor *rows, const char *path)
{
    rt_buffer file = {0};
    rt_table_writer table;
    const uint8_t *key, *value;
    uint8_t key_size;
    uint16_t value_size;
    size_t count = 0;
    rt_cursor next = *rows;
    rt__table_begin(&table, &file);
    while (next_row(&next, &key, &key_size, &value, &value_size) && (key_size > 0 || count == 0)) {
        rt__table_add(&table, key, key_size, value, value_size);
        *rows = next;
        count++;
    }
    if (rt__table_end(&table, NULL) != RT_OK ||
        (count && rt__file_write(path, file.bytes, file.size, false, NULL) != RT_OK))
        abort();
    rt__buffer_clear(&file);
    return count > 0;
}

void rows_read(const char *checkpoint)
{
    rt_bundle *bundle;
    rt_error err;
    rt_code code = rt__bundle_open(checkpoint, &bundle, &err);
    if (code != RT_OK) {
        if (err.code != code || err.cause[0] == 0 || err.path[0] == 0)
            abort();
        return;
    }
    for (size_t i = 0; i < rt__bundle_count(bundle); i++) {
        const rt_variable *v = rt__bundle_variable(bundle, i);
        rt_arena *arena = rt__arena_new();
        rt_tensor tensor;
        if (rt__bundle_find(bundle, v->name) != v)
            abort();
        code = rt__bundle_read(bundle, v, arena, &tensor, &err);
        if (code != RT_OK && (err.code != code || err.cause[0] == 0 || err.path[0] == 0))
            abort();
        rt__arena_free(arena);
    }
    rt__bundle_close(bundle);
}
