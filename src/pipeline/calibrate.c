#include "calibrate.h"

#include "base/file.h"
#include "exec/plan.h"
#include "retrain/image.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PHOTOS = 200, PHOTO_BYTES = 256 << 20 };

typedef struct observer {
    const rt_graph *fused;
    rt_tflite_range *ranges;
    bool *seen;
} observer;

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
static rt_code run_photo(rt_run *run, bool planar, int32_t height, int32_t width, const char *path,
                         rt_buffer *bytes, rt_image *image, observer *o, size_t *n_read, rt_error *err)
{
    const float *ignored;
    void *scratch;
    rt_code code;
    rt__buffer_reset(bytes);
    if (rt__file_read(bytes, path, PHOTO_BYTES, NULL, NULL) != RT_OK ||
        rt_image_decode((const uint8_t *)bytes->bytes, bytes->size, 0, image, NULL) != RT_OK)
        return RT_OK;
    scratch = aligned_alloc(64, (rt_image_resize_scratch(image, height, width) + 63) / 64 * 64);
    if (!scratch)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt_image_resize(image, height, width, planar ? RT_PLANAR : RT_INTERLEAVED, scratch,
                           rt__run_input(run), err);
    if (code == RT_OK)
        code = rt__run_observe(run, note_range, o, &ignored, err);
    free(scratch);
    *n_read += code == RT_OK;
    return code;
}

static rt_code run_photos(const rt_plan *plan, int32_t height, int32_t width, const rt_photo_list *photos,
                          const rt_progress *progress, observer *o, rt_error *err)
{
    size_t n = photos->n < MOST_PHOTOS ? photos->n : MOST_PHOTOS, n_read = 0;
    rt_buffer bytes = {0};
    rt_image image = {0};
    rt_run *run = NULL;
    rt_code code = rt__run_new(plan, &run, err);
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        code = run_photo(run, rt__plan_wants_planar(plan), height, width, photos->paths[i * photos->n / n],
                         &bytes, &image, o, &n_read, err);
        rt_progress_update(progress, "measuring ranges", i + 1, n);
    }
    if (code == RT_OK && n_read == 0)
        code = rt_fail(err, RT_ENOTFOUND, "none of %zu sample photos can be read", photos->n);
    rt__run_free(run);
    rt_image_clear(&image);
    rt__buffer_clear(&bytes);
    return code;
}

rt_code rt__calibrate(const rt_graph *fused, rt_edge input, rt_edge output, int32_t height, int32_t width,
                      const rt_photo_list *photos, const rt_progress *progress, rt_tflite_range *ranges,
                      rt_error *err)
{
    observer o = {.fused = fused, .ranges = ranges};
    rt_plan *plan = NULL;
    rt_code code;
    if (!(o.seen = calloc(rt__graph_count(fused), sizeof *o.seen)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    memset(ranges, 0, rt__graph_count(fused) * sizeof *ranges);
    code = rt__plan_new(fused, input, output, &plan, err);
    if (code == RT_OK)
        code = run_photos(plan, height, width, photos, progress, &o, err);
    widen(&o, input.node, 0, 1);
    if (code == RT_OK)
        fill_unseen(&o);
    rt__plan_free(plan);
    free(o.seen);
    return code;
}
