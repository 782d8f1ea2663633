/* A checkpoint whose index has these rows, and whose data file is 64 KiB of zeros.  A row: 1 byte length of
 * the key, 2 bytes length of the value (little-endian), key, value. */
#include "base/cursor.h"
#include "base/file.h"
#include "export/table_write.h"
#include "fuzz.h"
#include "model/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATA_BYTES = 64 * 1024 };

static char prefix[64], path[128];

static void remove_files(void)
{
    snprintf(path, sizeof path, "%s.index", prefix);
    unlink(path);
    snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
    unlink(path);
    unlink(prefix);
}

/* Once for each process. */
static void make_files(void)
{
    static const char zeros[DATA_BYTES] = {0};
    int fd;
    snprintf(prefix, sizeof prefix, "/tmp/retrain-fuzz-XXXXXX");
    fd = mkstemp(prefix);
    if (fd < 0)
        abort();
    close(fd);
    snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
    if (rt__file_write(path, zeros, sizeof zeros, false, NULL) != RT_OK)
        abort();
    snprintf(path, sizeof path, "%s.index", prefix);
    atexit(remove_files);
}

static void write_index(const uint8_t *bytes, size_t size)
{
    rt_cursor c = rt__cursor(bytes, size);
    rt_buffer file = {0};
    rt_table_writer table;
    const uint8_t *key, *value;
    uint16_t value_size;
    uint8_t key_size;
    rt__table_begin(&table, &file);
    while (rt__cursor_u8(&c, &key_size) && rt__cursor_u16(&c, &value_size) &&
           rt__cursor_bytes(&c, key_size, &key) && rt__cursor_bytes(&c, value_size, &value))
        rt__table_add(&table, key, key_size, value, value_size);
    if (rt__table_end(&table, NULL) != RT_OK ||
        rt__file_write(path, file.bytes, file.size, false, NULL) != RT_OK)
        abort();
    rt__buffer_clear(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    rt_bundle *bundle;
    rt_error err;
    rt_code code;
    if (!prefix[0])
        make_files();
    write_index(bytes, size);
    code = rt__bundle_open(prefix, &bundle, &err);
    if (code != RT_OK) {
        if (err.code != code || err.cause[0] == 0 || err.path[0] == 0)
            abort();
        return 0;
    }
    for (size_t i = 0; i < rt__bundle_count(bundle); i++) {
        const rt_variable *v = rt__bundle_variable(bundle, i);
        rt_arena *arena = rt__arena_new();
        rt_tensor tensor;
        if (rt__bundle_find(bundle, v->name) != v)
            abort();
        rt__bundle_read(bundle, v, arena, &tensor, NULL);
        rt__arena_free(arena);
    }
    rt__bundle_close(bundle);
    return 0;
}
