#include "sampler.h"

#include "base/checked.h"

#include <stdlib.h>

static rt_code allocate(rt_sampler *s, size_t n, size_t n_classes, rt_error *err)
{
    size_t places;
    if (!rt_add(&places, n_classes, 2) || n == SIZE_MAX)
        return rt_fail(err, RT_ELIMIT, "%zu photos in %zu classes", n, n_classes);
    s->n = n;
    s->rows = calloc(n + 1, sizeof *s->rows);
    s->labels = calloc(n + 1, sizeof *s->labels);
    s->first = calloc(places, sizeof *s->first);
    if (s->rows == NULL || s->labels == NULL || s->first == NULL) {
        rt__sampler_clear(s);
        return rt_fail(err, RT_ENOMEM, "no memory for %zu photos in %zu classes", n, n_classes);
    }
    return RT_OK;
}

rt_code rt__sampler_init(rt_sampler *sampler, const uint32_t *rows, const uint32_t *labels, size_t n,
                         size_t n_classes, rt_error *err)
{
    rt_sampler s = {0};
    rt_code code;
    for (size_t i = 0; i < n; i++)
        if (labels[i] >= n_classes)
            return rt_fail(err, RT_EARG, "photo %zu has class %u of %zu", i, labels[i], n_classes);
    if ((code = allocate(&s, n, n_classes, err)) != RT_OK)
        return code;
    for (size_t i = 0; i < n;
         i++) /* a counting sort: first[k + 1] counts, then becomes class k's next place */
        s.first[labels[i] + 2]++;
    for (size_t k = 2; k < n_classes + 2; k++)
        s.first[k] += s.first[k - 1];
    for (size_t i = 0; i < n; i++) {
        size_t at = s.first[labels[i] + 1]++;
        s.rows[at] = rows[i];
        s.labels[at] = labels[i];
    }
    for (size_t k = 0; k < n_classes; k++)
        if (s.first[k] < s.first[k + 1])
            s.first[s.n_filled++] = s.first[k];
    s.first[s.n_filled] = n;
    *sampler = s;
    return RT_OK;
}

void rt__sampler_clear(rt_sampler *s)
{
    free(s->rows);
    free(s->labels);
    free(s->first);
    *s = (rt_sampler){0};
}

size_t rt__sampler_draw(const rt_sampler *s, rt_rng *rng, size_t n, uint32_t *rows, uint32_t *labels)
{
    if (s->n == 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        size_t class = (size_t)rt__rng_below(rng, s->n_filled), first = s->first[class];
        size_t at = first + (size_t)rt__rng_below(rng, s->first[class + 1] - first);
        rows[i] = s->rows[at];
        labels[i] = s->labels[at];
    }
    return n;
}
