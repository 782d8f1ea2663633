/* Where a classifier would run. */
#include "inspect_job.h"

#include "target_check.h"

#include <stdio.h>

static rt_code print_target(rt_target_subject *subject, const rt_target *target, rt_inspect_out *out,
                            rt_error *err)
{
    rt_target_report report;
    char why[700] = "";
    const char *const cells[] = {target->name, "yes", why};
    rt_code code = rt__target_report_init(&report, err);
    if (code == RT_OK)
        code = rt__target_look(subject, target, subject->own != target->form, &report, err);
    if (code == RT_OK && report.n) {
        const rt_target_problem *p = &report.problems[0];
        const char *const refused[] = {target->name, "no", why};
        snprintf(why, sizeof why, "%s%s%s%s%s%s", *p->node ? "node '" : "", p->node, *p->node ? "' (" : "",
                 p->op, *p->node ? "): " : "", p->reason);
        if (report.n > 1)
            snprintf(why, sizeof why, "%zu nodes, the first '%s' (%s): %s", report.n, p->node, p->op,
                     p->reason);
        rt__out_row(out, refused);
    } else if (code == RT_OK) {
        rt__out_row(out, cells);
    }
    rt__target_report_clear(&report);
    return code;
}

rt_code rt__inspect_print_targets(const char *path, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"target", "runs", "why_not"};
    rt_label_options source;
    rt_target_subject subject;
    rt_code code;
    size_t n;
    const rt_target *targets = rt__targets(&n);
    rt_label_defaults(&source);
    source.graph = path;
    code = rt__target_subject_open(&source, &subject, NULL);
    if (code == RT_OK && subject.job.module) {
        rt__out_table(out, "runs_on", columns, 3);
        for (size_t i = 0; code == RT_OK && i < n; i++)
            code = print_target(&subject, &targets[i], out, err);
        rt__out_table_end(out);
    } else {
        code = code == RT_ENOMEM ? rt_fail(err, code, "out of memory") : RT_OK;
    }
    rt__target_subject_clear(&subject);
    return code;
}
