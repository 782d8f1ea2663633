#include "calibrate.h"

#include "entropy.h"
#include "exec/plan.h"
#include "probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PHOTOS = 200 };

typedef struct observer {
    const rt_graph *fused;
    rt_tflite_range *ranges;
    bool *seen;
    uint64_t
        *histograms; /* RT_ENTROPY_BINS for each node, up to its largest magnitude; NULL in the first pass */
} observer;

/* What is done with the photos: how they are fed, and who looks at the tensors. */
typedef struct pass {
    const rt_plan *plan;
    int32_t height, width;
    const rt_photo_list *photos;
    const rt_progress *progress;
    const char *title;
    rt_run_seen *look;
    observer *observer;
} pass;

static void widen(observer *o, uint32_t node, float low, float high)
{
    rt_tflite_range *range = &o->ranges[node];
    if (!o->seen[node])
        *range = (rt_tflite_range){low, high};
    range->low = low < range->low ? low : range->low;
    range->high = high > range->high ? high : range->high;
    o->seen[node] = true;
}

static void note_range(void *user, const char *name, const float *values, size_t n)
{
    observer *o = user;
    float low = n ? values[0] : 0, high = low;
    uint32_t node;
    if (!rt__graph_find(o->fused, name, &node))
        return;
    for (size_t i = 1; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    widen(o, node, low, high);
}

/* Nodes without a step of their own hold what their inputs hold. */
static void fill_unseen(observer *o)
{
    for (uint32_t i = 0; i < rt__graph_count(o->fused); i++) {
        const rt_node *node = rt__graph_node(o->fused, i);
        for (uint32_t k = 0; !o->seen[i] && k < node->n_inputs; k++) {
            const rt_tflite_range *range = &o->ranges[node->inputs[k].node];
            o->ranges[i].low = k == 0 || range->low < o->ranges[i].low ? range->low : o->ranges[i].low;
            o->ranges[i].high = k == 0 || range->high > o->ranges[i].high ? range->high : o->ranges[i].high;
        }
    }
}

/* RT_OK also for a photo that cannot be read: *n_read tells. */
static rt_code run_photo(const pass *p, rt_run *run, const char *path, size_t *n_read, rt_error *err)
{
    const float *ignored;
    rt_code code =
        rt__probe_photo(path, p->height, p->width, rt__plan_wants_planar(p->plan), rt__run_input(run), err);
    if (code != RT_OK)
        return code == RT_ENOMEM ? code : RT_OK;
    code = rt__run_observe(run, p->look, p->observer, &ignored, err);
    *n_read += code == RT_OK;
    return code;
}

static rt_code run_photos(const pass *p, rt_error *err)
{
    size_t n = p->photos->n < MOST_PHOTOS ? p->photos->n : MOST_PHOTOS, n_read = 0;
    rt_run *run = NULL;
    rt_code code = rt__run_new(p->plan, &run, err);
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        code = run_photo(p, run, p->photos->paths[i * p->photos->n / n], &n_read, err);
        rt_progress_update(p->progress, p->title, i + 1, n);
    }
    if (code == RT_OK && n_read == 0)
        code = rt_fail(err, RT_ENOTFOUND, "none of %zu sample photos can be read", p->photos->n);
    rt__run_free(run);
    return code;
}

/* The first pass. */
static rt_code find_ranges(pass *p, rt_edge input, rt_error *err)
{
    rt_code code;
    memset(p->observer->ranges, 0, rt__graph_count(p->observer->fused) * sizeof *p->observer->ranges);
    p->title = "measuring ranges";
    p->look = note_range;
    code = run_photos(p, err);
    widen(p->observer, input.node, 0, 1);
    if (code == RT_OK)
        fill_unseen(p->observer);
    return code;
}

rt_code rt__calibrate(const rt_graph *fused, rt_edge input, rt_edge output, int32_t height, int32_t width,
                      const rt_photo_list *photos, const rt_progress *progress, rt_tflite_range *ranges,
                      rt_error *err)
{
    observer o = {.fused = fused, .ranges = ranges};
    pass p = {.height = height, .width = width, .photos = photos, .progress = progress, .observer = &o};
    rt_plan *plan = NULL;
    rt_code code;
    if (!(o.seen = calloc(rt__graph_count(fused), sizeof *o.seen)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__plan_new(fused, input, output, &plan, err);
    p.plan = plan;
    if (code == RT_OK)
        code = find_ranges(&p, input, err);
    rt__plan_free(plan);
    free(o.seen);
    return code;
}

/* ---- magnitudes ---- */

static float largest(rt_tflite_range range)
{
    return fmaxf(fabsf(range.low), fabsf(range.high));
}

static void count_magnitudes(void *user, const char *name, const float *values, size_t n)
{
    observer *o = user;
    uint64_t *histogram;
    uint32_t node;
    float scale;
    if (!rt__graph_find(o->fused, name, &node) || !(largest(o->ranges[node]) > 0))
        return;
    histogram = o->histograms + (size_t)node * RT_ENTROPY_BINS;
    scale = (float)RT_ENTROPY_BINS / largest(o->ranges[node]);
    for (size_t i = 0; i < n; i++) {
        float bin = fabsf(values[i]) * scale;
        histogram[bin < (float)RT_ENTROPY_BINS ? (size_t)bin : RT_ENTROPY_BINS - 1]++;
    }
}

/* Nodes without a step of their own have the magnitude of their first input. */
static void set_magnitudes(const observer *o, rt_edge input, float *magnitudes)
{
    for (uint32_t i = 0; i < rt__graph_count(o->fused); i++) {
        const rt_node *node = rt__graph_node(o->fused, i);
        if (o->seen[i])
            magnitudes[i] = largest(o->ranges[i]) *
                            (float)rt__entropy_bins(o->histograms + (size_t)i * RT_ENTROPY_BINS) /
                            (float)RT_ENTROPY_BINS;
        else
            magnitudes[i] = node->n_inputs ? magnitudes[node->inputs[0].node] : 0;
        if (i == input.node)
            magnitudes[i] = 1;
    }
}

rt_code rt__calibrate_magnitudes(const rt_graph *fused, rt_edge input, rt_edge output, int32_t height,
                                 int32_t width, const rt_photo_list *photos, const rt_progress *progress,
                                 float *magnitudes, rt_error *err)
{
    size_t count = rt__graph_count(fused);
    observer o = {.fused = fused};
    pass p = {.height = height, .width = width, .photos = photos, .progress = progress, .observer = &o};
    rt_plan *plan = NULL;
    rt_code code = RT_OK;
    o.ranges = calloc(count, sizeof *o.ranges);
    o.seen = calloc(count, sizeof *o.seen);
    o.histograms = calloc(count, RT_ENTROPY_BINS * sizeof *o.histograms);
    if (!o.ranges || !o.seen || !o.histograms)
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__plan_new(fused, input, output, &plan, err);
    p.plan = plan;
    if (code == RT_OK && (code = find_ranges(&p, input, err)) == RT_OK) {
        p.title = "measuring magnitudes";
        p.look = count_magnitudes;
        code = run_photos(&p, err);
    }
    if (code == RT_OK)
        set_magnitudes(&o, input, magnitudes);
    rt__plan_free(plan);
    free(o.ranges);
    free(o.seen);
    free(o.histograms);
    return code;
}
