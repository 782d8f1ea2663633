#include "options.h"

/* "'--a --b' ..." of one command, for its case in the script. */
static void add_names(rt_buffer *out, const rt_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rt__buffer_format(out, " --%s", options[i].name);
}

static void add_choices(rt_buffer *out, const rt_option *option)
{
    rt__buffer_format(out, "        --%s) COMPREPLY=($(compgen -W '", option->name);
    for (const char *c = option->value; *c; c++)
        rt__buffer_format(out, "%c", *c == '|' ? ' ' : *c);
    rt__buffer_text(out, "' -- \"$word\")); return ;;\n");
}

static void add_command(rt_buffer *out, const rt_command *command)
{
    rt__buffer_format(out, "    %s)\n        case \"$before\" in\n", *command->name ? command->name : "*");
    for (size_t i = 0; i < command->n_options; i++)
        if (command->options[i].kind == RT_OPTION_CHOICE)
            add_choices(out, &command->options[i]);
    rt__buffer_text(out, "        esac\n        names='");
    add_names(out, command->options, command->n_options);
    add_names(out, rt__common_options, rt__n_common_options);
    rt__buffer_text(out, "' ;;\n");
}

void rt__options_completion(const rt_command *const *commands, size_t n_commands, rt_buffer *text)
{
    rt__buffer_text(text,
                    "_retrain()\n{\n"
                    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} names\n"
                    "    case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; i < n_commands; i++)
        if (*commands[i]->name)
            add_command(text, commands[i]);
    for (size_t i = 0; i < n_commands; i++)
        if (!*commands[i]->name)
            add_command(text, commands[i]);
    rt__buffer_text(text, "    esac\n"
                          "    if [[ $word == -* ]]; then\n"
                          "        COMPREPLY=($(compgen -W \"$names\" -- \"$word\"))\n"
                          "    elif [[ $COMP_CWORD == 1 ]]; then\n"
                          "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < n_commands; i++)
        if (*commands[i]->name)
            rt__buffer_format(text, "%s ", commands[i]->name);
    rt__buffer_text(text, "' -- \"$word\"))\n"
                          "    fi\n"
                          "}\n"
                          "complete -o default -F _retrain retrain\n");
}
