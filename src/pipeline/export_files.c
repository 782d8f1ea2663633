/* The formats that are one file. */
#include "export_job.h"

#include "base/file.h"
#include "export/frozen.h"
#include "export/tf1.h"
#include "graph/fused.h"
#include "target_check.h"

rt_code rt__export_fold(const rt_export_job *job, bool plain, rt_folded *f, rt_error *err)
{
    const rt_module *m = job->module;
    f->shape = (rt_shape){.rank = 4, .dim = {1, job->info->height, job->info->width, 3}};
    return (plain ? rt__graph_fuse_plain : rt__graph_fuse)(m->graph, m->input, m->feature, job->info->height,
                                                           job->info->width, &f->graph, &f->input, &f->output,
                                                           err);
}

rt_code rt__export_write(const rt_export_job *job, const rt_buffer *file, rt_error *err)
{
    rt_code code = rt__file_write(job->place, file->bytes, file->size, true, err);
    if (code != RT_OK)
        rt_doing(err, job->options->output, "cannot write file");
    return code;
}

rt_code rt__export_labels(const rt_export_job *job, rt_buffer *text, rt_error *err)
{
    for (size_t i = 0; i < job->labels.n; i++)
        rt__buffer_format(text, "%s%s", i ? "\n" : "", job->labels.names[i]);
    rt__buffer_add(text, "", 1);
    return rt__buffer_ok(text, err);
}

/* ---- ONNX ---- */

static void log_refused(void *user, const char *cause)
{
    const rt_export_job *job = user;
    rt_log_line(&job->options->log, RT_ERROR, "no ONNX form: %s", cause);
}

rt_code rt__export_onnx_bytes(const rt_export_job *job, const rt_export_onnx_how *how, rt_buffer *file,
                              rt_error *err)
{
    rt_buffer labels = {0};
    rt_onnx_options options = {.opset = job->options->opset,
                               .dynamic_batch = job->options->dynamic_batch,
                               .told = how->told,
                               .user = how->user,
                               .refused = how->refused ? how->refused : log_refused,
                               .refused_user = how->refused ? how->refused_user : (void *)(uintptr_t)job};
    rt_folded f = {0};
    size_t n_fake_quant = 0;
    rt_code code = rt__export_labels(job, &labels, err);
    const char *metadata[] = {"labels", labels.bytes, "input",
                              "red, green, blue in 0 .. 1, bilinear, aspect not kept"};
    for (int c = 0; how->scale && c < 3; c++) {
        options.input_scale[c] = how->scale[c];
        options.input_shift[c] = how->shift[c];
        metadata[3] = "as jetson-inference's imagenet feeds it";
    }
    options.metadata = metadata;
    options.n_metadata = 2;
    if (code == RT_OK && (code = rt__export_fold(job, how->told != NULL, &f, err)) == RT_OK)
        code = rt__onnx_write(f.graph, f.input, f.output, &f.shape, job->info->feature_size, &options, file,
                              &n_fake_quant, err);
    if (code == RT_OK && n_fake_quant)
        rt_log_line(&job->options->log, RT_WARN,
                    "%zu FakeQuant nodes became Clip: ONNX runs them in full precision, probabilities differ "
                    "a little",
                    n_fake_quant);
    rt__graph_free(f.graph);
    rt__buffer_clear(&labels);
    return code;
}

rt_code rt__export_onnx(const rt_export_job *job, rt_error *err)
{
    rt_buffer file = {0};
    rt_code code = rt__export_onnx_bytes(job, &(rt_export_onnx_how){0}, &file, err);
    if (code == RT_OK)
        code = rt__target_say(&job->options->log, &file, false, err);
    if (code == RT_OK)
        code = rt__export_write(job, &file, err);
    rt__buffer_clear(&file);
    return code;
}

/* ---- TensorFlow ---- */

static rt_code fold_frozen(const rt_export_job *job, rt_error *err)
{
    rt_tf1_options options = {.purpose =
                                  job->options->frozen_for == RT_FROZEN_UFF ? RT_TF1_UFF : RT_TF1_PLAIN,
                              .labels = job->labels.names,
                              .n_labels = job->labels.n};
    rt_folded f = {0};
    rt_graph *graph = NULL;
    size_t n_clipped = 0;
    rt_code code = rt__export_fold(job, false, &f, err);
    if (code == RT_OK)
        code = rt__tf1_graph(f.graph, f.input, f.output, &f.shape, &options, &graph, &n_clipped, err);
    if (code == RT_OK)
        code = rt__frozen_write(graph, job->place, err);
    if (code == RT_OK && n_clipped)
        rt_log_line(&job->options->log, RT_WARN,
                    "%zu FakeQuant nodes became a clip to their range: probabilities differ a little",
                    n_clipped);
    rt__graph_free(graph);
    rt__graph_free(f.graph);
    return code;
}

rt_code rt__export_frozen(const rt_export_job *job, rt_error *err)
{
    return job->options->frozen_for ? fold_frozen(job, err)
                                    : rt__frozen_write(job->module->graph, job->place, err);
}
