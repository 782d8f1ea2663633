#include "distorter.h"

#include "base/file.h"
#include "base/pool.h"
#include "extractor.h"
#include "photo_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PHOTO_BYTES = 1 << 28 };

typedef struct worker {
    char photo[RT_PATH_BYTES], cache[RT_PATH_BYTES];
    rt_extractor *extractor; /* the first worker's has the plan, the others are its clones */
    rt_buffer bytes;
    rt_image image; /* a photo that is not kept */
} worker;

struct rt_distorter {
    const rt_feature_source *source;
    rt_distorter_options options;
    size_t n_workers, feature_size;
    worker *workers;
    rt_photo_store *store;
};

rt_code rt__distorter_new(const rt_module *module, const rt_feature_source *source,
                          const rt_distorter_options *options, rt_distorter **distorter, rt_error *err)
{
    size_t n_workers = options->n_threads ? options->n_threads : rt__cpu_count();
    rt_distorter *d = calloc(1, sizeof *d);
    rt_code code;
    if (!d || !(d->workers = calloc(n_workers, sizeof *d->workers))) {
        free(d);
        return rt_fail(err, RT_ENOMEM, "out of memory for %zu threads", n_workers);
    }
    d->source = source;
    d->options = *options;
    d->n_workers = n_workers;
    d->feature_size = (size_t)rt_module_describe(module)->feature_size;
    code = rt__photo_store_new(source->n_photos, options->budget_bytes, &d->store, err);
    if (code == RT_OK)
        code = rt_extractor_new(module, &options->how, &d->workers[0].extractor, err);
    for (size_t i = 1; i < n_workers && code == RT_OK; i++)
        code = rt_extractor_clone(d->workers[0].extractor, &d->workers[i].extractor, err);
    if (code == RT_OK)
        *distorter = d;
    else
        rt__distorter_free(d);
    return code;
}

void rt__distorter_free(rt_distorter *d)
{
    if (!d)
        return;
    for (size_t i = d->n_workers; i-- > 0;) { /* clones before the first */
        rt_extractor_free(d->workers[i].extractor);
        rt__buffer_clear(&d->workers[i].bytes);
        rt_image_clear(&d->workers[i].image);
    }
    rt__photo_store_free(d->store);
    free(d->workers);
    free(d);
}

size_t rt__distorter_kept(const rt_distorter *d)
{
    return rt__photo_store_count(d->store);
}

/* One call of rt__distorter_run(). */
typedef struct pass {
    rt_distorter *distorter;
    const rt_distorted *wanted;
    char **reasons;       /* one for each photo, NULL where it was used; NULL when none may be skipped */
    pthread_mutex_t lock; /* guards n_done, and calls of progress */
    size_t n_done;
} pass;

static rt_code decode(worker *w, rt_image *image, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, w->photo, PHOTO_BYTES, NULL, err);
    if (code == RT_OK)
        code = rt_image_decode_for((const uint8_t *)w->bytes.bytes, w->bytes.size,
                                   rt__extractor_target(w->extractor), image, err);
    return code;
}

/* The photo's pixels, from memory or else from its file. */
static rt_code find_pixels(rt_distorter *d, worker *w, uint32_t photo, const rt_image **image, rt_error *err)
{
    rt_code code;
    if ((*image = rt__photo_store_find(d->store, photo)))
        return RT_OK;
    code = d->source->paths(d->source->user, photo, w->photo, w->cache, RT_PATH_BYTES, err);
    if (code != RT_OK)
        return code;
    if ((code = decode(w, &w->image, err)) != RT_OK) {
        rt_doing(err, w->photo, "cannot use photo");
        return code;
    }
    rt__photo_store_keep(d->store, photo, &w->image);
    *image = w->image.pixels ? &w->image : rt__photo_store_find(d->store, photo);
    return RT_OK;
}

/* Says which photo failed; one from memory is not in w->photo. */
static void name_photo(const rt_distorter *d, worker *w, uint32_t photo, rt_error *err)
{
    if (d->source->paths(d->source->user, photo, w->photo, w->cache, RT_PATH_BYTES, NULL) == RT_OK)
        rt_doing(err, w->photo, "cannot use distorted photo");
}

static rt_code make_vectors(pass *p, worker *w, size_t i, rt_error *err)
{
    rt_distorter *d = p->distorter;
    const rt_distorted *wanted = p->wanted;
    const rt_image *image;
    rt_code code = find_pixels(d, w, wanted->photos[i], &image, err);
    for (size_t k = 0; k < wanted->n_each && code == RT_OK; k++) {
        size_t row = i * wanted->n_each + k;
        code = rt__extractor_distorted(w->extractor, image, &wanted->draws[row],
                                       wanted->values + row * d->feature_size, err);
        if (code != RT_OK)
            name_photo(d, w, wanted->photos[i], err);
    }
    return code;
}

static rt_code skip(pass *p, size_t i, rt_error *err)
{
    size_t row_bytes = p->distorter->feature_size * sizeof(float);
    char text[RT_ERROR_TEXT];
    if (p->wanted->n_each)
        memset((char *)p->wanted->values + i * p->wanted->n_each * row_bytes, 0,
               p->wanted->n_each * row_bytes);
    p->reasons[i] = strdup(rt_error_text(err, text, sizeof text));
    return p->reasons[i] ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

static rt_code do_photo(void *context, size_t index, size_t i, rt_error *err)
{
    pass *p = context;
    rt_code code = make_vectors(p, &p->distorter->workers[index], i, err);
    if (code != RT_OK && code != RT_ENOMEM && p->reasons)
        code = skip(p, i, err);
    if (code == RT_OK && p->wanted->what) {
        pthread_mutex_lock(&p->lock);
        p->n_done++;
        rt_progress_update(p->distorter->options.progress, p->wanted->what, p->n_done, p->wanted->n);
        pthread_mutex_unlock(&p->lock);
    }
    return code;
}

/* The reasons as a list. */
static rt_code list_skips(const pass *p, rt_skips *skips, rt_error *err)
{
    rt_code code = RT_OK;
    for (size_t i = 0; i < p->wanted->n && code == RT_OK; i++)
        if (p->reasons[i]) {
            code = rt__skips_add(skips, p->wanted->photos[i], p->reasons[i], err);
            p->reasons[i] = NULL;
        }
    return code;
}

rt_code rt__distorter_run(rt_distorter *d, const rt_distorted *wanted, rt_skips *skips, rt_error *err)
{
    pass p = {.distorter = d, .wanted = wanted};
    bool skipping = skips && !d->options.strict;
    rt_code code;
    if (skipping && !(p.reasons = calloc(wanted->n + 1, sizeof *p.reasons)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    pthread_mutex_init(&p.lock, NULL);
    code = rt__pool_run(d->n_workers, wanted->n, do_photo, &p, err);
    if (code == RT_OK && skipping)
        code = list_skips(&p, skips, err);
    for (size_t i = 0; skipping && i < wanted->n; i++)
        free(p.reasons[i]);
    free(p.reasons);
    pthread_mutex_destroy(&p.lock);
    return code;
}
