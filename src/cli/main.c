#include "commands.h"
#include "retrain/pipeline.h"
#include "version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A first word that is no flag names a command. */
static rt_code find_command(int argc, char **argv, const rt_command **command, rt_error *err)
{
    size_t n, nearest;
    const rt_command *const *commands = rt__commands(&n);
    const char *names[16];
    bool named = argc > 0 && argv[0][0] != '-';
    for (size_t i = 0; i < n; i++) {
        names[i] = commands[i]->name;
        if (strcmp(names[i], named ? argv[0] : "") == 0) {
            *command = commands[i];
            return RT_OK;
        }
    }
    nearest = rt__nearest_word(argv[0], names, n);
    if (nearest < n)
        return rt_fail(err, RT_EARG, "unknown command '%.80s'; did you mean '%s'?", argv[0], names[nearest]);
    return rt_fail(err, RT_EARG, "unknown command '%.80s'; 'retrain --help' lists all", argv[0]);
}

static int print_help(const rt_command *command, const void *arguments)
{
    size_t n;
    const rt_command *const *commands = rt__commands(&n);
    rt_buffer text = {0};
    rt_error err;
    int status = RT_DONE;
    rt__options_help(command, commands, n, arguments, &text);
    if (rt__buffer_ok(&text, &err) != RT_OK)
        status = rt__complain(&err);
    else
        fwrite(text.bytes, 1, text.size, stdout);
    rt__buffer_clear(&text);
    return status;
}

static int run(const rt_command *command, int argc, char **argv)
{
    void *arguments = calloc(1, command->arguments_size ? command->arguments_size : 1);
    size_t n_operands = 0;
    rt_wish wish = RT_WISH_RUN;
    rt_error err;
    int status;
    if (!arguments) {
        rt_fail(&err, RT_ENOMEM, "out of memory");
        return rt__complain(&err);
    }
    if (command->defaults)
        command->defaults(arguments);
    if (rt__options_parse(command, argc, argv, arguments, &n_operands, &wish, &err) != RT_OK)
        status = rt_retrain_speaks() ? rt__complain(&err) : RT_USAGE;
    else if (wish == RT_WISH_HELP)
        status = print_help(command, arguments);
    else if (wish == RT_WISH_VERSION)
        status = printf("retrain %s\n", RT_VERSION) < 0 ? RT_FAILED : RT_DONE;
    else
        status = command->run(arguments, argv, n_operands);
    free(arguments);
    return status;
}

int main(int argc, char **argv)
{
    const rt_command *command = NULL;
    rt_error err;
    int status;
    if (find_command(argc - 1, argv + 1, &command, &err) != RT_OK)
        return rt__complain(&err);
    if (*command->name)
        status = run(command, argc - 2, argv + 2);
    else
        status = run(command, argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        rt_fail_errno(&err, errno, "cannot write standard output");
        return rt__complain(&err);
    }
    return status;
}
