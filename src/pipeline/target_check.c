#include "target_check.h"

#include "export/tf1.h"
#include "graph/ops.h"
#include "label_graph.h"
#include "model/foreign.h"
#include "model/graphdef.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static rt_code read_graph(rt_target_subject *s, rt_error *err)
{
    rt_graphdef def;
    rt_code code;
    s->own = rt__is_onnx(s->file->bytes, s->file->size)     ? RT_FORM_ONNX
             : rt__is_tflite(s->file->bytes, s->file->size) ? RT_FORM_TFLITE
                                                            : RT_FORM_GRAPH;
    if (s->own != RT_FORM_GRAPH)
        return RT_OK;
    code = rt__graphdef_read(s->file->bytes, s->file->size, &def, err);
    if (code == RT_OK)
        s->graph = def.graph;
    return code;
}

/* Those that are in the classifier's part. */
static rt_code mark_needed(rt_target_subject *s, rt_error *err)
{
    const rt_graph *part = s->job.module->graph;
    if (!s->graph)
        return RT_OK;
    if (!(s->needed = calloc((size_t)rt__graph_count(s->graph) + 1, sizeof *s->needed)))
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < rt__graph_count(part); i++) {
        uint32_t found;
        if (rt__graph_find(s->graph, rt__graph_node(part, i)->name, &found))
            s->needed[found] = true;
    }
    return RT_OK;
}

rt_code rt__target_subject_open(const rt_label_options *source, rt_target_subject *subject, rt_error *err)
{
    rt_map *file = NULL;
    rt_error why;
    rt_code code;
    *subject = (rt_target_subject){.own = RT_FORM_GRAPH};
    code = rt__map_open(&file, source->graph, err);
    subject->file = file;
    if (code == RT_OK && (code = read_graph(subject, err)) != RT_OK)
        rt_doing(err, source->graph, "cannot load graph");
    if (code != RT_OK)
        return code;
    rt_export_defaults(&subject->options);
    subject->options.source = *source;
    subject->job.options = &subject->options;
    code = rt__label_graph_open(source, &subject->job.module, &subject->job.labels.text, &why);
    if (code == RT_OK) {
        subject->job.info = rt_module_describe(subject->job.module);
        return mark_needed(subject, err);
    }
    if (code == RT_ENOMEM || code == RT_EIO || code == RT_EARG ||
        (code == RT_EFORMAT && subject->own == RT_FORM_GRAPH)) {
        if (err)
            *err = why;
        return code;
    }
    snprintf(subject->cause, sizeof subject->cause, "%s", why.cause);
    return RT_OK;
}

void rt__target_subject_clear(rt_target_subject *subject)
{
    for (size_t i = 0; i < sizeof subject->forms / sizeof *subject->forms; i++) {
        rt__buffer_clear(&subject->forms[i].file);
        rt__buffer_clear(&subject->forms[i].causes);
        rt__graph_free(subject->forms[i].graph);
    }
    rt__graph_free(subject->graph);
    free(subject->needed);
    rt__label_names_clear(&subject->job.labels);
    rt_module_close(subject->job.module);
    rt__map_close((rt_map *)(uintptr_t)subject->file);
    *subject = (rt_target_subject){.own = RT_FORM_GRAPH};
}

/* ---- what an export would write ---- */

static rt_code make_uff(const rt_export_job *job, rt_graph **graph, rt_error *err)
{
    const rt_tf1_options options = {.purpose = RT_TF1_UFF};
    rt_folded f = {0};
    rt_code code = rt__export_fold(job, false, &f, err);
    if (code == RT_OK)
        code = rt__tf1_graph(f.graph, f.input, f.output, &f.shape, &options, graph, NULL, err);
    rt__graph_free(f.graph);
    return code;
}

static void add_line(void *user, const char *cause)
{
    rt__buffer_format(user, "%s\n", cause);
}

static rt_code make_form(const rt_target_subject *s, rt_target_form which, rt_form *form, rt_error *err)
{
    const rt_export_onnx_how as_it_is = {.refused = add_line, .refused_user = &form->causes};
    rt_error why = {0};
    rt_code code = which == RT_FORM_ONNX    ? rt__export_onnx_bytes(&s->job, &as_it_is, &form->file, &why)
                   : which == RT_FORM_GRAPH ? make_uff(&s->job, &form->graph, &why)
                                            : rt__export_tflite_bytes(&s->job, &form->file, &why);
    form->made = true;
    if (code == RT_EUNSUPPORTED) {
        if (!form->causes.size)
            add_line(&form->causes, why.cause);
        return rt__buffer_ok(&form->causes, err);
    }
    if (code != RT_OK && err)
        *err = why;
    return code;
}

/* "node 'a/b' (Op): why" as a problem of that node; any other cause as one of the file. */
static rt_code add_cause(rt_target_report *report, const char *cause, const char *remedy, rt_error *err)
{
    char node[RT_CAUSE_SIZE] = "", op[RT_CAUSE_SIZE] = "";
    int end = 0;
    if (sscanf(cause, "node '%511[^']' (%511[^)]): %n", node, op, &end) < 2 || !end)
        return rt__target_add(report, "", "", remedy, err, "%s", cause);
    return rt__target_add(report, node, op + (strncmp(op, "rt.", 3) == 0 ? 3 : 0), "", err, "%s",
                          cause + end);
}

static rt_code add_causes(rt_target_report *report, const char *lines, rt_error *err)
{
    rt_code code = RT_OK;
    while (code == RT_OK && *lines) {
        char cause[RT_CAUSE_SIZE];
        size_t length = strcspn(lines, "\n");
        snprintf(cause, sizeof cause, "%.*s", (int)length, lines);
        code = add_cause(report, cause, "", err);
        lines += length + 1;
    }
    return code;
}

/* All nodes that nothing here knows, and then why there is no classifier. */
static rt_code add_unknown(const rt_target_subject *s, rt_target_report *report, rt_error *err)
{
    rt_code code = RT_OK;
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(s->graph); i++) {
        const rt_node *node = rt__graph_node(s->graph, i);
        const rt_op *op = rt__op_find(node->op);
        report->n_nodes++;
        if (strcmp(node->op, "NoOp") != 0 && (!op || (!op->lower && !op->eval)))
            code =
                rt__target_add(report, node->name, node->op, "", err, "no operator that retrain can export");
    }
    if (code == RT_OK)
        code = add_cause(report, s->cause,
                         "a detector, or a network without a classifier: train one on it with retrain, and "
                         "export that",
                         err);
    return code;
}

rt_code rt__target_look(rt_target_subject *subject, const rt_target *target, bool exported,
                        rt_target_report *report, rt_error *err)
{
    rt_form *form = &subject->forms[target->form];
    const rt_map *file = subject->file;
    rt_code code = RT_OK;
    if (!exported)
        return target->form == RT_FORM_ONNX
                   ? rt__target_check_onnx(target, file->bytes, file->size, report, err)
               : target->form == RT_FORM_TFLITE
                   ? rt__target_check_tflite(target, file->bytes, file->size, report, err)
                   : rt__target_check_graph(target, subject->graph, subject->needed, report, err);
    if (!subject->job.module && !subject->graph)
        return rt_fail(err, RT_EUNSUPPORTED, "%s", subject->cause);
    if (!subject->job.module)
        return add_unknown(subject, report, err);
    if (!form->made)
        code = make_form(subject, target->form, form, err);
    if (code != RT_OK)
        return code;
    if (form->causes.size)
        return add_causes(report, form->causes.bytes, err);
    return target->form == RT_FORM_ONNX
               ? rt__target_check_onnx(target, form->file.bytes, form->file.size, report, err)
           : target->form == RT_FORM_TFLITE
               ? rt__target_check_tflite(target, form->file.bytes, form->file.size, report, err)
               : rt__target_check_graph(target, form->graph, NULL, report, err);
}

/* ---- before an ONNX file is written ---- */

/* One line a target: its first problems. */
static void say_why(const rt_log *log, const rt_target *target, const rt_target_report *report)
{
    enum { MOST_PROBLEMS = 3 };
    char line[1600] = "";
    for (size_t i = 0; i < report->n && i < MOST_PROBLEMS; i++) {
        const rt_target_problem *p = &report->problems[i];
        size_t used = strlen(line);
        if (*p->node)
            snprintf(line + used, sizeof line - used, "%snode '%s' (%s): %s", i ? "; " : "", p->node, p->op,
                     p->reason);
        else
            snprintf(line + used, sizeof line - used, "%s%s", i ? "; " : "", p->reason);
    }
    if (report->n > MOST_PROBLEMS)
        rt_log_line(log, RT_WARN, "%s would not take it: %s; and %zu more (retrain check-target)",
                    target->name, line, report->n - MOST_PROBLEMS);
    else
        rt_log_line(log, RT_WARN, "%s would not take it: %s", target->name, line);
}

rt_code rt__target_say(const rt_log *log, const rt_buffer *onnx, bool wants_tensorrt, rt_error *err)
{
    size_t n, n_tensorrt = 0;
    const rt_target *targets = rt__targets(&n);
    rt_buffer names = {0};
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < n; i++) {
        rt_target_report report;
        if (targets[i].form != RT_FORM_ONNX)
            continue;
        code = rt__target_report_init(&report, err);
        if (code == RT_OK)
            code = rt__target_check_onnx(&targets[i], onnx->bytes, onnx->size, &report, err);
        if (code == RT_OK && report.n == 0) {
            n_tensorrt += strncmp(targets[i].name, "tensorrt", 8) == 0;
            rt__buffer_format(&names, "%s%s", names.size ? ", " : "", targets[i].name);
        } else if (code == RT_OK) {
            say_why(log, &targets[i], &report);
        }
        rt__target_report_clear(&report);
    }
    if (code == RT_OK && (code = rt__buffer_ok(&names, err)) == RT_OK)
        rt_log_line(log, RT_INFO, "taken by %s", names.size ? names.bytes : "none of the targets known");
    rt__buffer_clear(&names);
    if (code == RT_OK && wants_tensorrt && n_tensorrt == 0)
        code = rt_fail(err, RT_EUNSUPPORTED, "no TensorRT takes this network, for the reasons above");
    return code;
}
