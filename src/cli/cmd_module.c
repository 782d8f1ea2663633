#include "commands.h"
#include "retrain/create.h"
#include "terminal.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#define MODULE(field) offsetof(rt_create_options, module.field)

static const rt_option options[] = {
    {"bottleneck_tensor", "Network", RT_OPTION_TEXT, "NAME[,NAME...]", 0, 0, MODULE(bottleneck_tensor),
     "the module's own, or what the graph's last layer reads",
     "Tensor that becomes the feature vector, such as a/b:0; the vectors of several, as in a/b,c/d, are put "
     "together."},
    {"input_tensor", NULL, RT_OPTION_TEXT, "NAME", 0, 0, MODULE(input_tensor), "the only image placeholder",
     "Tensor that takes the pixels."},
    {"input_size", NULL, RT_OPTION_SIZE, "HxW", 1, 16384, MODULE(input_height), "from the network",
     "Pixels that the network takes: 224, or height x width as in 192x256."},
    {"input_mean", NULL, RT_OPTION_REAL, "X", -FLT_MAX, FLT_MAX, MODULE(input_mean),
     "0 for a module, 127.5 for a graph", "The network gets (pixel - mean) / std of pixels from 0 to 255."},
    {"input_std", NULL, RT_OPTION_REAL, "X", 1e-6, FLT_MAX, MODULE(input_std),
     "255 for a module, 127.5 for a graph", "See --input_mean."},
};

static rt_code take_operands(const rt_create_options *said, char **operands, size_t n_operands,
                             rt_create_options *o, rt_error *err)
{
    *o = *said;
    if (n_operands > 0 && strcmp(operands[0], "create") != 0)
        return rt_fail(err, RT_EARG, "'%s' is nothing to do with a module; there is: create", operands[0]);
    if (n_operands != 3)
        return rt_fail(err, RT_EARG,
                       "name a network and the module to write: retrain module create SOURCE "
                       "DEST");
    o->source = operands[1];
    o->output = operands[2];
    return RT_OK;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    rt_terminal terminal = rt__terminal(RT_INFO);
    rt_create_options o;
    rt_error err;
    rt_code code = take_operands(arguments, operands, n_operands, &o, &err);
    o.log = rt__terminal_log(&terminal);
    if (code == RT_OK)
        code = rt_module_create(&o, &err);
    return code == RT_OK ? RT_DONE : rt__complain(&err);
}

const rt_command rt__cmd_module = {
    .name = "module",
    .summary = "Make a TF1 Hub module of a detector, SavedModel, checkpoint or frozen graph.",
    .usage = "create [flags] SOURCE DEST",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(rt_create_options),
    .takes_operands = true,
    .run = run,
};
