#include "base/checked.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/pool.h"
#include "extractor.h"
#include "known.h"
#include "photo_pass.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_EVERY = 100 /* retrain.py's */, PROGRESS_NS = 100000000 };

/* ---- any photo ---- */

/* A photo that cannot be used: its row is zero, its reason kept. */
static rt_code skip_photo(rt_pass *p, size_t i, rt_error *err)
{
    char text[RT_ERROR_TEXT];
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
static void report(rt_pass *p, size_t n, size_t n_cached)
{
    int64_t now = rt__clock_ns(CLOCK_MONOTONIC);
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
    rt_pass *p = context;
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

/* What a process that helps cannot use, rank 0 tries itself. */
static bool may_skip(const rt_pass *p)
{
    return !p->options->strict || (p->options->deal && rt__deal_is_helper(p->options->deal));
}

static rt_code make_photo(rt_pass *p, size_t index, size_t i, rt_outcome *outcome, rt_error *err)
{
    rt_pass_worker *w = &p->workers[index];
    bool hit = false, bad = false, skipped;
    rt_code code = p->source->paths(p->source->user, i, w->photo, w->cache, RT_PATH_BYTES, err);
    bad = code == RT_ELIMIT;
    if (code == RT_OK)
        code = rt__pass_photo(p, w, i, &hit, &bad, err);
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
    rt_pass *p = context;
    rt_outcome outcome;
    p->out->vectors[i] = p->owner->zero;
    if (!rt__photo_wanted(p->source, i) || (p->owner->packed && p->owner->places[i].block))
        return RT_OK;
    return make_photo(p, index, i, &outcome, err);
}

/* Photos as they are dealt to this process. */
static rt_code do_dealt(void *context, size_t index, size_t item, rt_error *err)
{
    rt_pass *p = context;
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

static rt_code find_known(rt_pass *p, size_t n_workers, rt_error *err)
{
    const rt_known known = {.packed = p->owner->packed,
                            .source = p->source,
                            .n_threads = n_workers,
                            .places = p->owner->places,
                            .found = report_known,
                            .user = p};
    return known.packed ? rt__known_find(&known, err) : RT_OK;
}

static rt_code run_pool(rt_pass *p, size_t n_workers, rt_error *err)
{
    rt_code flushed = RT_OK, code = find_known(p, n_workers, err);
    if (code == RT_OK)
        code = rt__pool_run(n_workers, p->source->n_photos, do_photo, p, err);
    if (p->owner->packed) /* also after a failure: what was computed is kept */
        flushed = rt__packed_flush(p->owner->packed, code == RT_OK ? err : NULL);
    return code == RT_OK ? flushed : code;
}

/* The same with other processes, which are told what this one did where it is not rank 0. */
static rt_code run_dealt(rt_pass *p, size_t n_workers, rt_error *err)
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
static rt_code check_dealt(const rt_pass *p, rt_code code, const rt_error *seen, rt_error *err)
{
    const char *why = code == RT_EUNSUPPORTED ? seen->cause : "it cannot be written to";
    if (code == RT_OK && rt__packed_writable(p->owner->packed))
        return RT_OK;
    return rt_fail(
        err, RT_EUNSUPPORTED,
        "--bottleneck_dir %s: %s; with several processes it must be a folder on a disk of the machine",
        p->options->packed_dir, why);
}

static rt_code open_packed(rt_pass *p, rt_error *err)
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

static rt_code allocate(rt_pass *p, size_t n_workers, rt_error *err)
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

static rt_code start(rt_pass *p, size_t n_workers, rt_error *err)
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
        p->n_wanted += rt__photo_wanted(p->source, i);
    return allocate(p, n_workers, err);
}

static void finish(rt_pass *p, size_t n_workers)
{
    for (size_t i = 0; p->workers && i < n_workers; i++) {
        rt_pass_worker *w = &p->workers[i];
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
    if (p->n_damaged > RT_PASS_WARNINGS)
        rt_log_line(p->options->log, RT_WARN, "%zu more vectors were recreated.",
                    p->n_damaged - RT_PASS_WARNINGS);
    free(p->workers);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->plan_lock);
}

static rt_code conclude(rt_pass *p, rt_error *err)
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
    rt_pass p = {.module = module,
                 .source = source,
                 .options = options,
                 .out = features,
                 .shown_ns = rt__clock_ns(CLOCK_MONOTONIC)};
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
