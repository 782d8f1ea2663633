#include "commands.h"

#include <stdio.h>
#include <string.h>

static int run(const void *arguments, char **operands, size_t n_operands)
{
    size_t n;
    const rt_command *const *commands = rt__commands(&n);
    rt_buffer text = {0};
    rt_error err;
    int status = RT_DONE;
    (void)arguments;
    if (n_operands != 1 || strcmp(operands[0], "bash") != 0) {
        rt_fail(&err, RT_EARG, "name the shell: retrain completion bash");
        return rt__complain(&err);
    }
    rt__options_completion(commands, n, &text);
    if (rt__buffer_ok(&text, &err) != RT_OK)
        status = rt__complain(&err);
    else
        fwrite(text.bytes, 1, text.size, stdout);
    rt__buffer_clear(&text);
    return status;
}

const rt_command rt__cmd_completion = {
    .name = "completion",
    .summary = "Print a script that completes commands and flags in a shell.",
    .usage = "bash",
    .takes_operands = true,
    .run = run,
};
