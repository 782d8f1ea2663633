#include "base/file.h"
#include "json_text.h"
#include "model/module.h"
#include "retrain_job.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void add_text(rt_buffer *out, const char *key, const char *value)
{
    rt__buffer_format(out, "    \"%s\": ", key);
    rt__json_string(out, value);
    rt__buffer_text(out, ",\n");
}

static void add_options(rt_buffer *out, const rt_retrain_options *o)
{
    rt__buffer_text(out, "  \"options\": {\n");
    add_text(out, "image_dir", o->image_dir);
    add_text(out, "tfhub_module", o->tfhub_module);
    add_text(out, "split", o->split == RT_SPLIT_LEGACY ? "legacy" : "stable");
    add_text(out, "output_graph", o->output_graph);
    add_text(out, "output_labels", o->output_labels);
    add_text(out, "final_tensor_name", o->final_tensor_name);
    rt__buffer_format(out, "    \"exact\": %s,\n    \"fast_decode\": %s,\n",
                      o->extraction.exact ? "true" : "false", o->extraction.fast_decode ? "true" : "false");
    rt__buffer_format(out, "    \"testing_percentage\": %d,\n    \"validation_percentage\": %d,\n",
                      (int)o->testing_percentage, (int)o->validation_percentage);
    rt__buffer_format(out, "    \"how_many_training_steps\": %d,\n    \"learning_rate\": ",
                      (int)o->how_many_training_steps);
    rt__json_float(out, o->learning_rate);
    rt__buffer_format(
        out, ",\n    \"flip_left_right\": %s,\n    \"random_crop\": %d,\n    \"random_scale\": %d,\n",
        o->flip_left_right ? "true" : "false", (int)o->random_crop, (int)o->random_scale);
    rt__buffer_format(out, "    \"random_brightness\": %d,\n    \"distortion_cache\": %d",
                      (int)o->random_brightness, (int)o->distortion_cache);
    rt__buffer_format(out, ",\n    \"train_batch_size\": %d,\n    \"seed\": %llu\n  },\n",
                      (int)o->train_batch_size, (unsigned long long)o->seed);
}

static void add_module(rt_buffer *out, const rt_module_info *info)
{
    rt__buffer_text(out, "  \"module\": {\n");
    add_text(out, "kind", info->kind);
    add_text(out, "input", info->input);
    add_text(out, "feature", info->feature);
    add_text(out, "notice", *info->notice ? info->notice : NULL);
    rt__buffer_format(out, "    \"height\": %d,\n    \"width\": %d,\n    \"feature_size\": %d\n  },\n",
                      (int)info->height, (int)info->width, (int)info->feature_size);
}

/* Photos of a class in a set that could be read. */
static size_t count(const rt_sampler *set, uint32_t class_index)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n; i++)
        n += set->labels[i] == class_index;
    return n;
}

static void add_classes(rt_buffer *out, const rt_retrain_job *job)
{
    rt__buffer_text(out, "  \"classes\": [");
    for (uint32_t c = 0; c < job->dataset->n_classes; c++) {
        const rt_class *class = &job->dataset->classes[c];
        const rt_class_score *score = &job->test.classes[c];
        rt__buffer_text(out, c ? ",\n    {\"label\": " : "\n    {\"label\": ");
        rt__json_string(out, class->label);
        rt__buffer_text(out, ", \"folder\": ");
        rt__json_string(out, class->folder);
        rt__buffer_format(out, ", \"training\": %zu, \"validation\": %zu, \"testing\": %zu",
                          count(&job->sets[RT_TRAINING], c), count(&job->sets[RT_VALIDATION], c),
                          count(&job->sets[RT_TESTING], c));
        rt__buffer_text(out, ", \"precision\": ");
        rt__json_float(out, score->predicted ? score->precision : NAN);
        rt__buffer_text(out, ", \"recall\": ");
        rt__json_float(out, score->n ? score->recall : NAN);
        rt__buffer_text(out, "}");
    }
    rt__buffer_text(out, "\n  ],\n");
}

static void add_skipped(rt_buffer *out, const rt_retrain_job *job)
{
    rt__buffer_text(out, "  \"skipped\": [");
    for (size_t i = 0; i < job->features.n_skipped; i++) {
        char *path = rt_dataset_path(job->dataset, job->features.skipped[i].photo);
        rt__buffer_text(out, i ? ",\n    {\"photo\": " : "\n    {\"photo\": ");
        rt__json_string(out, path);
        rt__buffer_text(out, ", \"reason\": ");
        rt__json_string(out, job->features.skipped[i].reason);
        rt__buffer_text(out, "}");
        free(path);
    }
    rt__buffer_text(out, job->features.n_skipped ? "\n  ],\n" : "],\n");
}

static void add_file(rt_buffer *out, const char *path, const char *ending, size_t *n)
{
    rt_buffer text = {0};
    if (!path || !*path)
        return;
    rt__buffer_format(&text, "%s%s", path, ending);
    rt__buffer_text(out, *n ? ",\n    " : "\n    ");
    rt__json_string(out, text.failed ? NULL : text.bytes);
    rt__buffer_clear(&text);
    ++*n;
}

/* Files and folders that were written, but for single cache files and logs. */
static void add_files(rt_buffer *out, const rt_retrain_options *o)
{
    static const char *const endings[] = {".meta", ".index", ".data-00000-of-00001", ".state"};
    bool json_file = o->json && strcmp(o->json, "-") != 0;
    int32_t every = o->intermediate_store_frequency, steps = o->how_many_training_steps;
    rt_buffer path = {0};
    size_t n = 0;
    rt__buffer_text(out, "  \"files\": [");
    add_file(out, o->output_graph, "", &n);
    add_file(out, o->output_labels, "", &n);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        add_file(out, o->checkpoint_path, endings[i], &n);
    for (int32_t i = 1; every > 0 && i <= (steps - 1) / every; i++) {
        char name[64];
        snprintf(name, sizeof name, "intermediate_%d.pb", (int)(i * every));
        add_file(out, rt__path_join(&path, o->intermediate_output_graphs_dir, name), "", &n);
    }
    add_file(out, o->saved_model_dir, "", &n);
    add_file(out, o->summaries_dir, "", &n);
    add_file(out, o->bottleneck_dir, "", &n);
    add_file(out, json_file ? o->json : NULL, "", &n);
    rt__buffer_text(out, "\n  ],\n");
    rt__buffer_clear(&path);
}

static long long peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? 1024LL * usage.ru_maxrss : 0;
}

static void add_score(rt_buffer *out, const char *name, const rt_score *score)
{
    rt__buffer_format(out, "  \"%s\": {\"n\": %zu, \"accuracy\": ", name, score->n);
    rt__json_float(out, score->n ? score->accuracy : NAN);
    rt__buffer_text(out, ", \"cross_entropy\": ");
    rt__json_float(out, score->n ? score->cross_entropy : NAN);
    rt__buffer_text(out, "},\n");
}

static void add_confusion(rt_buffer *out, const rt_evaluation *test)
{
    rt__buffer_text(out, "  \"confusion\": [");
    for (size_t i = 0; i < test->n_classes; i++) {
        rt__buffer_text(out, i ? ",\n    [" : "\n    [");
        for (size_t k = 0; k < test->n_classes; k++)
            rt__buffer_format(out, "%s%u", k ? ", " : "", test->confusion[i * test->n_classes + k]);
        rt__buffer_text(out, "]");
    }
    rt__buffer_text(out, "\n  ],\n");
}

static void add_misclassified(rt_buffer *out, const rt_retrain_job *job)
{
    size_t n = 0;
    rt__buffer_text(out, "  \"misclassified\": [");
    for (size_t i = 0; i < job->test.score.n; i++) {
        uint32_t predicted = job->test.predictions[i];
        char *path;
        if (predicted == job->test_labels[i])
            continue;
        path = rt_dataset_path(job->dataset, job->test_rows[i]);
        rt__buffer_text(out, n++ ? ",\n    {\"photo\": " : "\n    {\"photo\": ");
        rt__json_string(out, path);
        rt__buffer_text(out, ", \"predicted\": ");
        rt__json_string(out, job->dataset->classes[predicted].label);
        rt__buffer_text(out, "}");
        free(path);
    }
    rt__buffer_text(out, n ? "\n  ],\n" : "],\n");
}

rt_code rt__retrain_json(const rt_retrain_job *job, char **text, rt_error *err)
{
    const rt_features *f = &job->features;
    rt_buffer out = {0};
    rt_code code;
    rt__buffer_text(&out, "{\n");
    add_options(&out, job->options);
    add_module(&out, rt_module_describe(job->module));
    rt__buffer_format(&out,
                      "  \"bottlenecks\": {\"cached\": %zu, \"computed\": %zu, \"photos_read\": %zu},\n",
                      f->n_cached, f->n_computed, f->n_read);
    add_skipped(&out, job);
    add_classes(&out, job);
    add_score(&out, "train", &job->result->training);
    add_score(&out, "validation", &job->result->validation);
    add_score(&out, "test", &job->result->test);
    add_confusion(&out, &job->test);
    add_misclassified(&out, job);
    add_files(&out, job->options);
    rt__buffer_format(&out, "  \"resumed_at_step\": %llu,\n  \"peak_memory_bytes\": %lld,\n",
                      (unsigned long long)job->first_step, peak_memory());
    rt__buffer_format(&out,
                      "  \"seconds\": {\"dataset\": %.3f, \"module\": %.3f, \"bottlenecks\": %.3f, "
                      "\"training\": %.3f, \"test\": %.3f}\n}\n",
                      job->seconds[RT_STEP_DATASET], job->seconds[RT_STEP_MODULE],
                      job->seconds[RT_STEP_FEATURES], job->seconds[RT_STEP_TRAIN],
                      job->seconds[RT_STEP_TEST]);
    code = rt__buffer_ok(&out, err);
    if (code == RT_OK)
        *text = out.bytes;
    else
        rt__buffer_clear(&out);
    return code;
}
