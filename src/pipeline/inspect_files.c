/* Files that are neither graphs nor checkpoints. */
#include "inspect_job.h"

#include "base/cursor.h"
#include "base/float_text.h"
#include "base/hash.h"
#include "model/bundle.h"
#include "model/checkpoint_files.h"
#include "proto/message.h"
#include "proto/tf_event.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- event files ---- */

/* The next record's data; false at the end or where the file is damaged. */
static bool next_record(rt_cursor *c, const uint8_t **data, size_t *size)
{
    const uint8_t *head;
    uint64_t length;
    uint32_t head_crc, crc;
    rt_cursor at = *c;
    if (!rt__cursor_bytes(&at, 8, &head) || !rt__cursor_u32(&at, &head_crc) ||
        head_crc != rt__crc32c_mask(rt__crc32c(0, head, 8)))
        return false;
    rt__cursor_u64(c, &length);
    if (length > rt__cursor_left(&at) || !rt__cursor_bytes(&at, (size_t)length, data) ||
        !rt__cursor_u32(&at, &crc) || crc != rt__crc32c_mask(rt__crc32c(0, *data, (size_t)length)))
        return false;
    *size = (size_t)length;
    *c = at;
    return true;
}

enum { MOST_TAGS = 1000 };

typedef struct event_sums {
    uint64_t events, graphs;
    int64_t last_step;
    const char *version;
    struct tag_sum {
        const char *tag;
        uint64_t count;
        float last;
        bool scalar;
    } tags[MOST_TAGS];
    size_t n_tags;
} event_sums;

static void add_value(event_sums *sums, const Tf__SummaryValue *value)
{
    size_t i = 0;
    while (i < sums->n_tags && strcmp(sums->tags[i].tag, value->tag) != 0)
        i++;
    if (i == MOST_TAGS)
        return;
    if (i == sums->n_tags)
        sums->tags[sums->n_tags++].tag = value->tag;
    sums->tags[i].count++;
    sums->tags[i].scalar = value->value_case == TF__SUMMARY_VALUE__VALUE_SIMPLE_VALUE;
    if (sums->tags[i].scalar)
        sums->tags[i].last = value->simple_value;
}

static void add_event(event_sums *sums, const Tf__Event *event)
{
    sums->events++;
    sums->last_step = event->step > sums->last_step ? event->step : sums->last_step;
    if (event->what_case == TF__EVENT__WHAT_FILE_VERSION)
        sums->version = event->file_version;
    sums->graphs += event->what_case == TF__EVENT__WHAT_GRAPH_DEF;
    for (size_t i = 0; event->what_case == TF__EVENT__WHAT_SUMMARY && i < event->summary->n_value; i++)
        add_value(sums, event->summary->value[i]);
}

static void print_sums(const event_sums *sums, rt_inspect_out *out)
{
    static const char *const columns[] = {"tag", "#count", "last"};
    rt__out_fact(out, "version", "%s", sums->version ? sums->version : "not told");
    rt__out_number(out, "events", sums->events);
    rt__out_number(out, "graphs", sums->graphs);
    rt__out_number(out, "last_step", (uint64_t)sums->last_step);
    rt__out_table(out, "summaries", columns, 3);
    for (size_t i = 0; i < sums->n_tags; i++) {
        char count[24], last[RT_FLOAT_TEXT] = "no scalar";
        const char *const cells[] = {sums->tags[i].tag, count, last};
        snprintf(count, sizeof count, "%" PRIu64, sums->tags[i].count);
        if (sums->tags[i].scalar)
            rt__float_text(sums->tags[i].last, last);
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
}

static rt_code print_events(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_cursor c = rt__cursor(thing->file->bytes, thing->file->size);
    rt_arena *arena = rt__arena_new();
    event_sums *sums = arena ? rt__arena_alloc(arena, sizeof *sums) : NULL;
    rt_code code = sums ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    const uint8_t *data;
    size_t size;
    while (code == RT_OK && next_record(&c, &data, &size)) {
        ProtobufCMessage *event;
        code = rt__proto_unpack(&tf__event__descriptor, data, size, arena, &event, err);
        if (code == RT_OK)
            add_event(sums, (const Tf__Event *)event);
    }
    if (code == RT_OK) {
        print_sums(sums, out);
        if (rt__cursor_left(&c) > 0)
            rt__out_fact(out, "damage", "cut off or damaged behind byte %zu", c.at);
    }
    rt__arena_free(arena);
    return code;
}

bool rt__inspect_probe_events(rt_inspected *thing)
{
    const uint8_t *data;
    size_t size;
    rt_cursor c;
    if (!thing->file)
        return false;
    c = rt__cursor(thing->file->bytes, thing->file->size);
    if (!next_record(&c, &data, &size))
        return false;
    thing->what = "event file, for TensorBoard";
    thing->print = print_events;
    return true;
}

/* ---- texts ---- */

static rt_code print_text(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"line"};
    char *text = strndup((const char *)thing->file->bytes, thing->file->size), *rest = text;
    if (!text)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    rt__out_table(out, "lines", columns, 1);
    for (const char *line; (line = strtok_r(rest, "\n", &rest));)
        rt__out_row(out, &line);
    rt__out_table_end(out);
    free(text);
    return RT_OK;
}

/* What the list says, and whether its checkpoint is there. */
static rt_code print_list(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    rt_buffer prefix = {0};
    rt_code code = print_text(thing, out, err);
    if (code == RT_OK && (code = rt__checkpoint_prefix(thing->path, &prefix, err)) == RT_OK)
        rt__out_fact(out, "latest", "%s%s", prefix.bytes,
                     rt__bundle_exists(prefix.bytes) ? "" : ", which is not there");
    rt__buffer_clear(&prefix);
    return code;
}

bool rt__inspect_probe_list(rt_inspected *thing)
{
    if (!rt__checkpoint_is_list(thing->file))
        return false;
    thing->what = "list of checkpoints, the first the latest";
    thing->print = print_list;
    return true;
}

typedef struct vector_sums {
    size_t n;
    float least, largest;
    double sum;
} vector_sums;

/* Whether text is numbers with commas between, at least two. */
static bool sum_vector(const char *text, vector_sums *sums)
{
    for (;; text++) {
        float value;
        text = rt__float_parse(text + strspn(text, " \n\r\t"), &value);
        if (!text)
            return false;
        sums->least = sums->n == 0 || value < sums->least ? value : sums->least;
        sums->largest = sums->n == 0 || value > sums->largest ? value : sums->largest;
        sums->sum += (double)value;
        sums->n++;
        text += strspn(text, " \n\r\t");
        if (*text != ',')
            return *text == 0 && sums->n > 1;
    }
}

static bool read_vector(const rt_inspected *thing, vector_sums *sums)
{
    enum { MOST_BYTES = 16 << 20 };
    char *text;
    bool good;
    *sums = (vector_sums){.n = 0};
    if (!thing->file || thing->file->size == 0 || thing->file->size > MOST_BYTES ||
        !strchr("+-.0123456789 ", thing->file->bytes[0]) || thing->file->bytes[0] == 0)
        return false;
    text = strndup((const char *)thing->file->bytes, thing->file->size);
    good = text && strlen(text) == thing->file->size && sum_vector(text, sums);
    free(text);
    return good;
}

static rt_code print_vector(const rt_inspected *thing, rt_inspect_out *out, rt_error *err)
{
    vector_sums sums;
    (void)err;
    read_vector(thing, &sums);
    rt__out_number(out, "values", sums.n);
    rt__out_fact(out, "least", "%.9g", (double)sums.least);
    rt__out_fact(out, "largest", "%.9g", (double)sums.largest);
    rt__out_fact(out, "mean", "%.9g", sums.sum / (double)sums.n);
    return RT_OK;
}

bool rt__inspect_probe_bottleneck(rt_inspected *thing)
{
    vector_sums sums;
    if (!read_vector(thing, &sums))
        return false;
    thing->what = "bottleneck file: a photo's feature vector";
    thing->print = print_vector;
    return true;
}
