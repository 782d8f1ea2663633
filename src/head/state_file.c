#include "state_file.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 16, CHECKSUM = 4, LANES = 4 };

static const char magic[MAGIC + 1] = "retrain state 1\n";

/* ---- writing ---- */

static void add_float(rt_buffer *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    rt__buffer_u32(out, bits);
}

static void add_rng(rt_buffer *out, const rt_rng *rng)
{
    for (int i = 0; i < LANES; i++)
        rt__buffer_u64(out, rng->state[i]);
}

static void add_score(rt_buffer *out, const rt_score *score)
{
    add_float(out, score->cross_entropy);
    add_float(out, score->accuracy);
    rt__buffer_u64(out, score->n);
}

rt_code rt__run_write(const char *path, const rt_saved_run *run, bool durable, rt_error *err)
{
    const rt_head *head = &run->state.head;
    rt_buffer out = {0};
    rt_code code;
    rt__buffer_add(&out, magic, MAGIC);
    rt__buffer_u32(&out, (uint32_t)strlen(run->identity));
    rt__buffer_text(&out, run->identity);
    rt__buffer_u64(&out, run->steps);
    rt__buffer_u64(&out, run->state.step);
    add_rng(&out, &run->state.training);
    add_rng(&out, &run->state.validation);
    add_score(&out, &run->training);
    add_score(&out, &run->validation);
    rt__buffer_u64(&out, head->n_features);
    rt__buffer_u64(&out, head->n_classes);
    for (size_t i = 0; i < head->n_features * head->n_classes; i++)
        add_float(&out, head->weights[i]);
    for (size_t i = 0; i < head->n_classes; i++)
        add_float(&out, head->biases[i]);
    if (!out.failed)
        rt__buffer_u32(&out, rt__crc32c_mask(rt__crc32c(0, out.bytes, out.size)));
    code = rt__buffer_ok(&out, err);
    if (code == RT_OK)
        code = rt__file_write(path, out.bytes, out.size, durable, err);
    rt__buffer_clear(&out);
    if (code != RT_OK)
        rt_doing(err, path, "cannot store how far the training is");
    return code;
}

/* ---- reading ---- */

static bool get_float(rt_cursor *c, float *value)
{
    uint32_t bits;
    if (!rt__cursor_u32(c, &bits))
        return false;
    memcpy(value, &bits, sizeof bits);
    return true;
}

/* A generator of zeros gives nothing else. */
static bool get_rng(rt_cursor *c, rt_rng *rng)
{
    uint64_t all = 0;
    for (int i = 0; i < LANES; i++) {
        if (!rt__cursor_u64(c, &rng->state[i]))
            return false;
        all |= rng->state[i];
    }
    return all != 0;
}

static bool get_score(rt_cursor *c, rt_score *score)
{
    uint64_t n;
    if (!get_float(c, &score->cross_entropy) || !get_float(c, &score->accuracy) || !rt__cursor_u64(c, &n))
        return false;
    score->n = (size_t)n;
    return true;
}

static rt_code cut_off(rt_error *err)
{
    return rt_fail(err, RT_EFORMAT, "the file is cut off or has other lengths than it says");
}

static rt_code get_head(rt_cursor *c, rt_head *head, rt_error *err)
{
    uint64_t features, classes, most = rt__cursor_left(c) / sizeof(float);
    if (!rt__cursor_u64(c, &features) || !rt__cursor_u64(c, &classes) || features == 0 || classes == 0 ||
        features > most || classes > most / (features + 1) ||
        rt__cursor_left(c) != (features + 1) * classes * sizeof(float))
        return cut_off(err);
    *head = (rt_head){.n_features = (size_t)features, .n_classes = (size_t)classes};
    head->weights = malloc((size_t)(features * classes) * sizeof(float));
    head->biases = malloc((size_t)classes * sizeof(float));
    if (!head->weights || !head->biases)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < head->n_features * head->n_classes; i++)
        get_float(c, &head->weights[i]);
    for (size_t i = 0; i < head->n_classes; i++)
        get_float(c, &head->biases[i]);
    return RT_OK;
}

static rt_code get_run(rt_cursor *c, rt_saved_run *run, rt_error *err)
{
    const uint8_t *text;
    uint32_t length;
    char *identity;
    if (!rt__cursor_u32(c, &length) || !rt__cursor_bytes(c, length, &text))
        return cut_off(err);
    if (!(identity = malloc((size_t)length + 1)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(identity, text, length);
    identity[length] = 0;
    run->identity = identity;
    if (!rt__cursor_u64(c, &run->steps) || !rt__cursor_u64(c, &run->state.step) ||
        !get_rng(c, &run->state.training) || !get_rng(c, &run->state.validation) ||
        !get_score(c, &run->training) || !get_score(c, &run->validation))
        return cut_off(err);
    return get_head(c, &run->state.head, err);
}

static rt_code check(rt_cursor *c, rt_error *err)
{
    rt_cursor last;
    uint32_t stored;
    if (c->size < MAGIC + CHECKSUM || memcmp(c->bytes, magic, MAGIC) != 0)
        return rt_fail(err, RT_EFORMAT, "the file does not hold the state of a training");
    c->size -= CHECKSUM;
    last = rt__cursor(c->bytes + c->size, CHECKSUM);
    if (!rt__cursor_u32(&last, &stored) || stored != rt__crc32c_mask(rt__crc32c(0, c->bytes, c->size)))
        return rt_fail(err, RT_EFORMAT, "the file is damaged: its checksum is wrong");
    rt__cursor_skip(c, MAGIC);
    return RT_OK;
}

rt_code rt__run_parse(const void *bytes, size_t size, rt_saved_run *run, rt_error *err)
{
    rt_saved_run found = {0};
    rt_cursor c = rt__cursor(bytes, size);
    rt_code code = check(&c, err);
    if (code == RT_OK)
        code = get_run(&c, &found, err);
    if (code == RT_OK)
        *run = found;
    else
        rt__run_clear(&found);
    return code;
}

rt_code rt__run_read(const char *path, rt_saved_run *run, rt_error *err)
{
    rt_buffer file = {0};
    rt_code code = rt__file_read(&file, path, 0, NULL, err);
    if (code == RT_OK)
        code = rt__run_parse(file.bytes, file.size, run, err);
    rt__buffer_clear(&file);
    if (code != RT_OK)
        rt_doing(err, path, "cannot read how far a training was");
    return code;
}

void rt__run_clear(rt_saved_run *run)
{
    free((void *)(uintptr_t)run->identity);
    rt__train_state_clear(&run->state);
    *run = (rt_saved_run){0};
}

/* ---- comparing ---- */

/* Length of the first line. */
static size_t line(const char *text)
{
    return strcspn(text, "\n");
}

static void copy_value(char *to, size_t size, const char *from)
{
    size_t length = line(from), key = strcspn(from, "=\n");
    const char *value = from + key + (from[key] == '=');
    snprintf(to, size, "%.*s", (int)(from + length - value), value);
}

bool rt__run_differs(const char *now, const char *then, char *key, char *value_now, char *value_then,
                     size_t size)
{
    while (*now && line(now) == line(then) && memcmp(now, then, line(now)) == 0) {
        now += line(now) + (now[line(now)] == '\n');
        then += line(then) + (then[line(then)] == '\n');
    }
    if (!*now && !*then)
        return false;
    snprintf(key, size, "%.*s", (int)strcspn(*now ? now : then, "=\n"), *now ? now : then);
    copy_value(value_now, size, now);
    copy_value(value_then, size, then);
    return true;
}
