#include "export_proof.h"

#include "base/file.h"
#include "exec/plan.h"
#include "label_graph.h"
#include "photo_list.h"
#include "probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWINGS = 8, MOST_PHOTOS = 20 };

/* Sums are done in another order where layers were folded otherwise: TensorFlow itself varies by 1e-5. */
static const float tolerance = 1e-4f;

/* ---- running ---- */

typedef struct runner {
    rt_plan *plan;
    rt_run *run;
} runner;

static rt_code open_runner(const rt_module *m, runner *r, rt_error *err)
{
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_code code = rt__graph_fuse(m->graph, m->input, m->feature, m->info.height, m->info.width, &fused,
                                  &input, &output, err);
    if (code == RT_OK)
        code = rt__plan_new(fused, input, output, &r->plan, err);
    if (code == RT_OK)
        code = rt__run_new(r->plan, &r->run, err);
    rt__graph_free(fused);
    return code;
}

static void close_runner(runner *r)
{
    rt__run_free(r->run);
    rt__plan_free(r->plan);
}

/* ---- comparing ---- */

typedef struct comparison {
    runner source, copy;
    const rt_module_info *info;
    const rt_photo_list *photos; /* empty: drawings */
    size_t n, n_same;            /* images, and those with the same top class */
    float largest;               /* difference of a probability */
} comparison;

static rt_code fill(const comparison *c, const runner *r, size_t i, rt_error *err)
{
    size_t n = c->photos->n < MOST_PHOTOS ? c->photos->n : MOST_PHOTOS;
    bool planar = rt__plan_wants_planar(r->plan);
    if (n)
        return rt__probe_photo(c->photos->paths[i * c->photos->n / n], c->info->height, c->info->width,
                               planar, rt__run_input(r->run), err);
    rt__probe_draw((unsigned)i, c->info->height, c->info->width, planar, rt__run_input(r->run), NULL);
    return RT_OK;
}

static rt_code note(comparison *c, const float *source, const float *copy, rt_error *err)
{
    size_t n = (size_t)c->info->feature_size, best = 0, best_copy = 0;
    for (size_t k = 0; k < n; k++) {
        float difference = fabsf(source[k] - copy[k]);
        if (!isfinite(copy[k]))
            return rt_fail(err, RT_EUNSUPPORTED, "what was written gives %g for class %zu", (double)copy[k],
                           k);
        c->largest = difference > c->largest ? difference : c->largest;
        best = source[k] > source[best] ? k : best;
        best_copy = copy[k] > copy[best_copy] ? k : best_copy;
    }
    c->n++;
    c->n_same += best == best_copy;
    return RT_OK;
}

/* A photo that cannot be read is left out. */
static rt_code compare(comparison *c, rt_error *err)
{
    size_t n = c->photos->n < MOST_PHOTOS ? c->photos->n : MOST_PHOTOS;
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < (n ? n : (size_t)DRAWINGS); i++) {
        const float *source, *copy;
        if ((code = fill(c, &c->source, i, err)) != RT_OK && code != RT_ENOMEM) {
            code = RT_OK;
            continue;
        }
        if (code == RT_OK && (code = rt__run_execute(c->source.run, &source, err)) == RT_OK &&
            (code = fill(c, &c->copy, i, err)) == RT_OK &&
            (code = rt__run_execute(c->copy.run, &copy, err)) == RT_OK)
            code = note(c, source, copy, err);
    }
    if (code == RT_OK && c->n == 0)
        code = rt_fail(err, RT_ENOTFOUND, "none of %zu probe photos can be read", c->photos->n);
    return code;
}

static rt_code judge(const comparison *c, const rt_export_job *job, bool loose, rt_error *err)
{
    bool good = loose ? 2 * c->n_same >= c->n : c->largest <= tolerance;
    if (!good)
        return rt_fail(
            err, RT_EUNSUPPORTED,
            "what was written, read back, differs from the source by up to %.2g, top class equal %zu of "
            "%zu: it was not kept",
            (double)c->largest, c->n_same, c->n);
    rt_log_line(
        &job->options->log, RT_INFO,
        "read back and run on %zu %s: largest difference of a probability %.1e, top class equal %zu of %zu",
        c->n, c->photos->n ? "photos" : "drawings", (double)c->largest, c->n_same, c->n);
    return RT_OK;
}

/* ---- the whole ---- */

static rt_code check_labels(const rt_export_job *job, rt_buffer *labels, rt_error *err)
{
    rt_buffer ours = {0};
    rt_code code = RT_OK;
    for (size_t i = 0; i < job->labels.n; i++)
        rt__buffer_format(&ours, "%s\n", job->labels.names[i]);
    if (labels->size) /* some formats have no room for them */
        code = rt__buffer_ok(&ours, err);
    if (code == RT_OK && labels->size && strcmp(ours.bytes ? ours.bytes : "", labels->bytes) != 0)
        code = rt_fail(err, RT_EUNSUPPORTED, "what was written has other labels than the source");
    rt__buffer_clear(&ours);
    return code;
}

static rt_code find_photos(const rt_export_job *job, rt_photo_list *photos, rt_error *err)
{
    const rt_export_options *o = job->options;
    const char *path = o->probe_photos ? o->probe_photos : o->sample_photos;
    return path ? rt__photo_list_add(photos, path, err) : RT_OK;
}

static rt_code prove_module(const rt_export_job *job, const rt_module *copy, bool loose, rt_error *err)
{
    const rt_module_info *a = job->info, *b = rt_module_describe(copy);
    rt_photo_list photos = {0};
    comparison c = {.info = a, .photos = &photos};
    rt_code code;
    if (a->height != b->height || a->width != b->width || a->feature_size != b->feature_size)
        return rt_fail(err, RT_EUNSUPPORTED, "what was written takes %dx%d pixels to %d probabilities",
                       (int)b->width, (int)b->height, (int)b->feature_size);
    if ((code = find_photos(job, &photos, err)) == RT_OK &&
        (code = open_runner(job->module, &c.source, err)) == RT_OK &&
        (code = open_runner(copy, &c.copy, err)) == RT_OK && (code = compare(&c, err)) == RT_OK)
        code = judge(&c, job, loose, err);
    close_runner(&c.source);
    close_runner(&c.copy);
    rt__photo_list_clear(&photos);
    return code;
}

/* A graph whose end we would not find by ourselves, one that rounds its probabilities, is told where that is.
 */
static rt_code read_back(const rt_export_job *job, const char *path, bool says, rt_module **copy,
                         rt_buffer *labels, rt_error *err)
{
    rt_label_options how = {.graph = path};
    rt_code code;
    if (!says) {
        how.input_std = 255;
        how.input_height = job->info->height;
        how.input_width = job->info->width;
    }
    code = rt__label_graph_open(&how, copy, labels, err);
    if (code != RT_EUNSUPPORTED || says)
        return code;
    how.output_layer = rt__graph_node(job->module->graph, job->module->feature.node)->name;
    return rt__label_graph_open(&how, copy, labels, NULL) == RT_OK ? RT_OK : code;
}

rt_code rt__export_prove(const rt_export_job *job, const char *path, bool says, bool loose, rt_error *err)
{
    rt_module *copy = NULL;
    rt_buffer labels = {0};
    rt_error seen = {.code = RT_OK};
    rt_code code = read_back(job, path, says, &copy, &labels, &seen);
    if (code != RT_OK)
        rt_fail(err, code, "what was written cannot be read back: %s", seen.cause);
    else if ((code = check_labels(job, &labels, err)) == RT_OK)
        code = prove_module(job, copy, loose, err);
    if (code != RT_OK)
        rt_doing(err, job->options->output, "cannot export");
    rt_module_close(copy);
    rt__buffer_clear(&labels);
    return code;
}
