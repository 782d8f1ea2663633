#include "classifier_options.h"
#include "commands.h"
#include "pipeline/json_text.h"
#include "pipeline/photo_list.h"
#include "retrain/label.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct label_arguments {
    rt_label_options label;
    const char *image; /* label_image.py's way to name the photo */
    int32_t top;
    bool json;
} label_arguments;

#define AT(field)    offsetof(label_arguments, field)
#define LABEL(field) offsetof(label_arguments, label.field)

static const rt_option options[] = {
    {"image", "Photos", RT_OPTION_TEXT, "FILE", 0, 0, AT(image), NULL,
     "A photo, besides those named without a flag."},
    RT_CLASSIFIER_GRAPH_ROW("Classifier", LABEL),
    RT_CLASSIFIER_ROWS(NULL, LABEL),
    {"top", "Result", RT_OPTION_INT, "N", 1, INT32_MAX, AT(top), NULL,
     "How many labels to print for a photo."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(json), NULL, "Print JSON."},
    RT_THREADS_ROW("Run", LABEL),
    RT_EXACT_ROW(NULL, LABEL),
    RT_FAST_DECODE_ROW(NULL, LABEL),
};

static void defaults(void *arguments)
{
    label_arguments *a = arguments;
    rt_label_defaults(&a->label);
    a->top = 5;
}

/* ---- printing ---- */

typedef struct printer {
    const rt_labeller_info *info;
    size_t top;
    size_t *order; /* [top]: classes of a photo, the likeliest first */
    bool json;
    size_t n_printed, n_failed;
} printer;

/* Equal scores keep their order. */
static void rank(const float *scores, size_t n, size_t *order, size_t top)
{
    size_t n_ranked = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = n_ranked < top ? n_ranked++ : top;
        for (; at > 0 && scores[i] > scores[order[at - 1]]; at--)
            if (at < top)
                order[at] = order[at - 1];
        if (at < top)
            order[at] = i;
    }
}

static void print_text(const printer *p, const char *path, const float *scores)
{
    printf("%s\n", path);
    for (size_t i = 0; i < p->top; i++)
        printf("  %.5f  %s\n", (double)scores[p->order[i]], p->info->labels[p->order[i]]);
}

static void print_json(const printer *p, const char *path, const float *scores,
                       const rt_label_outcome *outcome)
{
    rt_buffer text = {0};
    rt__buffer_text(&text, p->n_printed ? ",\n  {\"photo\": " : "\n  {\"photo\": ");
    rt__json_string(&text, path);
    if (outcome->code != RT_OK) {
        rt__buffer_text(&text, ", \"error\": ");
        rt__json_string(&text, outcome->reason);
    } else {
        rt__buffer_text(&text, ", \"labels\": [");
        for (size_t i = 0; i < p->top; i++) {
            rt__buffer_text(&text, i ? ", {\"label\": " : "{\"label\": ");
            rt__json_string(&text, p->info->labels[p->order[i]]);
            rt__buffer_text(&text, ", \"score\": ");
            rt__json_float(&text, scores[p->order[i]]);
            rt__buffer_text(&text, "}");
        }
        rt__buffer_text(&text, "]");
    }
    rt__buffer_text(&text, "}");
    if (!text.failed)
        fwrite(text.bytes, 1, text.size, stdout);
    rt__buffer_clear(&text);
}

static void print_photo(printer *p, const char *path, const float *scores, const rt_label_outcome *outcome)
{
    if (outcome->code == RT_OK)
        rank(scores, p->info->n_labels, p->order, p->top);
    if (p->json)
        print_json(p, path, scores, outcome);
    else if (outcome->code == RT_OK)
        print_text(p, path, scores);
    if (outcome->code != RT_OK) {
        fflush(stdout); /* so that both streams keep the photos' order on a terminal */
        fprintf(stderr, "retrain: %s\n", outcome->reason);
        p->n_failed++;
    }
    p->n_printed++;
}

/* ---- running ---- */

static rt_code list_photos(const label_arguments *a, char **operands, size_t n_operands, rt_photo_list *list,
                           rt_error *err)
{
    rt_code code = RT_OK;
    if (n_operands == 0 && !a->image)
        return rt_fail(err, RT_EARG, "name a photo: retrain label photo.jpg");
    if (a->image)
        code = rt__photo_list_add(list, a->image, err);
    for (size_t i = 0; i < n_operands && code == RT_OK; i++)
        code = rt__photo_list_add(list, operands[i], err);
    return code;
}

/* Photos are labelled some at a time, so that results appear soon and memory does not grow with their number.
 */
static rt_code label_all(const rt_labeller *labeller, const rt_photo_list *list, printer *p, rt_error *err)
{
    enum { AT_A_TIME = 512 };
    const char *const *paths = (const char *const *)list->paths;
    float *scores = calloc(AT_A_TIME * p->info->n_labels, sizeof *scores);
    rt_label_outcome *outcomes = calloc(AT_A_TIME, sizeof *outcomes);
    rt_code code = scores && outcomes ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < list->n && code == RT_OK; i += AT_A_TIME) {
        size_t n = list->n - i < AT_A_TIME ? list->n - i : AT_A_TIME;
        code = rt_labeller_run(labeller, paths + i, n, scores, outcomes, err);
        for (size_t k = 0; k < n && code == RT_OK; k++)
            print_photo(p, paths[i + k], scores + k * p->info->n_labels, &outcomes[k]);
    }
    free(outcomes);
    free(scores);
    return code;
}

static rt_code label(const label_arguments *a, const rt_photo_list *list, size_t *n_failed, rt_error *err)
{
    rt_labeller *labeller = NULL;
    printer p = {.json = a->json};
    rt_code code = rt_labeller_open(&a->label, &labeller, err);
    if (code != RT_OK)
        return code;
    p.info = rt_labeller_describe(labeller);
    p.top = (size_t)a->top < p.info->n_labels ? (size_t)a->top : p.info->n_labels;
    if (*p.info->notice)
        fprintf(stderr, "retrain: %s: %s\n", a->label.graph, p.info->notice);
    if (!(p.order = calloc(p.top, sizeof *p.order))) {
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    } else {
        if (a->json)
            printf("{\"photos\": [");
        code = label_all(labeller, list, &p, err);
        if (a->json)
            printf("\n]}\n");
    }
    *n_failed = p.n_failed;
    free(p.order);
    rt_labeller_close(labeller);
    return code;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    const label_arguments *a = arguments;
    rt_photo_list list = {0};
    size_t n_failed = 0;
    rt_error err;
    rt_code code = list_photos(a, operands, n_operands, &list, &err);
    if (code == RT_OK)
        code = label(a, &list, &n_failed, &err);
    rt__photo_list_clear(&list);
    if (code != RT_OK)
        return rt__complain(&err);
    return n_failed ? RT_FAILED : RT_DONE;
}

const rt_command rt__cmd_label = {
    .name = "label",
    .summary = "Say what is on photos.",
    .usage = "[flags] PHOTO|FOLDER ...",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(label_arguments),
    .defaults = defaults,
    .takes_operands = true,
    .run = run,
};
