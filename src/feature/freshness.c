#include "freshness.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] = "retrain bottlenecks 1\n";
static const char prefix[] = ".retrain";
enum { START_BYTES = sizeof first_line - 1, END_BYTES = sizeof "end 01234567\n" - 1 };

typedef struct line {
    const char *photo;
    rt_origin origin;
    size_t order; /* set by merge(): of two lines for one photo the later counts */
} line;

typedef struct lines {
    line *items;
    size_t n, capacity;
} lines;

struct rt_freshness {
    char *path;
    bool damaged;
    rt_buffer content;    /* names of the lines that were read point into it */
    lines read;           /* in byte order; does not change once open */
    pthread_mutex_t lock; /* guards what follows */
    lines noted;
    rt_arena *arena; /* their names */
};

/* Where the record of a text file stands: the folder, and what the name has behind the photo's. */
static void locate(const char *text_path, const char *photo, size_t *folder_bytes, const char **rest)
{
    const char *name = rt__path_name(text_path);
    size_t length = strlen(photo);
    *folder_bytes = (size_t)(name - text_path);
    *rest = strncmp(name, photo, length) == 0 ? name + length : "";
}

static line *add_line(lines *l)
{
    if (l->n == l->capacity) {
        line *items = rt__array_grow(l->items, &l->capacity, 64, sizeof *items);
        if (!items)
            return NULL;
        l->items = items;
    }
    return &l->items[l->n++];
}

/* ---- reading ---- */

static int digit(char c, unsigned base)
{
    int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
    return value < (int)base ? value : -1;
}

/* A number of at most most, and the blank behind it. */
static bool take_number(const char **at, unsigned base, uint64_t most, uint64_t *value)
{
    const char *p = *at;
    uint64_t sum = 0;
    for (; digit(*p, base) >= 0; p++) {
        uint64_t next = (uint64_t)digit(*p, base);
        if (sum > (most - next) / base)
            return false;
        sum = sum * base + next;
    }
    if (p == *at || *p != ' ')
        return false;
    *at = p + 1;
    *value = sum;
    return true;
}

/* In place; false for a bad "%". */
static bool unescape(char *name)
{
    char *to = name;
    for (; *name; name++) {
        if (*name == '%') {
            int high = digit(name[1], 16), low = high < 0 ? -1 : digit(name[2], 16);
            if (low < 0 || high + low == 0)
                return false;
            *to++ = (char)(high << 4 | low);
            name += 2;
        } else {
            *to++ = *name;
        }
    }
    *to = 0;
    return true;
}

static bool read_line(char *text, line *l)
{
    const char *p = text;
    uint64_t crc, network, bytes, changed;
    bool before_1970;
    if (!take_number(&p, 16, UINT32_MAX, &crc) || !take_number(&p, 16, UINT32_MAX, &network) ||
        !take_number(&p, 10, UINT64_MAX, &bytes))
        return false;
    before_1970 = *p == '-';
    p += before_1970;
    if (!take_number(&p, 10, INT64_MAX, &changed) || !unescape(text + (p - text)))
        return false;
    l->photo = p;
    l->origin = (rt_origin){(uint32_t)crc, (uint32_t)network, bytes,
                            before_1970 ? -(int64_t)changed : (int64_t)changed};
    return true;
}

static void format_end(char text[END_BYTES + 1], const void *before, size_t size)
{
    snprintf(text, END_BYTES + 1, "end %08" PRIx32 "\n", rt__crc32c(0, before, size));
}

static bool is_whole(const char *text, size_t size)
{
    char end[END_BYTES + 1];
    if (size < START_BYTES + END_BYTES || memcmp(text, first_line, START_BYTES) != 0 || memchr(text, 0, size))
        return false;
    format_end(end, text, size - END_BYTES);
    return memcmp(text + size - END_BYTES, end, END_BYTES) == 0;
}

/* RT_EFORMAT without an error text when a line is not as it should be. */
static rt_code read_lines(char *text, size_t size, lines *l)
{
    char *p = text + START_BYTES, *end = text + size - END_BYTES, *next;
    for (; p < end; p = next) {
        line *added = add_line(l);
        if (!added)
            return RT_ENOMEM;
        next = strchr(p, '\n') + 1; /* that of the last line at the latest */
        next[-1] = 0;
        if (next > end || !read_line(p, added) || (l->n > 1 && strcmp(added[-1].photo, added->photo) >= 0))
            return RT_EFORMAT;
    }
    return RT_OK;
}

static rt_code load(rt_freshness *f, rt_error *err)
{
    rt_error reason;
    rt_code code = rt__file_read(&f->content, f->path, 0, NULL, &reason);
    if (code == RT_ENOTFOUND)
        return RT_OK;
    if (code == RT_OK)
        code = f->content.size && is_whole(f->content.bytes, f->content.size)
                   ? read_lines(f->content.bytes, f->content.size, &f->read)
                   : RT_EFORMAT;
    if (code == RT_ENOMEM)
        return rt_fail(err, RT_ENOMEM, "out of memory for the record of bottleneck files");
    f->damaged = code != RT_OK;
    if (f->damaged)
        f->read.n = 0;
    return RT_OK;
}

rt_code rt__freshness_open(const char *text_path, const char *photo, rt_freshness **freshness, rt_error *err)
{
    rt_freshness *f = calloc(1, sizeof *f);
    rt_buffer path = {0};
    size_t folder_bytes;
    const char *rest;
    rt_code code;
    if (!f)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    pthread_mutex_init(&f->lock, NULL);
    locate(text_path, photo, &folder_bytes, &rest);
    rt__buffer_add(&path, text_path, folder_bytes);
    rt__buffer_text(&path, prefix);
    rt__buffer_text(&path, rest);
    f->path = path.bytes;
    f->arena = rt__arena_new();
    code = path.failed || !f->arena ? rt_fail(err, RT_ENOMEM, "out of memory") : load(f, err);
    if (code == RT_OK)
        *freshness = f;
    else
        rt__freshness_close(f);
    return code;
}

void rt__freshness_close(rt_freshness *f)
{
    if (!f)
        return;
    pthread_mutex_destroy(&f->lock);
    rt__arena_free(f->arena);
    rt__buffer_clear(&f->content);
    free(f->read.items);
    free(f->noted.items);
    free(f->path);
    free(f);
}

bool rt__freshness_covers(const rt_freshness *f, const char *text_path, const char *photo)
{
    size_t folder_bytes;
    const char *rest;
    locate(text_path, photo, &folder_bytes, &rest);
    return strncmp(f->path, text_path, folder_bytes) == 0 &&
           strncmp(f->path + folder_bytes, prefix, sizeof prefix - 1) == 0 &&
           strcmp(f->path + folder_bytes + sizeof prefix - 1, rest) == 0;
}

bool rt__freshness_damaged(const rt_freshness *f)
{
    return f->damaged;
}

static int compare_photo(const void *photo, const void *item)
{
    return strcmp(photo, ((const line *)item)->photo);
}

const rt_origin *rt__freshness_find(const rt_freshness *f, const char *photo)
{
    const line *found =
        f->read.n ? bsearch(photo, f->read.items, f->read.n, sizeof *f->read.items, compare_photo) : NULL;
    return found ? &found->origin : NULL;
}

/* ---- writing ---- */

rt_code rt__freshness_note(rt_freshness *f, const char *photo, const rt_origin *origin, rt_error *err)
{
    const char *name;
    line *added = NULL;
    pthread_mutex_lock(&f->lock);
    if ((name = rt__arena_string(f->arena, photo)) && (added = add_line(&f->noted)))
        *added = (line){name, *origin, 0};
    pthread_mutex_unlock(&f->lock);
    return added ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory for the record of bottleneck files");
}

static int compare_lines(const void *a, const void *b)
{
    const line *x = a, *y = b;
    int order = strcmp(x->photo, y->photo);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* All lines in byte order, of two for one photo the later behind the earlier. */
static rt_code merge(const rt_freshness *f, line **merged, rt_error *err)
{
    size_t n = f->read.n + f->noted.n, bytes;
    line *all = rt_mul(&bytes, n, sizeof *all) ? malloc(bytes) : NULL;
    if (!all)
        return rt_fail(err, RT_ENOMEM, "out of memory for the record of bottleneck files");
    for (size_t i = 0; i < n; i++) {
        all[i] = i < f->read.n ? f->read.items[i] : f->noted.items[i - f->read.n];
        all[i].order = i;
    }
    qsort(all, n, sizeof *all, compare_lines);
    *merged = all;
    return RT_OK;
}

static void format_line(rt_buffer *b, const line *l)
{
    rt__buffer_format(b, "%08" PRIx32 " %08" PRIx32 " %" PRIu64 " %" PRId64 " ", l->origin.text_crc,
                      l->origin.network, l->origin.photo_bytes, l->origin.photo_changed_ns);
    for (const char *p = l->photo; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == '%')
            rt__buffer_format(b, "%%%02x", (unsigned)*p);
        else
            rt__buffer_add(b, p, 1);
    }
    rt__buffer_text(b, "\n");
}

rt_code rt__freshness_write(rt_freshness *f, rt_error *err)
{
    rt_buffer text = {0};
    char end[END_BYTES + 1];
    line *all = NULL;
    size_t n = f->read.n + f->noted.n;
    rt_code code;
    if (f->noted.n == 0)
        return RT_OK;
    if ((code = merge(f, &all, err)) != RT_OK)
        return code;
    rt__buffer_text(&text, first_line);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || strcmp(all[i].photo, all[i + 1].photo) != 0)
            format_line(&text, &all[i]);
    format_end(end, text.bytes, text.size);
    rt__buffer_text(&text, end);
    code = rt__buffer_ok(&text, err);
    if (code == RT_OK)
        code = rt__file_write(f->path, text.bytes, text.size, false, err);
    rt__buffer_clear(&text);
    free(all);
    return code;
}
