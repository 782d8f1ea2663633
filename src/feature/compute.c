#include "base/buffer.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/pool.h"
#include "deal.h"
#include "extractor.h"
#include "features_inside.h"
#include "known.h"
#include "skips.h"
#include "text_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PATH_BYTES = 4096,
    PHOTO_BYTES = 1 << 28, /* no photo is that large */
    LOG_EVERY = 100,       /* retrain.py's */
    MOST_WARNINGS = 10,
    PROGRESS_NS = 100000000
};

typedef struct worker {
    char photo[PATH_BYTES], cache[PATH_BYTES]; /* cache "": no text file */
    rt_extractor *extractor;                   /* NULL until a vector is missing */
    rt_text_reader text;
    rt_buffer bytes;
    float *values; /* [feature_size] */
    size_t n_read, n_imported;
} worker;

typedef struct pass {
    const rt_module *module;
    const rt_feature_source *source;
    const rt_feature_options *options;
    rt_features *out;
    rt_feature_owner *owner;
    rt_text_store *text;
    rt_packed_module network; /* for packed */
    bool keeps_text;          /* new vectors go to text files */
    worker *workers;

    pthread_mutex_t plan_lock; /* guards first */
    rt_extractor *first;       /* owns the plan; one of the workers' */

    pthread_mutex_t lock; /* guards what follows, and calls of log and progress */
    size_t n_wanted, n_done, n_damaged;
    rt_skips skips;
    int64_t shown_ns; /* when progress was last told */
} pass;

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void warn_damaged(pass *p, const char *photo)
{
    pthread_mutex_lock(&p->lock);
    rt_log_line(p->options->log, p->n_damaged++ < MOST_WARNINGS ? RT_WARN : RT_DEBUG,
                "Damaged vector in the cache, recreating that of %s", photo);
    pthread_mutex_unlock(&p->lock);
}

/* ---- one photo ---- */

static rt_code get_extractor(pass *p, worker *w, rt_error *err)
{
    rt_code code = RT_OK;
    if (w->extractor)
        return RT_OK;
    pthread_mutex_lock(&p->plan_lock);
    if (!p->first) {
        code = rt_extractor_new(p->module, &p->options->how, &w->extractor, err);
        p->first = w->extractor;
        pthread_mutex_unlock(&p->plan_lock);
        return code;
    }
    pthread_mutex_unlock(&p->plan_lock);
    return rt_extractor_clone(p->first, &w->extractor, err);
}

static rt_code cannot_use(const worker *w, rt_code code, bool *bad, rt_error *err)
{
    rt_doing(err, w->photo, "cannot use photo");
    *bad = code != RT_ENOMEM;
    return code;
}

static rt_code read_photo(worker *w, rt_file_info *info, bool *bad, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, w->photo, PHOTO_BYTES, info, err);
    w->n_read++;
    return code == RT_OK ? RT_OK : cannot_use(w, code, bad, err);
}

/* The bytes that were read, to a vector.  *bad tells a photo that cannot be used from a failure of ours. */
static rt_code run_photo(pass *p, worker *w, float *values, bool *bad, rt_error *err)
{
    rt_code code = get_extractor(p, w, err);
    if (code != RT_OK)
        return code;
    code = rt_extractor_run(w->extractor, (const uint8_t *)w->bytes.bytes, w->bytes.size, values, err);
    return code == RT_OK ? RT_OK : cannot_use(w, code, bad, err);
}

/* ---- through text files, or no cache at all ---- */

static rt_code make_vector(pass *p, worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
{
    float *values = p->out->values + i * p->out->feature_size;
    rt_file_info info;
    rt_code code = RT_OK;
    p->out->vectors[i] = values;
    if (w->cache[0])
        code = rt__text_store_find(p->text, &w->text, w->photo, w->cache, values, hit, err);
    if (code != RT_OK || *hit)
        return code;
    if (p->options->only_cached) {
        p->out->vectors[i] = NULL;
        return RT_OK;
    }
    if ((code = read_photo(w, &info, bad, err)) != RT_OK ||
        (code = run_photo(p, w, values, bad, err)) != RT_OK)
        return code;
    return w->cache[0] && p->keeps_text
               ? rt__text_store_keep(p->text, &w->text, w->photo, w->cache, values, &info, err)
               : RT_OK;
}

/* ---- through the packed cache ---- */

static bool same_file(const rt_file_info *a, const rt_file_info *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static rt_code look_up(pass *p, const worker *w, size_t i, const uint8_t *photo, rt_error *err)
{
    bool damaged;
    rt_code code = rt__packed_find(p->owner->packed, photo, &p->owner->places[i], &damaged, err);
    if (code == RT_OK && damaged)
        warn_damaged(p, w->photo);
    return code;
}

/* Finds out what the photo is, reading it only where its file is not known, and whether its vector is there.
 * After a miss the photo's bytes are in w->bytes. */
static rt_code identify(pass *p, worker *w, size_t i, uint8_t photo[RT_PHOTO_BYTES], bool *bad, rt_error *err)
{
    rt_packed *packed = p->owner->packed;
    int64_t opened_ns = now_ns(CLOCK_REALTIME);
    rt_file_info seen, info;
    bool known;
    rt_code code = rt__file_info(w->photo, &seen, err);
    if (code != RT_OK)
        return cannot_use(w, code, bad, err);
    if ((code = rt__packed_recall(packed, &seen, w->photo, photo, &known, err)) != RT_OK)
        return code;
    if (known && ((code = look_up(p, w, i, photo, err)) != RT_OK || p->owner->places[i].block))
        return code;
    if ((code = read_photo(w, &info, bad, err)) != RT_OK || (known && same_file(&seen, &info)))
        return code;
    if ((code = rt__sha256(w->bytes.bytes, w->bytes.size, photo, err)) != RT_OK ||
        (code = rt__packed_remember(packed, &info, opened_ns, w->photo, photo, err)) != RT_OK)
        return code;
    return look_up(p, w, i, photo, err);
}

/* Stores a new vector, or keeps it in memory where that cannot be. */
static rt_code keep_packed(pass *p, const worker *w, size_t i, const uint8_t *photo, rt_vector_source source,
                           rt_error *err)
{
    const rt_packed_row row = {photo, w->values, source, &p->owner->places[i]};
    size_t bytes = p->out->feature_size * sizeof *w->values;
    float *own;
    if (rt__packed_writable(p->owner->packed))
        return rt__packed_add(p->owner->packed, &row, err);
    if (!(own = malloc(bytes)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memcpy(own, w->values, bytes);
    p->out->vectors[i] = own;
    return RT_OK;
}

static rt_code make_packed(pass *p, worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
{
    uint8_t photo[RT_PHOTO_BYTES];
    rt_code code = identify(p, w, i, photo, bad, err);
    if (code != RT_OK)
        return code;
    *hit = p->owner->places[i].block != 0 ||
           (p->options->deal && rt__deal_elsewhere(p->options->deal, i, photo));
    if (*hit)
        return RT_OK;
    if (w->cache[0])
        code = rt__text_store_find(p->text, &w->text, w->photo, w->cache, w->values, hit, err);
    w->n_imported += *hit;
    if (code == RT_OK && *hit)
        return keep_packed(p, w, i, photo, RT_SOURCE_TEXT, err);
    if (code == RT_OK && p->options->only_cached) {
        p->out->vectors[i] = NULL;
        return RT_OK;
    }
    if (code == RT_OK)
        code = run_photo(p, w, w->values, bad, err);
    return code == RT_OK ? keep_packed(p, w, i, photo, RT_SOURCE_COMPUTED, err) : code;
}

/* ---- any photo ---- */

/* A photo that cannot be used: its row is zero, its reason kept. */
static rt_code skip_photo(pass *p, size_t i, rt_error *err)
{
    char text[sizeof err->path + sizeof err->message + sizeof err->cause + 64];
    char *reason = strdup(rt_error_text(err, text, sizeof text));
    rt_code code;
    p->out->vectors[i] = p->owner->zero;
    if (p->out->values)
        memset(p->out->values + i * p->out->feature_size, 0, p->out->feature_size * sizeof(float));
    pthread_mutex_lock(&p->lock);
    code = rt__skips_add(&p->skips, i, reason, err);
    pthread_mutex_unlock(&p->lock);
    return code;
}

/* n more photos are done with; n_cached of them were in the cache. */
static void report(pass *p, size_t n, size_t n_cached)
{
    int64_t now = now_ns(CLOCK_MONOTONIC);
    size_t before;
    pthread_mutex_lock(&p->lock);
    before = p->n_done;
    p->n_done += n;
    p->out->n_cached += n_cached;
    for (size_t i = before / LOG_EVERY + 1; i <= p->n_done / LOG_EVERY; i++)
        rt_log_line(p->options->log, RT_INFO, "%zu bottleneck files created.", i * LOG_EVERY);
    if (now - p->shown_ns >= PROGRESS_NS || p->n_done == p->n_wanted) {
        p->shown_ns = now;
        rt_progress_update(p->options->progress, "bottlenecks", p->n_done, p->n_wanted);
    }
    pthread_mutex_unlock(&p->lock);
}

/* What other processes did. */
static void report_counts(void *context, const rt_deal_counts *counts)
{
    pass *p = context;
    pthread_mutex_lock(&p->lock);
    p->out->n_read += counts->n_read;
    p->out->n_imported += counts->n_imported;
    pthread_mutex_unlock(&p->lock);
    report(p, counts->n_done, counts->n_cached);
}

static void report_known(void *user, size_t n)
{
    report(user, n, n);
}

static bool is_wanted(const rt_feature_source *source, size_t i)
{
    return !source->wanted || source->wanted(source->user, i);
}

/* What a process that helps cannot use, rank 0 tries itself. */
static bool may_skip(const pass *p)
{
    return !p->options->strict || (p->options->deal && rt__deal_is_helper(p->options->deal));
}

static rt_code make_photo(pass *p, size_t index, size_t i, rt_outcome *outcome, rt_error *err)
{
    worker *w = &p->workers[index];
    bool hit = false, bad = false, skipped;
    rt_code code;
    p->out->vectors[i] = p->owner->zero;
    code = p->source->paths(p->source->user, i, w->photo, w->cache, PATH_BYTES, err);
    bad = code == RT_ELIMIT;
    if (code == RT_OK)
        code = (p->owner->packed ? make_packed : make_vector)(p, w, i, &hit, &bad, err);
    skipped = code != RT_OK && bad && may_skip(p);
    if (skipped)
        code = skip_photo(p, i, err);
    *outcome = skipped ? RT_PHOTO_BAD : hit ? RT_PHOTO_CACHED : RT_PHOTO_COMPUTED;
    if (code == RT_OK)
        report(p, 1, hit);
    return code;
}

static rt_code do_photo(void *context, size_t index, size_t i, rt_error *err)
{
    pass *p = context;
    rt_outcome outcome;
    p->out->vectors[i] = p->owner->zero;
    if (!is_wanted(p->source, i) || (p->owner->packed && p->owner->places[i].block))
        return RT_OK;
    return make_photo(p, index, i, &outcome, err);
}

/* Photos as they are dealt to this process. */
static rt_code do_dealt(void *context, size_t index, size_t item, rt_error *err)
{
    pass *p = context;
    rt_code code = RT_OK;
    rt_deal_item dealt;
    (void)item;
    while (code == RT_OK && rt__deal_next(p->options->deal, &dealt)) {
        rt_outcome outcome;
        code = make_photo(p, index, dealt.photo, &outcome, err);
        if (code == RT_OK)
            code = rt__deal_done(p->options->deal, &dealt, outcome, err);
    }
    if (code != RT_OK)
        rt__deal_stop(p->options->deal);
    return code;
}

/* ---- the whole pass ---- */

static rt_code find_known(pass *p, size_t n_workers, rt_error *err)
{
    const rt_known known = {.packed = p->owner->packed,
                            .source = p->source,
                            .n_threads = n_workers,
                            .places = p->owner->places,
                            .found = report_known,
                            .user = p};
    return known.packed ? rt__known_find(&known, err) : RT_OK;
}

static rt_code run_pool(pass *p, size_t n_workers, rt_error *err)
{
    rt_code flushed = RT_OK, code = find_known(p, n_workers, err);
    if (code == RT_OK)
        code = rt__pool_run(n_workers, p->source->n_photos, do_photo, p, err);
    if (p->owner->packed) /* also after a failure: what was computed is kept */
        flushed = rt__packed_flush(p->owner->packed, code == RT_OK ? err : NULL);
    return code == RT_OK ? flushed : code;
}

/* The same with other processes, which are told what this one did where it is not rank 0. */
static rt_code run_dealt(pass *p, size_t n_workers, rt_error *err)
{
    const rt_deal_pass lent = {.packed = p->owner->packed,
                               .module = &p->network,
                               .places = p->owner->places,
                               .source = p->source,
                               .context = p,
                               .report = report_counts};
    rt_deal *deal = p->options->deal;
    rt_deal_counts counts = {0};
    rt_code code, flushed;
    for (size_t i = 0; !rt__deal_is_helper(deal) && i < p->out->n_photos; i++)
        p->out->vectors[i] = p->owner->zero;
    if ((code = rt__deal_begin(deal, &lent, err)) != RT_OK)
        return code;
    code = rt__pool_run(n_workers, n_workers, do_dealt, p, err);
    flushed = rt__packed_flush(p->owner->packed, code == RT_OK ? err : NULL);
    for (size_t i = 0; i < n_workers; i++) {
        counts.n_read += p->workers[i].n_read;
        counts.n_imported += p->workers[i].n_imported;
    }
    return rt__deal_end(deal, code == RT_OK ? flushed : code, &counts, err);
}

/* Each process of several needs a cache of its own to give vectors from. */
static rt_code check_dealt(const pass *p, rt_code code, const rt_error *seen, rt_error *err)
{
    const char *why = code == RT_EUNSUPPORTED ? seen->cause : "it cannot be written to";
    if (code == RT_OK && rt__packed_writable(p->owner->packed))
        return RT_OK;
    return rt_fail(
        err, RT_EUNSUPPORTED,
        "--bottleneck_dir %s: %s; with several processes it must be a folder on a disk of the machine",
        p->options->packed_dir, why);
}

static rt_code open_packed(pass *p, rt_error *err)
{
    const rt_feature_options *o = p->options;
    const rt_module_info *info = rt_module_describe(p->module);
    rt_error seen;
    rt_code code;
    p->network = (rt_packed_module){.feature_size = p->out->feature_size,
                                    .name = o->module_name ? o->module_name : info->path,
                                    .rank = o->deal ? rt__deal_rank(o->deal) : 0};
    code = rt__network_identity(p->module, &o->how, p->network.digest, err);
    if (code == RT_OK)
        code = rt__folder_make(o->packed_dir, err);
    if (code != RT_OK)
        return code;
    code = rt__packed_open(o->packed_dir, &p->network, &p->owner->packed, &seen);
    if (o->deal && (code == RT_OK || code == RT_EUNSUPPORTED || code == RT_ENOTFOUND))
        return check_dealt(p, code, &seen, err);
    if (code == RT_EUNSUPPORTED) {
        rt_log_line(o->log, RT_WARN, "%s, which the packed cache must not be: using text files", seen.cause);
        return RT_OK;
    }
    p->keeps_text = false;
    if (code == RT_ENOTFOUND || (code == RT_OK && !rt__packed_writable(p->owner->packed))) {
        rt_log_line(o->log, RT_WARN, "WARNING: %s cannot be written to: what is computed is not kept.",
                    o->packed_dir);
        return RT_OK;
    }
    if (code != RT_OK && err)
        *err = seen;
    return code;
}

static rt_code allocate(pass *p, size_t n_workers, rt_error *err)
{
    rt_features *out = p->out;
    size_t n_values, size = out->feature_size;
    if (!rt_mul(&n_values, out->n_photos, size))
        return rt_fail(err, RT_ENOMEM, "%zu vectors of %zu floats are too many", out->n_photos, size);
    if (!p->owner->packed)
        out->values = calloc(n_values ? n_values : 1, sizeof *out->values);
    out->vectors = calloc(out->n_photos + 1, sizeof *out->vectors);
    p->owner->zero = calloc(size, sizeof *p->owner->zero);
    p->owner->places = p->owner->packed ? calloc(out->n_photos + 1, sizeof *p->owner->places) : NULL;
    p->workers = calloc(n_workers, sizeof *p->workers);
    if ((!out->values && !p->owner->packed) || !out->vectors || !p->owner->zero ||
        (!p->owner->places && p->owner->packed) || !p->workers)
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu vectors of %zu floats", out->n_photos, size);
    for (size_t i = 0; i < n_workers; i++)
        if (!(p->workers[i].values = malloc(size * sizeof(float))))
            return rt_fail(err, RT_ENOMEM, "out of memory");
    return RT_OK;
}

static rt_code start(pass *p, size_t n_workers, rt_error *err)
{
    rt_features *out = p->out;
    rt_text_options text = {
        .module = p->module, .how = p->options->how, .log = p->options->log, .log_lock = &p->lock};
    rt_code code;
    out->n_photos = p->source->n_photos;
    out->feature_size = text.feature_size = (size_t)rt_module_describe(p->module)->feature_size;
    p->keeps_text = true;
    if (!(out->owner = p->owner = calloc(1, sizeof *out->owner)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    if ((code = rt__text_store_new(&text, &p->text, err)) != RT_OK)
        return code;
    if (p->options->deal && !rt__deal_is_helper(p->options->deal) &&
        (code = rt__deal_meet(p->options->deal, out->n_photos, err)) != RT_OK)
        return code;
    if (p->options->packed_dir && (code = open_packed(p, err)) != RT_OK)
        return code;
    for (size_t i = 0; i < out->n_photos; i++)
        p->n_wanted += is_wanted(p->source, i);
    return allocate(p, n_workers, err);
}

static void finish(pass *p, size_t n_workers)
{
    for (size_t i = 0; p->workers && i < n_workers; i++) {
        worker *w = &p->workers[i];
        p->out->n_read += w->n_read;
        p->out->n_imported += w->n_imported;
        if (w->extractor != p->first)
            rt_extractor_free(w->extractor);
        rt__buffer_clear(&w->bytes);
        rt__buffer_clear(&w->text.text);
        free(w->values);
    }
    rt_extractor_free(p->first);
    rt__text_store_close(p->text);
    rt__skips_clear(&p->skips);
    if (p->n_damaged > MOST_WARNINGS)
        rt_log_line(p->options->log, RT_WARN, "%zu more vectors were recreated.",
                    p->n_damaged - MOST_WARNINGS);
    free(p->workers);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->plan_lock);
}

static rt_code conclude(pass *p, rt_error *err)
{
    rt_features *out = p->out;
    size_t row_bytes = out->feature_size * sizeof(float);
    uint32_t *crcs = calloc(out->n_photos + 1, sizeof *crcs), crc;
    rt_code code = crcs ? rt__features_view(out, crcs, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < out->n_photos; i++)
        if (out->vectors[i] && (!p->owner->packed || !p->owner->places[i].block))
            crcs[i] = rt__crc32c(0, out->vectors[i], row_bytes);
    for (size_t i = 0; code == RT_OK && p->options->deal && i < out->n_photos; i++)
        if (rt__deal_is_far(p->options->deal, i, &crc)) {
            crcs[i] = crc;
            out->vectors[i] = NULL;
        }
    if (code == RT_OK)
        out->checksum = rt__crc32c(0, crcs, out->n_photos * sizeof *crcs);
    free(crcs);
    if (!p->options->only_cached)
        out->n_computed = p->n_wanted - out->n_cached - p->skips.n;
    return code == RT_OK ? rt__features_add_skips(out, &p->skips, err) : code;
}

rt_code rt_features_compute(const rt_module *module, const rt_feature_source *source,
                            const rt_feature_options *options, rt_features *features, rt_error *err)
{
    pass p = {.module = module,
              .source = source,
              .options = options,
              .out = features,
              .shown_ns = now_ns(CLOCK_MONOTONIC)};
    size_t n_workers = options->n_threads ? options->n_threads : rt__cpu_count();
    rt_code code;
    *features = (rt_features){0};
    if (n_workers > source->n_photos)
        n_workers = source->n_photos ? source->n_photos : 1;
    pthread_mutex_init(&p.lock, NULL);
    pthread_mutex_init(&p.plan_lock, NULL);
    code = start(&p, n_workers, err);
    if (code == RT_OK)
        code = (options->deal ? run_dealt : run_pool)(&p, n_workers, err);
    if (code == RT_OK && !(options->deal && rt__deal_is_helper(options->deal)))
        code = conclude(&p, err);
    finish(&p, n_workers);
    if (code != RT_OK)
        rt_features_clear(features);
    return code;
}
