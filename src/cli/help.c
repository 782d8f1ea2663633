#include "options.h"

#include <inttypes.h>
#include <string.h>

enum { COLUMNS = 80, INDENT = 8 };

/* Words of text, wrapped, each line indented; column is where the text goes on. */
static void add_wrapped(rt_buffer *out, const char *text, size_t *column)
{
    while (*text) {
        size_t length = strcspn(text, " ");
        if (*column == 0 || *column + 1 + length > COLUMNS) {
            rt__buffer_format(out, "%s%*s", *column ? "\n" : "", INDENT, "");
            *column = INDENT;
        } else {
            rt__buffer_text(out, " ");
            ++*column;
        }
        rt__buffer_add(out, text, length);
        *column += length;
        text += length + strspn(text + length, " ");
    }
}

static void add_choice(rt_buffer *out, const char *words, int number)
{
    for (; number > 0 && strchr(words, '|'); number--)
        words = strchr(words, '|') + 1;
    rt__buffer_add(out, words, strcspn(words, "|"));
}

/* The value a field holds, in words; nothing when there is none to speak of. */
static void add_default(rt_buffer *out, const rt_option *option, const char *arguments)
{
    const void *field = arguments + option->offset;
    const char *text;
    int32_t whole;
    uint64_t seed;
    float real;
    int number;
    switch (option->kind) {
    case RT_OPTION_TEXT:
        memcpy(&text, field, sizeof text);
        rt__buffer_text(out, text ? text : option->absent ? option->absent : "");
        break;
    case RT_OPTION_INT:
    case RT_OPTION_SIZE:
        memcpy(&whole, field, sizeof whole);
        if (whole == 0 && option->absent)
            rt__buffer_text(out, option->absent);
        else
            rt__buffer_format(out, "%" PRId32, whole);
        break;
    case RT_OPTION_SEED:
        memcpy(&seed, field, sizeof seed);
        rt__buffer_format(out, "%" PRIu64, seed);
        break;
    case RT_OPTION_REAL:
        memcpy(&real, field, sizeof real);
        if (real == 0 && option->absent)
            rt__buffer_text(out, option->absent);
        else
            rt__buffer_format(out, "%g", (double)real);
        break;
    case RT_OPTION_CHOICE:
        memcpy(&number, field, sizeof number);
        add_choice(out, option->value, number);
        break;
    case RT_OPTION_SWITCH:
    case RT_OPTION_HELP:
    case RT_OPTION_VERSION:
        break;
    }
}

static void add_option(rt_buffer *out, const rt_option *option, const char *arguments)
{
    rt_buffer value = {0};
    size_t column = 0;
    rt__buffer_format(out, "  --%s%s%s\n", option->name, option->value ? " " : "",
                      option->value ? option->value : "");
    add_wrapped(out, option->help, &column);
    add_default(&value, option, arguments);
    if (value.size) {
        add_wrapped(out, "(default:", &column);
        rt__buffer_text(&value, ")");
        add_wrapped(out, value.failed ? "" : value.bytes, &column);
    }
    rt__buffer_text(out, "\n");
    rt__buffer_clear(&value);
}

static void add_options(rt_buffer *out, const rt_option *options, size_t n, const char *arguments)
{
    for (size_t i = 0; i < n; i++) {
        if (options[i].group)
            rt__buffer_format(out, "\n%s:\n", options[i].group);
        add_option(out, &options[i], arguments);
    }
}

static void add_usage(rt_buffer *out, const rt_command *command)
{
    const char *line = command->usage, *lead = "Usage: ";
    while (*line) {
        size_t length = strcspn(line, "\n");
        rt__buffer_format(out, "%sretrain%s%s %.*s\n", lead, *command->name ? " " : "", command->name,
                          (int)length, line);
        lead = "       ";
        line += length + (line[length] == '\n');
    }
}

void rt__options_help(const rt_command *command, const rt_command *const *commands, size_t n_commands,
                      const void *arguments, rt_buffer *text)
{
    add_usage(text, command);
    rt__buffer_format(text, "\n%s\n", command->summary);
    if (!*command->name) {
        rt__buffer_text(text, "\nCommands:\n");
        for (size_t i = 0; i < n_commands; i++)
            if (*commands[i]->name)
                rt__buffer_format(text, "  retrain %-12s %s\n", commands[i]->name, commands[i]->summary);
    }
    add_options(text, command->options, command->n_options, arguments);
    add_options(text, rt__common_options, rt__n_common_options, arguments);
    rt__buffer_text(text, "\nFlags are written --flag value or --flag=value; '-' may stand for '_'.\n"
                          "See retrain(1).\n");
}
