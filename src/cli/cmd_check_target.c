#include "classifier_options.h"
#include "commands.h"
#include "retrain/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check_arguments {
    rt_target_options check;
    bool list;
} check_arguments;

#define AT(field)     offsetof(check_arguments, field)
#define SOURCE(field) offsetof(check_arguments, check.source.field)

static const rt_option options[] = {
    {"list", "What", RT_OPTION_SWITCH, NULL, 0, 0, AT(list), NULL, "List the targets and do nothing else."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(check.json), NULL, "One JSON object instead of lines."},
    RT_CLASSIFIER_ROWS("Source", SOURCE),
};

static void defaults(void *arguments)
{
    check_arguments *a = arguments;
    rt_label_defaults(&a->check.source);
}

enum { MOST_TARGETS = 64 };

/* Known, or refused with the nearest name. */
static rt_code check_name(const char *name, rt_error *err)
{
    const char *names[MOST_TARGETS], *word;
    size_t n = 0, nearest;
    char all[400] = "";
    for (size_t i = 0; n < MOST_TARGETS && (word = rt_target_name(i)); i++) {
        if (strcmp(word, name) == 0)
            return RT_OK;
        names[n++] = word;
    }
    nearest = rt__nearest_word(name, names, n);
    for (size_t i = 0; i < n; i++)
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
    if (nearest < n)
        return rt_fail(err, RT_EARG, "no target '%.80s'; did you mean %s? Known are %s", name, names[nearest],
                       all);
    return rt_fail(err, RT_EARG, "no target '%.80s'; known are %s", name, all);
}

static rt_code check(const check_arguments *a, char **operands, size_t n_operands, char **text, bool *runs,
                     rt_error *err)
{
    rt_target_options o = a->check;
    rt_code code;
    if (a->list)
        return rt_target_list(o.json, text, err);
    if (n_operands != 2)
        return rt_fail(err, RT_EARG,
                       "name a target and a graph: retrain check-target tensorrt-5.1 /tmp/output_graph.pb; "
                       "--list shows the targets");
    if ((code = check_name(operands[0], err)) != RT_OK)
        return code;
    o.target = operands[0];
    o.source.graph = operands[1];
    return rt_target_check(&o, text, runs, err);
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    char *text = NULL;
    bool runs = true;
    rt_error err;
    rt_code code = check(arguments, operands, n_operands, &text, &runs, &err);
    if (code == RT_OK)
        fputs(text, stdout);
    free(text);
    if (code != RT_OK)
        return rt__complain(&err);
    return runs ? RT_DONE : RT_WOULD_NOT_RUN;
}

const rt_command rt__cmd_check_target = {
    .name = "check-target",
    .summary = "Say whether a classifier would run on another program, and which node not.",
    .usage = "[flags] TARGET GRAPH",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(check_arguments),
    .defaults = defaults,
    .takes_operands = true,
    .run = run,
};
