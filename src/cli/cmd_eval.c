#include "classifier_options.h"
#include "commands.h"
#include "pipeline/eval_text.h"
#include "pipeline/json_text.h"
#include "retrain/eval.h"
#include "terminal.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct eval_arguments {
    rt_eval_options eval;
    rt_split split;
    bool list_wrong, json;
} eval_arguments;

#define AT(field)    offsetof(eval_arguments, field)
#define LABEL(field) offsetof(eval_arguments, eval.classifier.field)

static const rt_option options[] = {
    {"image_dir", "Photos", RT_OPTION_TEXT, "FOLDER", 0, 0, AT(eval.image_dir), "must be given",
     "Folder that holds a folder of photos for each class, named like its label."},
    {"resize", NULL, RT_OPTION_CHOICE, "bilinear|nearest", 0, 0, LABEL(resize), NULL,
     "How photos get the graph's size: as TensorFlow does it, or as jetson-inference does."},
    {"set", NULL, RT_OPTION_CHOICE, "all|training|validation|test", 0, 0, AT(eval.set), NULL,
     "Which of them: all, or those of one set of the run that made the graph. The next three flags must be "
     "that run's."},
    RT_SPLIT_ROWS(AT(eval.split), AT(split)),
    RT_CLASSIFIER_GRAPH_ROW("Classifier", LABEL),
    RT_CLASSIFIER_ROWS(NULL, LABEL),
    {"list_wrong", "Result", RT_OPTION_SWITCH, NULL, 0, 0, AT(list_wrong), NULL,
     "List the photos that were labelled wrong."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(json), NULL, "Print JSON."},
    RT_THREADS_ROW("Run", LABEL),
    RT_EXACT_ROW(NULL, LABEL),
    RT_FAST_DECODE_ROW(NULL, LABEL),
};

static void defaults(void *arguments)
{
    eval_arguments *a = arguments;
    rt_eval_defaults(&a->eval);
}

/* ---- text ---- */

static double accuracy(const rt_eval_result *r)
{
    return (double)r->n_right / (double)r->n_counted;
}

static rt_code print_text(const rt_eval_result *r, bool list_wrong, rt_error *err)
{
    rt_buffer text = {0};
    rt_code code = rt__eval_text(r, list_wrong, &text, err);
    if (code == RT_OK)
        fwrite(text.bytes, 1, text.size, stdout);
    rt__buffer_clear(&text);
    return code;
}

/* ---- JSON ---- */

static void add_classes(rt_buffer *out, const rt_eval_result *r)
{
    rt__buffer_text(out, "  \"classes\": [");
    for (size_t i = 0; i < r->n_labels; i++) {
        const rt_class_score *c = &r->classes[i];
        rt__buffer_text(out, i ? ",\n    {\"label\": " : "\n    {\"label\": ");
        rt__json_string(out, r->labels[i]);
        rt__buffer_format(out, ", \"photos\": %u, \"taken_for_it\": %u, \"right\": %u, \"recall\": ", c->n,
                          c->predicted, c->right);
        if (c->n)
            rt__json_float(out, c->recall);
        rt__buffer_text(out, c->n ? ", \"precision\": " : "null, \"precision\": ");
        if (c->predicted)
            rt__json_float(out, c->precision);
        rt__buffer_text(out, c->predicted ? "}" : "null}");
    }
    rt__buffer_text(out, "\n  ],\n");
}

/* Only what happened: of a thousand classes the whole table would be a million numbers. */
static void add_confusions(rt_buffer *out, const rt_eval_result *r)
{
    bool any = false;
    rt__buffer_text(out, "  \"confusions\": [");
    for (size_t i = 0; i < r->n_labels; i++)
        for (size_t k = 0; k < r->n_labels; k++) {
            uint32_t n = r->confusion[i * r->n_labels + k];
            if (i == k || n == 0)
                continue;
            rt__buffer_text(out, any ? ",\n    {\"label\": " : "\n    {\"label\": ");
            rt__json_string(out, r->labels[i]);
            rt__buffer_text(out, ", \"taken_for\": ");
            rt__json_string(out, r->labels[k]);
            rt__buffer_format(out, ", \"n\": %u}", n);
            any = true;
        }
    rt__buffer_text(out, any ? "\n  ],\n" : "],\n");
}

static void add_photos(rt_buffer *out, const rt_eval_result *r)
{
    rt__buffer_text(out, "  \"photos\": [");
    for (size_t i = 0; i < r->n_photos; i++) {
        const rt_eval_photo *p = &r->photos[i];
        rt__buffer_text(out, i ? ",\n    {\"photo\": " : "\n    {\"photo\": ");
        rt__json_string(out, p->path);
        rt__buffer_text(out, ", \"label\": ");
        rt__json_string(out, r->labels[p->class]);
        rt__buffer_text(out, p->reason ? ", \"error\": " : ", \"taken_for\": ");
        rt__json_string(out, p->reason ? p->reason : r->labels[p->taken_for]);
        if (!p->reason) {
            rt__buffer_text(out, ", \"score\": ");
            rt__json_float(out, p->score);
        }
        rt__buffer_text(out, "}");
    }
    rt__buffer_text(out, "\n  ]\n}\n");
}

static rt_code print_json(const rt_eval_result *r, rt_error *err)
{
    rt_buffer out = {0};
    rt_code code;
    rt__buffer_format(&out, "{\n  \"n\": %zu,\n  \"right\": %zu,\n  \"accuracy\": ", r->n_counted,
                      r->n_right);
    rt__json_float(&out, (float)accuracy(r));
    rt__buffer_text(&out, ",\n");
    add_classes(&out, r);
    add_confusions(&out, r);
    add_photos(&out, r);
    code = rt__buffer_ok(&out, err);
    if (code == RT_OK)
        fwrite(out.bytes, 1, out.size, stdout);
    rt__buffer_clear(&out);
    return code;
}

/* ---- running ---- */

static size_t complain_of_photos(const rt_eval_result *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_photos; i++)
        if (r->photos[i].reason) {
            fprintf(stderr, "retrain: %s\n", r->photos[i].reason);
            n++;
        }
    return n;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    const eval_arguments *a = arguments;
    rt_terminal terminal = rt__terminal(RT_INFO);
    rt_eval_options o = a->eval;
    rt_eval_result result = {0};
    size_t n_failed = 0;
    rt_error err;
    rt_code code;
    (void)operands;
    (void)n_operands;
    o.split.legacy_split = a->split == RT_SPLIT_LEGACY;
    o.progress = rt__terminal_progress(&terminal);
    code = rt_eval(&o, &result, &err);
    rt__terminal_clear(&terminal);
    if (code == RT_OK) {
        if (*result.notice)
            fprintf(stderr, "retrain: %s: %s\n", o.classifier.graph, result.notice);
        n_failed = complain_of_photos(&result);
        code = a->json ? print_json(&result, &err) : print_text(&result, a->list_wrong, &err);
    }
    rt_eval_clear(&result);
    if (code != RT_OK)
        return rt__complain(&err);
    return n_failed ? RT_FAILED : RT_DONE;
}

const rt_command rt__cmd_eval = {
    .name = "eval",
    .summary = "Measure a classifier on photos whose classes are known.",
    .usage = "--image_dir FOLDER [flags]",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(eval_arguments),
    .defaults = defaults,
    .run = run,
};
