#include "eval_text.h"

#include "report/lines.h"

#include <stdlib.h>

enum { LINE = 1024, MOST_CONFUSIONS = 5 };

/* Labels without photos that nothing was taken for say nothing. */
static bool is_shown(const rt_line_class *class)
{
    return class->n || class->predicted;
}

static rt_code add_classes(const rt_eval_result *r, const rt_line_class *all, rt_buffer *text, rt_error *err)
{
    rt_line_confusion worst[MOST_CONFUSIONS];
    rt_line_class *shown = calloc(r->n_labels, sizeof *shown);
    size_t n_shown = 0, n_worst = rt__line_confusions(r->confusion, r->n_labels, worst, MOST_CONFUSIONS);
    char line[LINE];
    if (!shown)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < r->n_labels; i++)
        if (is_shown(&all[i]))
            shown[n_shown++] = all[i];
    rt__buffer_format(text, "%s\n", rt__line_class_head(line, LINE, rt__line_label_width(shown, n_shown)));
    for (size_t i = 0; i < n_shown; i++)
        rt__buffer_format(text, "%s\n",
                          rt__line_class(line, LINE, rt__line_label_width(shown, n_shown), &shown[i]));
    for (size_t i = 0; i < n_worst; i++)
        rt__buffer_format(text, "%s\n", rt__line_confusion(line, LINE, all, &worst[i]));
    free(shown);
    return rt__buffer_ok(text, err);
}

rt_code rt__eval_text(const rt_eval_result *r, bool list_wrong, rt_buffer *text, rt_error *err)
{
    rt_line_class *all = calloc(r->n_labels, sizeof *all);
    char line[LINE];
    rt_code code;
    if (!all)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < r->n_labels; i++)
        all[i] = (rt_line_class){r->labels[i], r->classes[i].n, r->classes[i].predicted, r->classes[i].right};
    for (size_t i = 0; list_wrong && i < r->n_photos; i++) {
        const rt_eval_photo *p = &r->photos[i];
        if (!p->reason && p->class != p->taken_for)
            rt__buffer_format(text, "%s\n",
                              rt__line_misclassified(line, LINE, p->path, r->labels[p->taken_for]));
    }
    code = add_classes(r, all, text, err);
    rt__buffer_format(text, "accuracy %.1f%% (%zu of %zu photos)\n",
                      100 * (double)r->n_right / (double)r->n_counted, r->n_right, r->n_counted);
    free(all);
    return code == RT_OK ? rt__buffer_ok(text, err) : code;
}
