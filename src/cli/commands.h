/* The commands of the program. */
#ifndef RT_CLI_COMMANDS_H
#define RT_CLI_COMMANDS_H

#include "options.h"

enum { RT_DONE = 0, RT_FAILED = 1, RT_USAGE = 2, RT_WOULD_NOT_RUN = 3 }; /* exit status */

extern const rt_command rt__cmd_retrain, rt__cmd_label, rt__cmd_eval, rt__cmd_export, rt__cmd_check_target,
    rt__cmd_cache, rt__cmd_module, rt__cmd_inspect, rt__cmd_completion;

/* All of them; the one named "" first. */
const rt_command *const *rt__commands(size_t *n);

/* Prints "retrain: ..." on standard error.  Returns RT_USAGE for RT_EARG, RT_FAILED for all else. */
int rt__complain(const rt_error *err);

#endif
