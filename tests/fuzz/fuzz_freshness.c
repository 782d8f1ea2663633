/* The record beside bottleneck files.  Bytes are taken as its lines; the digest is made right, or nothing
 * would get past it. */
#include "base/file.h"
#include "base/hash.h"
#include "feature/freshness.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void write_record(const char *folder, const uint8_t *bytes, size_t size)
{
    rt_buffer text = {0}, path = {0};
    rt__buffer_text(&text, "retrain bottlenecks 1\n");
    rt__buffer_add(&text, bytes, size);
    rt__buffer_format(&text, "end %08x\n", rt__crc32c(0, text.bytes, text.size));
    rt__path_join(&path, folder, ".retrain_m.txt");
    if (text.failed || path.failed || rt__file_write(path.bytes, text.bytes, text.size, false, NULL) != RT_OK)
        abort();
    rt__buffer_clear(&text);
    rt__buffer_clear(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[] = "/tmp/retrain-fuzz-XXXXXX";
    rt_buffer path = {0};
    rt_freshness *f;
    if (!mkdtemp(folder))
        abort();
    write_record(folder, bytes, size);
    rt__path_join(&path, folder, "a.jpg_m.txt");
    if (rt__freshness_open(path.bytes, "a.jpg", &f, NULL) != RT_OK)
        abort();
    if (rt__freshness_damaged(f) && rt__freshness_find(f, "a.jpg"))
        abort();
    if (rt__freshness_note(f, "b.jpg", &(rt_origin){1, 2, 3, 4}, NULL) != RT_OK ||
        rt__freshness_write(f, NULL) != RT_OK)
        abort();
    rt__freshness_close(f);
    /* what was written is whole, whatever was read */
    if (rt__freshness_open(path.bytes, "a.jpg", &f, NULL) != RT_OK || rt__freshness_damaged(f) ||
        !rt__freshness_find(f, "b.jpg"))
        abort();
    rt__freshness_close(f);
    rt__path_join(&path, folder, ".retrain_m.txt");
    unlink(path.bytes);
    rmdir(folder);
    rt__buffer_clear(&path);
    return 0;
}
