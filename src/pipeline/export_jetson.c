/* A folder with everything a Jetson needs. */
#include "export_job.h"

#include "base/file.h"
#include "exec/plan.h"
#include "graph/fused.h"
#include "hub/unpack.h"
#include "jetson_text.h"
#include "target_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What jetson-inference subtracts and divides by: c/tensorConvert.cu, imageNet.cpp. */
static const float imagenet_mean[] = {0.485F, 0.456F, 0.406F}, imagenet_std[] = {0.229F, 0.224F, 0.225F};

typedef struct jetson {
    const rt_export_job *job;
    const char *folder; /* being filled; renamed when all is there */
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

static uint8_t probe_pixel(int32_t y, int32_t x, int c, int32_t height, int32_t width)
{
    int64_t ramp = c == 0 ? x * (int64_t)255 / width : c == 1 ? y * (int64_t)255 / height : (x + y) % 256;
    int64_t dy = y - height / 2, dx = x - width / 2;
    bool disc = dy * dy + dx * dx < (int64_t)height * height / 9;
    return (uint8_t)(disc ? 255 - ramp / (c + 1) : ramp);
}

static void draw_probe(int32_t height, int32_t width, bool planar, float *input, rt_buffer *ppm)
{
    rt__buffer_format(ppm, "P6\n%d %d\n255\n", (int)width, (int)height);
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) {
                uint8_t value = probe_pixel(y, x, c, height, width);
                size_t at = planar ? ((size_t)c * (size_t)height + (size_t)y) * (size_t)width + (size_t)x
                                   : ((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c;
                input[at] = (float)value * (1.0F / 255.0F);
                rt__buffer_add(ppm, &value, 1);
            }
}

static rt_code run_probe(const rt_plan *plan, const rt_export_job *job, rt_buffer *ppm, float *scores,
                         rt_error *err)
{
    const float *output;
    rt_run *run = NULL;
    rt_code code = rt__run_new(plan, &run, err);
    if (code != RT_OK)
        return code;
    draw_probe(job->info->height, job->info->width, rt__plan_wants_planar(plan), rt__run_input(run), ppm);
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

static bool is_empty(const char *folder)
{
    DIR *list = opendir(folder);
    const struct dirent *entry;
    bool empty = list != NULL;
    while (empty && (entry = readdir(list)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (list)
        closedir(list);
    return empty;
}

/* A folder that is there must be empty: nothing of the user's is replaced. */
static rt_code check_folder(const char *folder, rt_error *err)
{
    rt_file_info info;
    rt_code code;
    if (rt__file_info(folder, &info, NULL) != RT_OK)
        return rt__file_check_writable(folder, err);
    if (info.is_folder && is_empty(folder))
        return RT_OK;
    code = rt_fail(err, RT_EIO, "%s: name a new folder, or an empty one",
                   info.is_folder ? "not empty" : "is a file");
    rt_doing(err, folder, "cannot write folder");
    return code;
}

rt_code rt__export_jetson(const rt_export_job *job, rt_error *err)
{
    rt_buffer folder = {0};
    size_t length = strlen(job->options->output);
    jetson j = {.job = job};
    rt_code code = rt__jetson_check_labels(job->labels.names, job->labels.n, err);
    if (code != RT_OK || (code = check_folder(job->options->output, err)) != RT_OK)
        return code;
    while (length > 1 && job->options->output[length - 1] == '/')
        length--;
    rt__buffer_format(&folder, "%.*s.%ld.tmp", (int)length, job->options->output, (long)getpid());
    if ((code = rt__buffer_ok(&folder, err)) != RT_OK)
        return code;
    j.folder = folder.bytes;
    j.facts = (rt_jetson_facts){job->info->path,
                                job->info->height,
                                job->info->width,
                                job->labels.names,
                                job->labels.n,
                                NULL,
                                0,
                                job->options->int8_photos != NULL};
    if ((code = rt__folder_make(folder.bytes, err)) == RT_OK && (code = put_models(&j, err)) == RT_OK &&
        (code = put_probe(&j, err)) == RT_OK && (code = put_texts(&j, err)) == RT_OK &&
        rename(folder.bytes, job->options->output) != 0) {
        code = rt_fail_errno(err, errno, "cannot rename the finished folder");
        rt_doing(err, job->options->output, "cannot write folder");
    }
    if (code != RT_OK)
        rt__folder_remove(folder.bytes, NULL);
    else
        rt_log_line(&job->options->log, RT_INFO, "wrote %s; copy it to the board and run: sh run.sh",
                    job->options->output);
    rt__buffer_clear(&folder);
    rt__buffer_clear(&j.path);
    return code;
}
