#include "base/buffer.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "cache_text.h"
#include "extractor.h"
#include "freshness.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATH_BYTES = 4096,
    PHOTO_BYTES = 1 << 28, /* no photo is that large */
    TEXT_BYTES = 64,       /* of a value in a bottleneck file, ample room for spaces */
    LOG_EVERY = 100,       /* retrain.py's */
    MOST_WARNINGS = 10,    /* a copied data set would give one for each photo */
    PROGRESS_NS = 100000000
};

typedef struct worker {
    char photo[PATH_BYTES], cache[PATH_BYTES]; /* cache "": none */
    rt_extractor *extractor;                   /* NULL until a vector is missing */
    rt_freshness *record;                      /* that of the last cache path, borrowed */
    rt_buffer bytes, text;
} worker;

typedef struct pass {
    const rt_module *module;
    const rt_feature_source *source;
    const rt_feature_options *options;
    rt_features *out;
    worker *workers;
    uint32_t network;
    char **reasons; /* one for each photo, NULL where it was used */

    pthread_mutex_t plan_lock; /* guards first */
    rt_extractor *first;       /* owns the plan; one of the workers' */

    pthread_mutex_t lock;   /* guards what follows, and calls of log and progress */
    rt_freshness **records; /* one for each folder with bottleneck files */
    size_t n_records, n_wanted, n_done, n_warned;
    int64_t shown_ns; /* when progress was last told */
} pass;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void warn(pass *p, const char *what, const char *path, const char *cause)
{
    pthread_mutex_lock(&p->lock);
    rt_log_line(p->options->log, p->n_warned++ < MOST_WARNINGS ? RT_WARN : RT_DEBUG,
                "%s, recreating bottleneck %s%s%s%s", what, path, *cause ? " (" : "", cause,
                *cause ? ")" : "");
    pthread_mutex_unlock(&p->lock);
}

/* ---- the cache ---- */

static rt_code add_record(pass *p, const char *cache, const char *photo, rt_freshness **record, rt_error *err)
{
    rt_freshness **records = realloc(p->records, (p->n_records + 1) * sizeof *records);
    rt_code code;
    if (!records)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    p->records = records;
    if ((code = rt__freshness_open(cache, photo, record, err)) == RT_OK)
        records[p->n_records++] = *record;
    return code;
}

/* The record of the worker's present cache path, in w->record. */
static rt_code find_record(pass *p, worker *w, rt_error *err)
{
    const char *photo = rt__path_name(w->photo);
    rt_freshness *found = NULL;
    rt_code code = RT_OK;
    if (w->record && rt__freshness_covers(w->record, w->cache, photo))
        return RT_OK;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_records && !found; i++)
        if (rt__freshness_covers(p->records[i], w->cache, photo))
            found = p->records[i];
    if (!found)
        code = add_record(p, w->cache, photo, &found, err);
    pthread_mutex_unlock(&p->lock);
    w->record = found;
    return code;
}

/* Why the text file that was read cannot be used, or NULL. */
static const char *distrust(const pass *p, const worker *w, const rt_origin *origin,
                            const rt_file_info *photo, uint32_t text_crc)
{
    if (rt__freshness_damaged(w->record))
        return "Damaged record of bottlenecks";
    if (!origin)
        return NULL;
    if (origin->text_crc != text_crc)
        return "Bottleneck changed since it was recorded";
    if (origin->network != p->network)
        return "Bottleneck of another network";
    if (origin->photo_bytes != photo->size || origin->photo_changed_ns != photo->mtime_ns)
        return "Photo changed";
    return NULL;
}

/* Sets *hit when the photo's text file can be trusted; values are its vector then. */
static rt_code read_cache(pass *p, worker *w, float *values, bool *hit, rt_error *err)
{
    const char *name = rt__path_name(w->photo), *reason;
    size_t n = p->out->feature_size;
    rt_file_info photo;
    rt_error cause;
    const rt_origin *origin;
    uint32_t crc;
    rt_code code;
    rt__buffer_reset(&w->text);
    code = rt__file_read(&w->text, w->cache, n * TEXT_BYTES, NULL, &cause);
    if (code == RT_ENOTFOUND || rt__file_info(w->photo, &photo, NULL) != RT_OK)
        return RT_OK; /* if it is the photo that is not there, its reading will say so */
    if (code == RT_ENOMEM)
        return rt_fail(err, code, "out of memory");
    if (code != RT_OK) {
        warn(p, "Cannot read", w->cache, cause.cause);
        return RT_OK;
    }
    crc = rt__crc32c(0, w->text.bytes, w->text.size);
    origin = rt__freshness_find(w->record, name);
    if ((reason = distrust(p, w, origin, &photo, crc))) {
        warn(p, reason, w->cache, "");
        return RT_OK;
    }
    if (rt__cache_parse(w->text.bytes, w->text.size, values, n, &cause) != RT_OK) {
        warn(p, "Invalid float found", w->cache, cause.cause);
        return RT_OK;
    }
    *hit = true;
    if (origin)
        return RT_OK;
    return rt__freshness_note(w->record, name, &(rt_origin){crc, p->network, photo.size, photo.mtime_ns},
                              err);
}

static rt_code write_cache(pass *p, worker *w, const float *values, const rt_file_info *photo, rt_error *err)
{
    const char *name = rt__path_name(w->cache);
    rt_origin origin = {0, p->network, photo->size, photo->mtime_ns};
    rt_code code;
    pthread_mutex_lock(&p->lock);
    rt_log_line(p->options->log, RT_DEBUG, "Creating bottleneck at %s", w->cache);
    pthread_mutex_unlock(&p->lock);
    rt__buffer_reset(&w->text);
    rt__cache_format(values, p->out->feature_size, &w->text);
    if ((code = rt__buffer_ok(&w->text, err)) != RT_OK)
        return code;
    code = rt__file_write(w->cache, w->text.bytes, w->text.size, false, err);
    if (code == RT_ENOTFOUND && name > w->cache) { /* the first of its folder */
        size_t slash = (size_t)(name - w->cache) - 1;
        w->cache[slash] = 0;
        code = rt__folder_make(w->cache, err);
        w->cache[slash] = '/';
        if (code == RT_OK)
            code = rt__file_write(w->cache, w->text.bytes, w->text.size, false, err);
    }
    if (code != RT_OK)
        return code;
    origin.text_crc = rt__crc32c(0, w->text.bytes, w->text.size);
    return rt__freshness_note(w->record, rt__path_name(w->photo), &origin, err);
}

/* ---- one photo ---- */

static rt_code get_extractor(pass *p, worker *w, rt_error *err)
{
    rt_code code = RT_OK;
    if (w->extractor)
        return RT_OK;
    pthread_mutex_lock(&p->plan_lock);
    if (!p->first) {
        code = rt_extractor_new(p->module, &w->extractor, err);
        p->first = w->extractor;
        pthread_mutex_unlock(&p->plan_lock);
        return code;
    }
    pthread_mutex_unlock(&p->plan_lock);
    return rt_extractor_clone(p->first, &w->extractor, err);
}

/* Photo to vector.  *bad tells a photo that cannot be used from a failure of ours. */
static rt_code run_photo(worker *w, float *values, rt_file_info *info, bool *bad, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, w->photo, PHOTO_BYTES, info, err);
    if (code == RT_OK)
        code = rt_extractor_run(w->extractor, (const uint8_t *)w->bytes.bytes, w->bytes.size, values, err);
    if (code != RT_OK)
        rt_doing(err, w->photo, "cannot use photo");
    *bad = code != RT_OK && code != RT_ENOMEM;
    return code;
}

static rt_code make_vector(pass *p, worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
{
    float *values = p->out->values + i * p->out->feature_size;
    rt_file_info info;
    rt_code code = p->source->paths(p->source->user, i, w->photo, w->cache, PATH_BYTES, err);
    if (code != RT_OK) {
        *bad = code == RT_ELIMIT;
        return code;
    }
    if (w->cache[0]) {
        if ((code = find_record(p, w, err)) != RT_OK ||
            (code = read_cache(p, w, values, hit, err)) != RT_OK || *hit)
            return code;
    }
    if ((code = get_extractor(p, w, err)) != RT_OK || (code = run_photo(w, values, &info, bad, err)) != RT_OK)
        return code;
    return w->cache[0] ? write_cache(p, w, values, &info, err) : RT_OK;
}

/* A photo that cannot be used: its row is zero, its reason kept. */
static rt_code skip_photo(pass *p, size_t i, rt_error *err)
{
    char text[sizeof err->path + sizeof err->message + sizeof err->cause + 64];
    memset(p->out->values + i * p->out->feature_size, 0, p->out->feature_size * sizeof(float));
    p->reasons[i] = strdup(rt_error_text(err, text, sizeof text));
    return p->reasons[i] ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static void report_photo(pass *p, bool hit, bool skipped)
{
    int64_t now = now_ns();
    pthread_mutex_lock(&p->lock);
    p->n_done++;
    p->out->n_cached += hit;
    p->out->n_skipped += skipped;
    p->out->n_computed += !hit && !skipped;
    if (p->n_done % LOG_EVERY == 0)
        rt_log_line(p->options->log, RT_INFO, "%zu bottleneck files created.", p->n_done);
    if (now - p->shown_ns >= PROGRESS_NS || p->n_done == p->n_wanted) {
        p->shown_ns = now;
        rt_progress_update(p->options->progress, "bottlenecks", p->n_done, p->n_wanted);
    }
    pthread_mutex_unlock(&p->lock);
}

static bool is_wanted(const rt_feature_source *source, size_t i)
{
    return !source->wanted || source->wanted(source->user, i);
}

static rt_code do_photo(void *context, size_t index, size_t i, rt_error *err)
{
    pass *p = context;
    bool hit = false, bad = false, skipped;
    rt_code code;
    if (!is_wanted(p->source, i))
        return RT_OK;
    code = make_vector(p, &p->workers[index], i, &hit, &bad, err);
    skipped = code != RT_OK && bad && !p->options->strict;
    if (skipped)
        code = skip_photo(p, i, err);
    if (code == RT_OK)
        report_photo(p, hit, skipped);
    return code;
}

/* ---- the whole pass ---- */

static rt_code list_skipped(pass *p, rt_error *err)
{
    rt_features *out = p->out;
    size_t n = 0;
    if (out->n_skipped == 0)
        return RT_OK;
    if (!(out->skipped = calloc(out->n_skipped, sizeof *out->skipped)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < out->n_photos; i++)
        if (p->reasons[i]) {
            out->skipped[n++] = (rt_skipped){i, p->reasons[i]};
            p->reasons[i] = NULL;
        }
    return RT_OK;
}

/* A record that cannot be written costs the next run its knowledge, not this one its result. */
static void write_records(pass *p)
{
    bool told = false;
    for (size_t i = 0; i < p->n_records; i++) {
        rt_error err;
        char text[sizeof err.path + sizeof err.message + sizeof err.cause + 64];
        if (rt__freshness_write(p->records[i], &err) == RT_OK || told)
            continue;
        told = true;
        rt_log_line(p->options->log, RT_WARN, "Later changes of photos may go unnoticed: %s",
                    rt_error_text(&err, text, sizeof text));
    }
}

static rt_code start(pass *p, size_t n_workers, rt_error *err)
{
    rt_features *out = p->out;
    size_t n_values;
    out->n_photos = p->source->n_photos;
    out->feature_size = (size_t)rt_module_describe(p->module)->feature_size;
    if (!rt_mul(&n_values, out->n_photos, out->feature_size))
        return rt_fail(err, RT_ENOMEM, "%zu vectors of %zu floats are too many", out->n_photos,
                       out->feature_size);
    out->values = calloc(n_values ? n_values : 1, sizeof *out->values);
    p->reasons = calloc(out->n_photos + 1, sizeof *p->reasons);
    p->workers = calloc(n_workers, sizeof *p->workers);
    if (!out->values || !p->reasons || !p->workers)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu vectors of %zu floats", out->n_photos,
                       out->feature_size);
    p->network = rt__network_digest(p->module);
    for (size_t i = 0; i < out->n_photos; i++)
        p->n_wanted += is_wanted(p->source, i);
    return RT_OK;
}

static void finish(pass *p, size_t n_workers)
{
    for (size_t i = 0; p->workers && i < n_workers; i++) {
        if (p->workers[i].extractor != p->first)
            rt_extractor_free(p->workers[i].extractor);
        rt__buffer_clear(&p->workers[i].bytes);
        rt__buffer_clear(&p->workers[i].text);
    }
    rt_extractor_free(p->first);
    for (size_t i = 0; i < p->n_records; i++)
        rt__freshness_close(p->records[i]);
    for (size_t i = 0; p->reasons && i < p->out->n_photos; i++)
        free(p->reasons[i]);
    free(p->records);
    free(p->reasons);
    free(p->workers);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->plan_lock);
}

rt_code rt_features_compute(const rt_module *module, const rt_feature_source *source,
                            const rt_feature_options *options, rt_features *features, rt_error *err)
{
    pass p = {.module = module, .source = source, .options = options, .out = features, .shown_ns = now_ns()};
    size_t n_workers = options->n_threads ? options->n_threads : rt__cpu_count();
    rt_code code;
    *features = (rt_features){0};
    if (n_workers > source->n_photos)
        n_workers = source->n_photos ? source->n_photos : 1;
    pthread_mutex_init(&p.lock, NULL);
    pthread_mutex_init(&p.plan_lock, NULL);
    code = start(&p, n_workers, err);
    if (code == RT_OK) {
        code = rt__pool_run(n_workers, source->n_photos, do_photo, &p, err);
        write_records(&p);
    }
    if (p.n_warned > MOST_WARNINGS)
        rt_log_line(options->log, RT_WARN, "%zu more bottlenecks were recreated.",
                    p.n_warned - MOST_WARNINGS);
    if (code == RT_OK)
        code = list_skipped(&p, err);
    finish(&p, n_workers);
    if (code != RT_OK)
        rt_features_clear(features);
    return code;
}

void rt_features_clear(rt_features *features)
{
    for (size_t i = 0; features->skipped && i < features->n_skipped; i++)
        free(features->skipped[i].reason);
    free(features->skipped);
    free(features->values);
    *features = (rt_features){0};
}
