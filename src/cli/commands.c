#include "commands.h"

#include <stdio.h>

static const rt_command *const commands[] = {&rt__cmd_retrain, &rt__cmd_label,        &rt__cmd_eval,
                                             &rt__cmd_export,  &rt__cmd_check_target, &rt__cmd_cache,
                                             &rt__cmd_module,  &rt__cmd_inspect,      &rt__cmd_completion};

const rt_command *const *rt__commands(size_t *n)
{
    *n = sizeof commands / sizeof *commands;
    return commands;
}

int rt__complain(const rt_error *err)
{
    char text[RT_ERROR_TEXT];
    fprintf(stderr, "retrain: %s\n", rt_error_text(err, text, sizeof text));
    return err->code == RT_EARG ? RT_USAGE : RT_FAILED;
}
