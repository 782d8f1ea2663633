#include "listing.h"

#include <stdlib.h>
#include <string.h>

/* Capitals first .. last, each step-th, are delta below their small letters.
 * Source: Unicode's UnicodeData.txt, simple lower-case mappings. */
typedef struct capitals {
    uint32_t first, last, step;
    int32_t delta;
} capitals;

static const capitals capital_ranges[] = {
    {0x0041, 0x005a, 1, 32},   /* ASCII */
    {0x00c0, 0x00d6, 1, 32},   /* Latin-1 */
    {0x00d8, 0x00de, 1, 32},   /* Latin-1, behind the multiplication sign */
    {0x0100, 0x012e, 2, 1},    /* Latin Extended-A, but for the dotted I, which has no simple small letter */
    {0x0132, 0x0136, 2, 1},    /* Latin Extended-A */
    {0x0139, 0x0147, 2, 1},    /* Latin Extended-A */
    {0x014a, 0x0176, 2, 1},    /* Latin Extended-A */
    {0x0178, 0x0178, 1, -121}, /* Y with diaeresis */
    {0x0179, 0x017d, 2, 1},    /* Latin Extended-A */
    {0x01a0, 0x01a0, 1, 1},    /* Vietnamese O with horn */
    {0x01af, 0x01af, 1, 1},    /* Vietnamese U with horn */
    {0x0386, 0x0386, 1, 38},   /* Greek with tonos */
    {0x0388, 0x038a, 1, 37},   /* Greek with tonos */
    {0x0391, 0x03a1, 1, 32},   /* Greek */
    {0x03a3, 0x03ab, 1, 32},   /* Greek */
    {0x0400, 0x040f, 1, 80},   /* Cyrillic */
    {0x0410, 0x042f, 1, 32},   /* Cyrillic */
    {0x1e00, 0x1e94, 2, 1},    /* Latin Extended Additional */
    {0x1ea0, 0x1efe, 2, 1},    /* Vietnamese */
};

/* Beyond ASCII: spaces, line breaks and controls, which would tear a labels file or look alike in it. */
static const struct {
    uint32_t first, last;
} spaces[] = {{0x0080, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a}, {0x2028, 0x2029},
              {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

static uint32_t lower(uint32_t c)
{
    for (size_t i = 0; i < sizeof capital_ranges / sizeof *capital_ranges; i++) {
        const capitals *r = &capital_ranges[i];
        if (c >= r->first && c <= r->last && (c - r->first) % r->step == 0)
            return (uint32_t)((int32_t)c + r->delta);
    }
    return c;
}

static bool is_word(uint32_t c)
{
    if (c < 0x80)
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (c >= spaces[i].first && c <= spaces[i].last)
            return false;
    return true;
}

/* The next code point of *text, or UINT32_MAX where it is not well formed (RFC 3629). */
static uint32_t decode(const unsigned char **text)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    const unsigned char *p = *text;
    unsigned more = p[0] < 0x80   ? 0
                    : p[0] < 0xc2 ? 4
                    : p[0] < 0xe0 ? 1
                    : p[0] < 0xf0 ? 2
                    : p[0] < 0xf5 ? 3
                                  : 4;
    uint32_t c;
    if (more == 4)
        return UINT32_MAX;
    c = more ? p[0] & (0x3fu >> more) : p[0];
    for (unsigned i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) /* also the final 0 */
            return UINT32_MAX;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return UINT32_MAX;
    *text += more + 1;
    return c;
}

static void encode(rt_buffer *b, uint32_t c)
{
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    uint8_t bytes[4];
    bytes[0] = (uint8_t)(lead[more] | c >> (6 * more));
    for (unsigned i = 1; i <= more; i++)
        bytes[i] = (uint8_t)(0x80 | ((c >> (6 * (more - i))) & 0x3f));
    rt__buffer_add(b, bytes, more + 1);
}

/* Python's lower() turns two code points beyond ASCII into ASCII letters: the Kelvin sign, and the dotted I,
 * which becomes i and a combining dot. */
static uint32_t legacy_lower(uint32_t c)
{
    return c == 0x212a ? 'k' : c == 0x0130 ? 'i' : c < 0x80 ? lower(c) : c;
}

rt_code rt__label_make(const char *folder, bool legacy, rt_buffer *label, rt_error *err)
{
    size_t start = label->size;
    bool space = false;
    for (const unsigned char *p = (const unsigned char *)folder; *p;) {
        uint32_t c = decode(&p), small;
        if (c == UINT32_MAX)
            return rt_fail_at(err, RT_EFORMAT, -1,
                              "the name of folder '%s' is not UTF-8 at its byte %td: rename the folder",
                              folder, (const char *)p - folder);
        small = legacy ? legacy_lower(c) : lower(c);
        if (!is_word(small) || (legacy && small >= 0x80)) {
            space = true;
            continue;
        }
        if (space && (legacy || label->size > start))
            rt__buffer_text(label, " ");
        encode(label, small);
        space = legacy && c == 0x0130;
    }
    if (space && legacy)
        rt__buffer_text(label, " ");
    if (label->size == start && !legacy && !label->failed)
        return rt_fail(err, RT_EFORMAT, "folder '%s' has no letter or digit to make a label of: rename it",
                       folder);
    return rt__buffer_ok(label, err);
}

static int compare_labels(const void *a, const void *b)
{
    const rt_folder *x = *(rt_folder *const *)a, *y = *(rt_folder *const *)b;
    int order = strcmp(x->label, y->label);
    return order ? order : x < y ? -1 : x > y;
}

/* Deals with labels that stand at several folders; sorted is in the order of labels, then of folders. */
static rt_code resolve(rt_folder **sorted, size_t n, bool legacy, rt_error *err)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && strcmp(sorted[i]->label, sorted[end]->label) == 0; end++)
            if (!legacy)
                return rt_fail(
                    err, RT_EFORMAT,
                    "folders '%s' and '%s' would both be labelled '%s': rename one of them, or put their "
                    "photos into one folder",
                    sorted[i]->name, sorted[end]->name, sorted[i]->label);
        if (end - i == 1)
            continue;
        *sorted[i] = *sorted[end - 1];
        for (size_t k = i + 1; k < end; k++)
            sorted[k]->n_photos = 0;
    }
    return RT_OK;
}

rt_code rt__label_folders(rt_folder *folders, size_t n_folders, bool legacy, rt_arena *arena, rt_error *err)
{
    rt_folder **sorted = rt__arena_array(arena, n_folders, sizeof *sorted);
    rt_buffer label = {0};
    rt_code code = RT_OK;
    if (!sorted)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu folders", n_folders);
    for (size_t i = 0; i < n_folders && code == RT_OK; i++) {
        sorted[i] = &folders[i];
        rt__buffer_reset(&label);
        code = rt__label_make(folders[i].name, legacy, &label, err);
        if (code == RT_OK && !(folders[i].label = rt__arena_copy(arena, label.bytes, label.size)))
            code = rt_fail(err, RT_ENOMEM, "out of memory");
    }
    rt__buffer_clear(&label);
    if (code != RT_OK)
        return code;
    if (n_folders)
        qsort(sorted, n_folders, sizeof *sorted, compare_labels);
    return resolve(sorted, n_folders, legacy, err);
}
