/* A folder with everything a Jetson needs. */
#include "export_job.h"

#include "base/file.h"
#include "exec/plan.h"
#include "graph/fused.h"
#include "jetson_text.h"
#include "probe.h"
#include "target_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What jetson-inference subtracts and divides by: c/tensorConvert.cu, imageNet.cpp. */
static const float imagenet_mean[] = {0.485F, 0.456F, 0.406F}, imagenet_std[] = {0.229F, 0.224F, 0.225F};

typedef struct jetson {
    const rt_export_job *job;
    const char *folder; /* being filled */
    rt_jetson_facts facts;
    rt_buffer path;
} jetson;

static rt_code put(jetson *j, const char *name, const rt_buffer *content, bool executable, rt_error *err)
{
    rt_code code = rt__buffer_ok(content, err);
    rt__path_join(&j->path, j->folder, name);
    if (code == RT_OK && (code = rt__buffer_ok(&j->path, err)) == RT_OK)
        code = rt__file_write(j->path.bytes, content->bytes, content->size, true, err);
    if (code == RT_OK && executable && chmod(j->path.bytes, 0755) != 0)
        code = rt_fail_errno(err, errno, "cannot make '%s' executable", name);
    return code;
}

static rt_code put_models(jetson *j, rt_error *err)
{
    const rt_export_onnx_how as_it_is = {0}, from_imagenet = {.scale = imagenet_std, .shift = imagenet_mean};
    rt_buffer plain = {0}, table = {0}, normalised = {0};
    rt_code code = j->job->options->int8_photos ? rt__export_int8(j->job, &plain, &table, err)
                                                : rt__export_onnx_bytes(j->job, &as_it_is, &plain, err);
    if (code == RT_OK)
        code = rt__target_say(&j->job->options->log, &plain, true, err);
    if (code == RT_OK)
        code = put(j, "model_01.onnx", &plain, false, err);
    if (code == RT_OK && table.size)
        code = put(j, RT_JETSON_TABLE, &table, false, err);
    if (code == RT_OK && (code = rt__export_onnx_bytes(j->job, &from_imagenet, &normalised, err)) == RT_OK)
        code = put(j, "model.onnx", &normalised, false, err);
    rt__buffer_clear(&plain);
    rt__buffer_clear(&table);
    rt__buffer_clear(&normalised);
    return code;
}

static rt_code put_texts(jetson *j, rt_error *err)
{
    rt_code code = RT_OK;
    for (const rt_jetson_file *f = rt__jetson_files; code == RT_OK && f->name; f++) {
        rt_buffer text = {0};
        f->write(&j->facts, &text);
        code = put(j, f->name, &text, f->executable, err);
        rt__buffer_clear(&text);
    }
    return code;
}

/* ---- the probe: an image of the network's own size, so that no resizing comes between ---- */

static rt_code run_probe(const rt_plan *plan, const rt_export_job *job, rt_buffer *ppm, float *scores,
                         rt_error *err)
{
    const float *output;
    rt_run *run = NULL;
    rt_code code = rt__run_new(plan, &run, err);
    if (code != RT_OK)
        return code;
    rt__probe_draw(0, job->info->height, job->info->width, rt__plan_wants_planar(plan), rt__run_input(run),
                   ppm);
    if ((code = rt__run_execute(run, &output, err)) == RT_OK)
        memcpy(scores, output, job->labels.n * sizeof *scores);
    rt__run_free(run);
    return code;
}

static rt_code probe_scores(const rt_export_job *job, rt_buffer *ppm, float *scores, rt_error *err)
{
    const rt_module *m = job->module;
    rt_graph *fused = NULL;
    rt_plan *plan = NULL;
    rt_edge input, output;
    rt_code code = rt__graph_fuse(m->graph, m->input, m->feature, job->info->height, job->info->width, &fused,
                                  &input, &output, err);
    if (code == RT_OK)
        code = rt__plan_new(fused, input, output, &plan, err);
    if (code == RT_OK)
        code = run_probe(plan, job, ppm, scores, err);
    rt__plan_free(plan);
    rt__graph_free(fused);
    return code;
}

static rt_code put_probe(jetson *j, rt_error *err)
{
    size_t n = j->job->labels.n, best = 0;
    float *scores = calloc(n, sizeof *scores);
    rt_buffer ppm = {0}, text = {0};
    rt_code code =
        scores ? probe_scores(j->job, &ppm, scores, err) : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        best = scores[i] > scores[best] ? i : best;
        rt__buffer_format(&text, "%.7f %s\n", (double)scores[i], j->job->labels.names[i]);
    }
    if (code == RT_OK && (code = put(j, "probe.ppm", &ppm, false, err)) == RT_OK)
        code = put(j, "probe.txt", &text, false, err);
    if (code == RT_OK) {
        j->facts.expected = j->job->labels.names[best];
        j->facts.score = scores[best];
    }
    rt__buffer_clear(&ppm);
    rt__buffer_clear(&text);
    free(scores);
    return code;
}

/* ---- the folder ---- */

rt_code rt__export_jetson(const rt_export_job *job, rt_error *err)
{
    jetson j = {.job = job,
                .folder = job->place,
                .facts = {job->info->path, job->info->height, job->info->width, job->labels.names,
                          job->labels.n, NULL, 0, job->options->int8_photos != NULL}};
    rt_code code = rt__jetson_check_labels(job->labels.names, job->labels.n, err);
    if (code == RT_OK && (code = put_models(&j, err)) == RT_OK && (code = put_probe(&j, err)) == RT_OK)
        code = put_texts(&j, err);
    rt__buffer_clear(&j.path);
    return code;
}
