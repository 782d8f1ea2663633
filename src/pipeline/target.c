#include "retrain/target.h"

#include "inspect_out.h"
#include "target_check.h"

#include <stdio.h>

enum { MOST_LINES = 60 }; /* of problems, in a text for people */

const char *rt_target_name(size_t i)
{
    size_t n;
    const rt_target *targets = rt__targets(&n);
    return i < n ? targets[i].name : NULL;
}

const char *rt_target_title(size_t i)
{
    size_t n;
    const rt_target *targets = rt__targets(&n);
    return i < n ? targets[i].title : NULL;
}

/* What is looked at for a target, in the words of the command that writes it. */
static const char *form_text(rt_target_form form, bool exported)
{
    static const char *const commands[] = {
        [RT_FORM_ONNX] = "what 'retrain export --format onnx' writes of it",
        [RT_FORM_GRAPH] = "what 'retrain export --format frozen --for uff' writes of it",
        [RT_FORM_TFLITE] = "what 'retrain export --format tflite' writes of it",
    };
    return exported ? commands[form] : "the file as it is";
}

static void add_text(const rt_target_report *report, rt_inspect_out *out)
{
    for (size_t i = 0; i < report->n && i < MOST_LINES; i++) {
        const rt_target_problem *p = &report->problems[i];
        if (*p->node)
            rt__buffer_format(&out->text, "node '%s' (%s): %s\n", p->node, p->op, p->reason);
        else
            rt__buffer_format(&out->text, "the file: %s\n", p->reason);
        if (*p->remedy)
            rt__buffer_format(&out->text, "  -> %s\n", p->remedy);
    }
    if (report->n > MOST_LINES)
        rt__buffer_format(&out->text, "and %zu more; --json lists all\n", report->n - MOST_LINES);
}

static void add_rows(const rt_target_report *report, rt_inspect_out *out)
{
    static const char *const columns[] = {"node", "op", "reason", "remedy"};
    rt__out_table(out, "problems", columns, 4);
    for (size_t i = 0; i < report->n; i++) {
        const rt_target_problem *p = &report->problems[i];
        const char *const cells[] = {p->node, p->op, p->reason, p->remedy};
        rt__out_row(out, cells);
    }
    rt__out_table_end(out);
}

/* Whether what --for uff writes of a graph would run where the graph itself does not. */
static rt_code add_after_export(rt_target_subject *subject, const rt_target *target, rt_inspect_out *out,
                                rt_error *err)
{
    rt_target_report after;
    rt_code code = rt__target_report_init(&after, err);
    if (code == RT_OK)
        code = rt__target_look(subject, target, true, &after, err);
    if (code == RT_OK)
        rt__out_fact(out, "after_export", "%s %s", form_text(target->form, true),
                     after.n == 0 ? "would run" : "would not run either");
    rt__target_report_clear(&after);
    return code;
}

static rt_code write_report(rt_target_subject *subject, const rt_target *target, bool exported,
                            const rt_target_report *report, rt_inspect_out *out, rt_error *err)
{
    rt_code code = RT_OK;
    rt__out_begin(out);
    rt__out_fact(out, "target", "%s", target->name);
    rt__out_fact(out, "title", "%s", target->title);
    rt__out_fact(out, "graph", "%s", subject->options.source.graph);
    rt__out_fact(out, "looked_at", "%s", form_text(target->form, exported));
    rt__out_number(out, "nodes", report->n_nodes);
    rt__out_fact(out, "runs", "%s", report->n == 0 ? "yes" : "no");
    if (*report->needs)
        rt__out_fact(out, "needs", "version %s or later", report->needs);
    if (report->n && !exported && target->form == RT_FORM_GRAPH && subject->job.module)
        code = add_after_export(subject, target, out, err);
    if (out->json)
        add_rows(report, out);
    else
        add_text(report, out);
    rt__out_end(out);
    return code == RT_OK ? rt__buffer_ok(&out->text, err) : code;
}

rt_code rt_target_check(const rt_target_options *options, char **text, bool *runs, rt_error *err)
{
    const rt_target *target = rt__target_find(options->target);
    rt_inspect_out out = {.json = options->json};
    rt_target_report report = {0};
    rt_target_subject subject;
    bool exported;
    rt_code code;
    if (!target)
        return rt_fail(err, RT_EARG, "no target '%s'", options->target);
    code = rt__target_subject_open(&options->source, &subject, err);
    exported = subject.own != target->form;
    if (code == RT_OK)
        code = rt__target_report_init(&report, err);
    if (code == RT_OK && (code = rt__target_look(&subject, target, exported, &report, err)) != RT_OK)
        rt_doing(err, options->source.graph, "cannot check graph");
    if (code == RT_OK)
        code = write_report(&subject, target, exported, &report, &out, err);
    if (code == RT_OK) {
        *runs = report.n == 0;
        *text = out.text.bytes;
    } else {
        rt__buffer_clear(&out.text);
    }
    rt__target_report_clear(&report);
    rt__target_subject_clear(&subject);
    return code;
}

rt_code rt_target_list(bool json, char **text, rt_error *err)
{
    static const char *const columns[] = {"name", "title", "source"};
    rt_inspect_out out = {.json = json};
    size_t n;
    const rt_target *targets = rt__targets(&n);
    rt_code code;
    rt__out_begin(&out);
    if (json) {
        rt__out_table(&out, "targets", columns, 3);
        for (size_t i = 0; i < n; i++) {
            const char *const cells[] = {targets[i].name, targets[i].title, targets[i].source};
            rt__out_row(&out, cells);
        }
        rt__out_table_end(&out);
    }
    for (size_t i = 0; !json && i < n; i++)
        rt__buffer_format(&out.text, "%-14s %s\n", targets[i].name, targets[i].title);
    rt__out_end(&out);
    if ((code = rt__buffer_ok(&out.text, err)) == RT_OK)
        *text = out.text.bytes;
    else
        rt__buffer_clear(&out.text);
    return code;
}
