#include "events.h"

#include "base/file.h"
#include "base/hash.h"
#include "histogram.h"
#include "proto/message.h"
#include "tf_event.pb-c.h"
#include "tf_graph.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_BYTES = 1 << 20, DT_STRING = 7 };

struct rt_events {
    int fd;
    uint64_t bytes; /* of whole records in the file */
    char *path;
    rt_buffer pending, message;
    rt_histogram_limits limits;
    rt_histogram histogram; /* kept here, since it is too large for a stack */
};

void rt__record_add(rt_buffer *buffer, const void *bytes, size_t size)
{
    uint8_t length[8];
    for (size_t i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)size >> (8 * i));
    rt__buffer_add(buffer, length, 8);
    rt__buffer_u32(buffer, rt__crc32c_mask(rt__crc32c(0, length, 8)));
    rt__buffer_add(buffer, bytes, size);
    rt__buffer_u32(buffer, rt__crc32c_mask(rt__crc32c(0, bytes, size)));
}

/* What could not be written whole is taken away again: no reader meets half a record. */
rt_code rt__events_flush(rt_events *events, rt_error *err)
{
    const char *at = events->pending.bytes;
    size_t left = events->pending.size;
    rt_code code = rt__buffer_ok(&events->pending, err);
    while (code == RT_OK && left > 0) {
        ssize_t put = write(events->fd, at, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0) {
            code = rt_fail_errno(err, errno, "cannot write");
            if (ftruncate(events->fd, (off_t)events->bytes) == 0)
                lseek(events->fd, 0, SEEK_END);
            break;
        }
        at += put;
        left -= (size_t)put;
    }
    if (code == RT_OK)
        events->bytes += events->pending.size;
    else
        rt_doing(err, events->path, "cannot write summaries");
    rt__buffer_reset(&events->pending);
    return code;
}

static rt_code add_event(rt_events *events, const Tf__Event *event, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&events->message);
    if ((code = rt__proto_pack(&event->base, &events->message, err)) != RT_OK)
        return code;
    rt__record_add(&events->pending, events->message.bytes, events->message.size);
    if (events->pending.size >= FLUSH_BYTES)
        return rt__events_flush(events, err);
    return rt__buffer_ok(&events->pending, err);
}

/* A name that is not taken: runs may begin within one second. */
static rt_code create_file(rt_events *events, const char *folder, const char *ending, double wall_time,
                           rt_error *err)
{
    char host[256] = "localhost";
    gethostname(host, sizeof host - 1);
    for (unsigned attempt = 0; attempt < 1000; attempt++) {
        rt_buffer path = {0};
        rt__buffer_format(&path, "%s/events.out.tfevents.%010lld.%s%s", folder, (long long)wall_time, host,
                          ending);
        if (attempt)
            rt__buffer_format(&path, ".%u", attempt);
        free(events->path);
        events->path = path.bytes;
        if (path.failed)
            return rt__buffer_ok(&path, err);
        events->fd = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (events->fd >= 0)
            return RT_OK;
        if (errno != EEXIST)
            break;
    }
    return rt_fail_errno(err, errno, "cannot create");
}

rt_code rt__events_open(const char *folder, const char *ending, double wall_time, rt_events **events,
                        rt_error *err)
{
    Tf__Event version = TF__EVENT__INIT;
    rt_events *e = calloc(1, sizeof *e);
    rt_code code;
    if (!e)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    e->fd = -1;
    rt__histogram_limits_init(&e->limits);
    version.wall_time = wall_time;
    version.what_case = TF__EVENT__WHAT_FILE_VERSION;
    version.file_version = "brain.Event:2";
    if ((code = rt__folder_make(folder, err)) == RT_OK &&
        (code = create_file(e, folder, ending, wall_time, err)) == RT_OK &&
        (code = add_event(e, &version, err)) == RT_OK)
        code = rt__events_flush(e, err); /* an event file is one from the start */
    if (code != RT_OK) {
        rt_doing(err, e->path ? e->path : folder, "cannot write summaries");
        if (e->fd >= 0)
            unlink(e->path);
        rt__events_close(e, NULL);
        return code;
    }
    *events = e;
    return RT_OK;
}

rt_code rt__events_close(rt_events *events, rt_error *err)
{
    rt_code code = RT_OK;
    if (!events)
        return RT_OK;
    if (events->fd >= 0) {
        code = rt__events_flush(events, err);
        if (close(events->fd) != 0 && code == RT_OK) {
            code = rt_fail_errno(err, errno, "cannot write");
            rt_doing(err, events->path, "cannot write summaries");
        }
    }
    rt__buffer_clear(&events->pending);
    rt__buffer_clear(&events->message);
    free(events->path);
    free(events);
    return code;
}

rt_code rt__events_graph(rt_events *events, double wall_time, const void *graph_def, size_t size,
                         rt_error *err)
{
    Tf__Event event = TF__EVENT__INIT;
    event.wall_time = wall_time;
    event.what_case = TF__EVENT__WHAT_GRAPH_DEF;
    event.graph_def =
        (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)graph_def}; /* packed, never written to */
    return add_event(events, &event, err);
}

rt_code rt__events_meta_graph(rt_events *events, double wall_time, const void *meta_graph_def, size_t size,
                              rt_error *err)
{
    Tf__Event event = TF__EVENT__INIT;
    event.wall_time = wall_time;
    event.what_case = TF__EVENT__WHAT_META_GRAPH_DEF;
    event.meta_graph_def = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)meta_graph_def};
    return add_event(events, &event, err);
}

/* ---- one summary value of each kind; room for what the message points to ---- */

typedef struct value_room {
    Tf__SummaryValue value;
    Tf__HistogramProto histogram;
    Tf__SummaryImage image;
    Tf__SummaryMetadata metadata;
    Tf__SummaryMetadata__PluginData plugin;
    rt_buffer bytes; /* a packed TensorProto */
} value_room;

static rt_code fill_scalar(rt_events *events, const rt_summary *s, value_room *room, rt_error *err)
{
    (void)events;
    (void)err;
    room->value.value_case = TF__SUMMARY_VALUE__VALUE_SIMPLE_VALUE;
    room->value.simple_value = s->scalar;
    return RT_OK;
}

/* The histogram is packed at once, so that one rt_histogram serves all values of an event. */
static rt_code fill_histogram(rt_events *events, const rt_summary *s, value_room *room, rt_error *err)
{
    rt_histogram *h = &events->histogram;
    Tf__HistogramProto *m = &room->histogram;
    double *numbers;
    rt__histogram_fill(&events->limits, s->values, s->n_values, h);
    if (!(numbers = (double *)(void *)rt__buffer_reserve(&room->bytes, 2 * h->n_buckets * sizeof *numbers)))
        return rt__buffer_ok(&room->bytes, err);
    memcpy(numbers, h->limit, h->n_buckets * sizeof *numbers);
    memcpy(numbers + h->n_buckets, h->count, h->n_buckets * sizeof *numbers);
    tf__histogram_proto__init(m);
    m->min = h->min;
    m->max = h->max;
    m->num = h->num;
    m->sum = h->sum;
    m->sum_squares = h->sum_squares;
    m->n_bucket_limit = m->n_bucket = h->n_buckets;
    m->bucket_limit = numbers;
    m->bucket = numbers + h->n_buckets;
    room->value.value_case = TF__SUMMARY_VALUE__VALUE_HISTO;
    room->value.histo = m;
    return RT_OK;
}

static rt_code fill_text(rt_events *events, const rt_summary *s, value_room *room, rt_error *err)
{
    Tf__TensorProto tensor = TF__TENSOR_PROTO__INIT;
    Tf__TensorShapeProto shape = TF__TENSOR_SHAPE_PROTO__INIT;
    ProtobufCBinaryData text = {strlen(s->text), (uint8_t *)(uintptr_t)s->text};
    rt_code code;
    (void)events;
    tensor.dtype = DT_STRING;
    tensor.tensor_shape = &shape;
    tensor.n_string_val = 1;
    tensor.string_val = &text;
    if ((code = rt__proto_pack(&tensor.base, &room->bytes, err)) != RT_OK)
        return code;
    tf__summary_metadata__init(&room->metadata);
    tf__summary_metadata__plugin_data__init(&room->plugin);
    room->plugin.plugin_name = "text";
    room->metadata.plugin_data = &room->plugin;
    room->value.metadata = &room->metadata;
    room->value.value_case = TF__SUMMARY_VALUE__VALUE_TENSOR;
    room->value.tensor = (ProtobufCBinaryData){room->bytes.size, (uint8_t *)room->bytes.bytes};
    return RT_OK;
}

static rt_code fill_png(rt_events *events, const rt_summary *s, value_room *room, rt_error *err)
{
    (void)events;
    (void)err;
    tf__summary_image__init(&room->image);
    room->image.width = s->png_width;
    room->image.height = s->png_height;
    room->image.colorspace = 3; /* RGB */
    room->image.encoded_image_string = (ProtobufCBinaryData){s->png_bytes, (uint8_t *)(uintptr_t)s->png};
    room->value.value_case = TF__SUMMARY_VALUE__VALUE_IMAGE;
    room->value.image = &room->image;
    return RT_OK;
}

static rt_code (*const fillers[])(rt_events *, const rt_summary *, value_room *, rt_error *) = {
    [RT_SUMMARY_SCALAR] = fill_scalar,
    [RT_SUMMARY_HISTOGRAM] = fill_histogram,
    [RT_SUMMARY_TEXT] = fill_text,
    [RT_SUMMARY_PNG] = fill_png,
};

rt_code rt__events_add(rt_events *events, double wall_time, int64_t step, const rt_summary *summaries,
                       size_t n, rt_error *err)
{
    Tf__Event event = TF__EVENT__INIT;
    Tf__Summary summary = TF__SUMMARY__INIT;
    value_room *rooms = calloc(n ? n : 1, sizeof *rooms);
    Tf__SummaryValue **values = calloc(n ? n : 1, sizeof(*values));
    rt_code code = rooms && values ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        tf__summary_value__init(&rooms[i].value);
        rooms[i].value.tag = (char *)(uintptr_t)summaries[i].tag;
        values[i] = &rooms[i].value;
        code = fillers[summaries[i].kind](events, &summaries[i], &rooms[i], err);
    }
    event.wall_time = wall_time;
    event.step = step;
    event.what_case = TF__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    summary.n_value = n;
    summary.value = values;
    if (code == RT_OK)
        code = add_event(events, &event, err);
    for (size_t i = 0; rooms && i < n; i++)
        rt__buffer_clear(&rooms[i].bytes);
    free(rooms);
    free(values);
    return code;
}

void rt__summary_moments(const float *values, size_t n, float *mean, float *deviation, float *max, float *min)
{
    double sum = 0, squares = 0;
    *max = -FLT_MAX;
    *min = FLT_MAX;
    for (size_t i = 0; i < n; i++) {
        sum += (double)values[i];
        *max = values[i] > *max ? values[i] : *max;
        *min = values[i] < *min ? values[i] : *min;
    }
    *mean = n ? (float)(sum / (double)n) : 0;
    for (size_t i = 0; i < n; i++) {
        double distance = (double)(values[i] - *mean);
        squares += distance * distance;
    }
    *deviation = n ? (float)sqrt(squares / (double)n) : 0;
}
