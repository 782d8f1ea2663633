#include "commands.h"
#include "retrain/inspect.h"

#include <stdio.h>
#include <stdlib.h>

#define AT(field) offsetof(rt_inspect_options, field)

static const rt_option options[] = {
    {"tensor", "What", RT_OPTION_TEXT, "NAME", 0, 0, AT(tensor), "a summary",
     "The values of a variable or constant: the first twenty and the last."},
    {"output", NULL, RT_OPTION_TEXT, "FILE", 0, 0, AT(output), "none",
     "All values of --tensor into a .npy file, for numpy."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(json), NULL, "One JSON object instead of lines."},
};

static int run(const void *arguments, char **operands, size_t n_operands)
{
    rt_inspect_options o = *(const rt_inspect_options *)arguments;
    char *text = NULL;
    rt_error err;
    rt_code code = RT_OK;
    if (n_operands == 1)
        o.path = operands[0];
    else
        code = rt_fail(&err, RT_EARG, "name one file or folder: retrain inspect /tmp/output_graph.pb");
    if (code == RT_OK)
        code = rt_inspect(&o, &text, &err);
    if (code == RT_OK)
        fputs(text, stdout);
    free(text);
    return code == RT_OK ? RT_DONE : rt__complain(&err);
}

const rt_command rt__cmd_inspect = {
    .name = "inspect",
    .summary = "Show what is in a graph, SavedModel, module, checkpoint, bottleneck or event file.",
    .usage = "[flags] FILE|FOLDER",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(rt_inspect_options),
    .takes_operands = true,
    .run = run,
};
