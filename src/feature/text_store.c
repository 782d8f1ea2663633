#include "text_store.h"

#include "base/hash.h"
#include "cache_text.h"
#include "extractor.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEXT_BYTES = 64,   /* of a value in a bottleneck file, ample room for spaces */
    MOST_WARNINGS = 10 /* a copied data set would give one for each photo */
};

struct rt_text_store {
    rt_text_options options;
    size_t n_warned;      /* guarded by options.log_lock */
    pthread_mutex_t lock; /* guards what follows */
    bool knows_network;
    uint32_t network;       /* rt__network_digest(), which reads all weights: taken when it is first needed */
    rt_freshness **records; /* one for each folder with bottleneck files */
    size_t n_records;
};

rt_code rt__text_store_new(const rt_text_options *options, rt_text_store **store, rt_error *err)
{
    rt_text_store *s = calloc(1, sizeof *s);
    if (!s)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    s->options = *options;
    pthread_mutex_init(&s->lock, NULL);
    *store = s;
    return RT_OK;
}

static void warn(rt_text_store *s, const char *what, const char *path, const char *cause)
{
    pthread_mutex_lock(s->options.log_lock);
    rt_log_line(s->options.log, s->n_warned++ < MOST_WARNINGS ? RT_WARN : RT_DEBUG,
                "%s, recreating bottleneck %s%s%s%s", what, path, *cause ? " (" : "", cause,
                *cause ? ")" : "");
    pthread_mutex_unlock(s->options.log_lock);
}

static rt_code add_record(rt_text_store *s, const char *text, const char *name, rt_freshness **record,
                          rt_error *err)
{
    rt_freshness **records = realloc(s->records, (s->n_records + 1) * sizeof *records);
    rt_code code;
    if (!records)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    s->records = records;
    if ((code = rt__freshness_open(text, name, record, err)) == RT_OK)
        records[s->n_records++] = *record;
    return code;
}

/* The record of a text file, in r->record; name is the photo's. */
static rt_code find_record(rt_text_store *s, rt_text_reader *r, const char *text, const char *name,
                           rt_error *err)
{
    rt_freshness *found = NULL;
    rt_code code = RT_OK;
    if (r->record && rt__freshness_covers(r->record, text, name))
        return RT_OK;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->n_records && !found; i++)
        if (rt__freshness_covers(s->records[i], text, name))
            found = s->records[i];
    if (!found)
        code = add_record(s, text, name, &found, err);
    pthread_mutex_unlock(&s->lock);
    r->record = found;
    return code;
}

static uint32_t network_of(rt_text_store *s)
{
    uint32_t network;
    pthread_mutex_lock(&s->lock);
    if (!s->knows_network)
        s->network = rt__network_digest(s->options.module, &s->options.how);
    s->knows_network = true;
    network = s->network;
    pthread_mutex_unlock(&s->lock);
    return network;
}

/* Why the text file that was read cannot be used, or NULL. */
static const char *distrust(rt_text_store *s, const rt_freshness *record, const rt_origin *origin,
                            const rt_file_info *photo, uint32_t text_crc)
{
    if (rt__freshness_damaged(record))
        return "Damaged record of bottlenecks";
    if (!origin)
        return NULL;
    if (origin->text_crc != text_crc)
        return "Bottleneck changed since it was recorded";
    if (origin->network != network_of(s))
        return "Bottleneck of another network";
    if (origin->photo_bytes != photo->size || origin->photo_changed_ns != photo->mtime_ns)
        return "Photo changed";
    return NULL;
}

rt_code rt__text_store_find(rt_text_store *s, rt_text_reader *r, const char *photo, const char *text,
                            float *values, bool *hit, rt_error *err)
{
    const char *name = rt__path_name(photo), *reason;
    size_t n = s->options.feature_size;
    rt_file_info info;
    rt_error cause;
    const rt_origin *origin;
    uint32_t crc;
    rt_code code = find_record(s, r, text, name, err);
    *hit = false;
    if (code != RT_OK)
        return code;
    rt__buffer_reset(&r->text);
    code = rt__file_read(&r->text, text, n * TEXT_BYTES, NULL, &cause);
    if (code == RT_ENOTFOUND || rt__file_info(photo, &info, NULL) != RT_OK)
        return RT_OK; /* if it is the photo that is not there, its reading will say so */
    if (code == RT_ENOMEM)
        return rt_fail(err, code, "out of memory");
    if (code != RT_OK) {
        warn(s, "Cannot read", text, cause.cause);
        return RT_OK;
    }
    crc = rt__crc32c(0, r->text.bytes, r->text.size);
    origin = rt__freshness_find(r->record, name);
    if ((reason = distrust(s, r->record, origin, &info, crc))) {
        warn(s, reason, text, "");
        return RT_OK;
    }
    if (rt__cache_parse(r->text.bytes, r->text.size, values, n, &cause) != RT_OK) {
        warn(s, "Invalid float found", text, cause.cause);
        return RT_OK;
    }
    *hit = true;
    if (origin)
        return RT_OK;
    return rt__freshness_note(r->record, name, &(rt_origin){crc, network_of(s), info.size, info.mtime_ns},
                              err);
}

/* Makes the folder of a file. */
static rt_code make_folder_of(const char *path, rt_error *err)
{
    char *folder = strndup(path, (size_t)(rt__path_name(path) - path) - 1);
    rt_code code;
    if (!folder)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__folder_make(folder, err);
    free(folder);
    return code;
}

rt_code rt__text_store_keep(rt_text_store *s, rt_text_reader *r, const char *photo, const char *text,
                            const float *values, const rt_file_info *info, rt_error *err)
{
    rt_origin origin = {0, network_of(s), info->size, info->mtime_ns};
    rt_code code = find_record(s, r, text, rt__path_name(photo), err);
    if (code != RT_OK)
        return code;
    pthread_mutex_lock(s->options.log_lock);
    rt_log_line(s->options.log, RT_DEBUG, "Creating bottleneck at %s", text);
    pthread_mutex_unlock(s->options.log_lock);
    rt__buffer_reset(&r->text);
    rt__cache_format(values, s->options.feature_size, &r->text);
    if ((code = rt__buffer_ok(&r->text, err)) != RT_OK)
        return code;
    code = rt__file_write(text, r->text.bytes, r->text.size, false, err);
    if (code == RT_ENOTFOUND && rt__path_name(text) > text + 1 && /* the first of its folder */
        (code = make_folder_of(text, err)) == RT_OK)
        code = rt__file_write(text, r->text.bytes, r->text.size, false, err);
    if (code != RT_OK)
        return code;
    origin.text_crc = rt__crc32c(0, r->text.bytes, r->text.size);
    return rt__freshness_note(r->record, rt__path_name(photo), &origin, err);
}

/* A record that cannot be written costs the next run its knowledge, not this one its result. */
static void write_records(const rt_text_store *s)
{
    bool told = false;
    for (size_t i = 0; i < s->n_records; i++) {
        rt_error err;
        char text[RT_ERROR_TEXT];
        if (rt__freshness_write(s->records[i], &err) == RT_OK || told)
            continue;
        told = true;
        rt_log_line(s->options.log, RT_WARN, "Later changes of photos may go unnoticed: %s",
                    rt_error_text(&err, text, sizeof text));
    }
}

void rt__text_store_close(rt_text_store *s)
{
    if (!s)
        return;
    write_records(s);
    if (s->n_warned > MOST_WARNINGS)
        rt_log_line(s->options.log, RT_WARN, "%zu more bottlenecks were recreated.",
                    s->n_warned - MOST_WARNINGS);
    for (size_t i = 0; i < s->n_records; i++)
        rt__freshness_close(s->records[i]);
    free(s->records);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
