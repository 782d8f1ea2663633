#include "photo_pass.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "extractor.h"

#include <stdlib.h>
#include <string.h>

enum { PHOTO_BYTES = 1 << 28 /* no photo is that large */ };

static void warn_damaged(rt_pass *p, const char *photo)
{
    pthread_mutex_lock(&p->lock);
    rt_log_line(p->options->log, p->n_damaged++ < RT_PASS_WARNINGS ? RT_WARN : RT_DEBUG,
                "Damaged vector in the cache, recreating that of %s", photo);
    pthread_mutex_unlock(&p->lock);
}

/* ---- one photo ---- */

static rt_code get_extractor(rt_pass *p, rt_pass_worker *w, rt_error *err)
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

static rt_code cannot_use(const rt_pass_worker *w, rt_code code, bool *bad, rt_error *err)
{
    rt_doing(err, w->photo, "cannot use photo");
    *bad = code != RT_ENOMEM;
    return code;
}

static rt_code read_photo(rt_pass_worker *w, rt_file_info *info, bool *bad, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, w->photo, PHOTO_BYTES, info, err);
    w->n_read++;
    return code == RT_OK ? RT_OK : cannot_use(w, code, bad, err);
}

/* The bytes that were read, to a vector.  *bad tells a photo that cannot be used from a failure of ours. */
static rt_code run_photo(rt_pass *p, rt_pass_worker *w, float *values, bool *bad, rt_error *err)
{
    rt_code code = get_extractor(p, w, err);
    if (code != RT_OK)
        return code;
    code = rt_extractor_run(w->extractor, (const uint8_t *)w->bytes.bytes, w->bytes.size, values, err);
    return code == RT_OK ? RT_OK : cannot_use(w, code, bad, err);
}

/* ---- through text files, or no cache at all ---- */

static rt_code make_vector(rt_pass *p, rt_pass_worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
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

static rt_code look_up(rt_pass *p, const rt_pass_worker *w, size_t i, const uint8_t *photo, rt_error *err)
{
    bool damaged;
    rt_code code = rt__packed_find(p->owner->packed, photo, &p->owner->places[i], &damaged, err);
    if (code == RT_OK && damaged)
        warn_damaged(p, w->photo);
    return code;
}

/* Finds out what the photo is, reading it only where its file is not known, and whether its vector is there.
 * After a miss the photo's bytes are in w->bytes. */
static rt_code identify(rt_pass *p, rt_pass_worker *w, size_t i, uint8_t photo[RT_PHOTO_BYTES], bool *bad,
                        rt_error *err)
{
    rt_packed *packed = p->owner->packed;
    int64_t opened_ns = rt__clock_ns(CLOCK_REALTIME);
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
static rt_code keep_packed(rt_pass *p, const rt_pass_worker *w, size_t i, const uint8_t *photo,
                           rt_vector_source source, rt_error *err)
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

static rt_code make_packed(rt_pass *p, rt_pass_worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
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

/* ---- either ---- */

rt_code rt__pass_photo(rt_pass *p, rt_pass_worker *w, size_t i, bool *hit, bool *bad, rt_error *err)
{
    return (p->owner->packed ? make_packed : make_vector)(p, w, i, hit, bad, err);
}
