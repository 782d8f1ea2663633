/* What a TensorFlow Lite file says of itself: TensorFlow Lite Metadata, and the archive of labels behind it.
 *
 *   metadata: a FlatBuffer "M001" in the buffer of the model's entry TFLITE_METADATA
 *   archive:  a zip at the file's end; labels stand in it as they are or compressed, then they are not read
 * Source: metadata_schema.fbs of tflite-support, PKWARE's APPNOTE.TXT 4.3. */
#include "tflite_import.h"

#include <string.h>

/* ---- metadata ---- */

enum { NORMALIZATION = 1 };

static bool is_name(const rt_flat_table *table, unsigned field, const char *name)
{
    rt_flat_vector text = rt__flat_list(table, field, 1);
    return text.count == strlen(name) && memcmp(text.elements, name, text.count) == 0;
}

/* The bytes of the model's metadata. */
static rt_flat_vector find_metadata(const rt_flat_table *model)
{
    rt_flat_vector entries = rt__flat_list(model, 6, 4), buffers = rt__flat_list(model, 4, 4);
    for (size_t i = 0; i < entries.count; i++) {
        rt_flat_table entry = rt__flat_item(&entries, i), buffer;
        if (!is_name(&entry, 0, "TFLITE_METADATA"))
            continue;
        buffer = rt__flat_item(&buffers, (size_t)rt__flat_i32(&entry, 1, -1));
        return rt__flat_list(&buffer, 0, 1);
    }
    return (rt_flat_vector){NULL, NULL, 0};
}

bool rt__tfl_normalization(const rt_flat_table *model, rt_flat_vector *means, rt_flat_vector *stds)
{
    rt_flat_vector bytes = find_metadata(model), list;
    rt_flat inside = {.bytes = bytes.elements, .size = bytes.count};
    rt_flat_table table;
    if (!bytes.count)
        return false;
    table = rt__flat_root(&inside); /* ModelMetadata */
    list = rt__flat_list(&table, 3, 4);
    table = rt__flat_item(&list, 0); /* SubGraphMetadata */
    list = rt__flat_list(&table, 2, 4);
    table = rt__flat_item(&list, 0); /* TensorMetadata of the input */
    list = rt__flat_list(&table, 4, 4);
    for (size_t i = 0; i < list.count; i++) {
        rt_flat_table unit = rt__flat_item(&list, i), options = rt__flat_sub(&unit, 1);
        if (rt__flat_u8(&unit, 0, 0) != NORMALIZATION)
            continue;
        *means = rt__flat_list(&options, 0, 4);
        *stds = rt__flat_list(&options, 1, 4);
        means->flat = stds->flat = NULL; /* their elements outlive `inside` */
        return !inside.damaged && means->count >= 1 && means->count == stds->count;
    }
    return false;
}

/* ---- the archive ---- */

enum { END_BYTES = 22, MOST_COMMENT = 0xffff, CENTRAL_BYTES = 46, LOCAL_BYTES = 30 };

static const uint8_t end_mark[] = {'P', 'K', 5, 6}, central_mark[] = {'P', 'K', 1, 2},
                     local_mark[] = {'P', 'K', 3, 4};

static uint32_t read_u16(const uint8_t *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t read_u32(const uint8_t *p)
{
    return read_u16(p) | read_u16(p + 2) << 16;
}

static const uint8_t *find_end(const uint8_t *bytes, size_t size)
{
    size_t most = size < END_BYTES + MOST_COMMENT ? size : END_BYTES + MOST_COMMENT;
    for (size_t back = END_BYTES; back <= most; back++)
        if (memcmp(bytes + size - back, end_mark, sizeof end_mark) == 0)
            return bytes + size - back;
    return NULL;
}

static bool is_text(const uint8_t *name, size_t length)
{
    return length > 4 && memcmp(name + length - 4, ".txt", 4) == 0;
}

/* The content of the entry at `at` of the central directory, if it is stored as it is. */
static bool take_entry(const uint8_t *bytes, size_t size, size_t at, const uint8_t **content, size_t *n)
{
    size_t local = read_u32(bytes + at + 42), stored = read_u32(bytes + at + 20), begin;
    if (read_u16(bytes + at + 10) != 0 || local > size || size - local < LOCAL_BYTES ||
        memcmp(bytes + local, local_mark, sizeof local_mark) != 0)
        return false;
    begin = local + LOCAL_BYTES + read_u16(bytes + local + 26) + read_u16(bytes + local + 28);
    if (begin > size || stored > size - begin)
        return false;
    *content = bytes + begin;
    *n = stored;
    return true;
}

bool rt__tfl_labels(const void *file, size_t size, const uint8_t **labels, size_t *n)
{
    const uint8_t *bytes = file, *end = size >= END_BYTES ? find_end(bytes, size) : NULL;
    size_t at, left;
    if (!end)
        return false;
    at = read_u32(end + 16);
    left = read_u16(end + 10);
    for (; left > 0 && at <= size && size - at >= CENTRAL_BYTES; left--) {
        size_t name = read_u16(bytes + at + 28);
        if (memcmp(bytes + at, central_mark, sizeof central_mark) != 0 || name > size - at - CENTRAL_BYTES)
            return false;
        if (is_text(bytes + at + CENTRAL_BYTES, name) && take_entry(bytes, size, at, labels, n))
            return true;
        at += CENTRAL_BYTES + name + read_u16(bytes + at + 30) + read_u16(bytes + at + 32);
    }
    return false;
}
