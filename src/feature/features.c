#include "features_inside.h"

#include "deal.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_IN_MEMORY = 24 << 20 /* of the vectors in the mapped cache */ };

rt_code rt__features_view(rt_features *f, uint32_t *crcs, rt_error *err)
{
    const rt_packed_view view = {f->owner->places, f->vectors, crcs, f->n_photos};
    if (!f->owner->packed)
        return RT_OK;
    f->many = f->n_photos > MOST_IN_MEMORY / (f->feature_size * sizeof(float));
    return rt__packed_view(f->owner->packed, &view, err);
}

static rt_code keep(void *context, size_t photo, const rt_packed_note *note, const float *values,
                    rt_error *err)
{
    rt_features *f = context;
    const rt_packed_row row = {note->photo, values, (rt_vector_source)note->source, &f->owner->places[photo]};
    return rt__packed_add(f->owner->packed, &row, err);
}

rt_code rt__features_gather(rt_features *f, struct rt_deal *deal, const uint32_t *photos, size_t n,
                            rt_error *err)
{
    uint32_t *crcs = calloc(f->n_photos + 1, sizeof *crcs);
    rt_code code = crcs ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    rt__packed_leave(f->owner->packed);
    if (code == RT_OK)
        code = rt__deal_fetch(deal, photos, n, keep, f, err);
    if (code == RT_OK)
        code = rt__packed_flush(f->owner->packed, err);
    if (code == RT_OK)
        code = rt__features_view(f, crcs, err);
    free(crcs);
    return code;
}

void rt_features_fetch(const void *features, const float *vector, float *to)
{
    const rt_features *f = features;
    if (f->owner->packed && vector != f->owner->zero)
        rt__packed_fetch(f->owner->packed, vector, to);
    else
        memcpy(to, vector, f->feature_size * sizeof *to);
}

/* Vectors that are neither in values nor in the cache. */
static void free_own(const rt_features *f)
{
    const rt_feature_owner *owner = f->owner;
    for (size_t i = 0; owner->places && f->vectors && i < f->n_photos; i++)
        if (!owner->places[i].block && f->vectors[i] != owner->zero)
            free((void *)(uintptr_t)f->vectors[i]);
}

void rt_features_clear(rt_features *features)
{
    for (size_t i = 0; features->skipped && i < features->n_skipped; i++)
        free(features->skipped[i].reason);
    if (features->owner) {
        free_own(features);
        rt__packed_close(features->owner->packed);
        free(features->owner->places);
        free(features->owner->zero);
        free(features->owner);
    }
    free(features->skipped);
    free(features->vectors);
    free(features->values);
    *features = (rt_features){0};
}
