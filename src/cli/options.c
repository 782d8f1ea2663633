#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts longer than this are cut in messages. */
#define SHOWN "%.80s"

const rt_option rt__common_options[] = {
    {"help", "Help", RT_OPTION_HELP, NULL, 0, 0, 0, NULL, "Print this text and do nothing else."},
    {"version", NULL, RT_OPTION_VERSION, NULL, 0, 0, 0, NULL, "Print the version and do nothing else."},
};
const size_t rt__n_common_options = sizeof rt__common_options / sizeof *rt__common_options;

/* Whether the first length bytes of given spell name, '-' counting as '_'. */
static bool is_name(const char *given, size_t length, const char *name)
{
    for (size_t i = 0; i < length; i++)
        if ((given[i] == '-' ? '_' : given[i]) != name[i])
            return false;
    return name[length] == 0;
}

static const rt_option *find_in(const rt_option *options, size_t n, const char *given, size_t length)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(options[i].name) >= length && is_name(given, length, options[i].name))
            return &options[i];
    return NULL;
}

static const rt_option *find(const rt_command *command, const char *given, size_t length)
{
    const rt_option *option = find_in(command->options, command->n_options, given, length);
    return option ? option : find_in(rt__common_options, rt__n_common_options, given, length);
}

static rt_code unknown(const rt_command *command, const char *given, size_t length, rt_error *err)
{
    size_t n = command->n_options + rt__n_common_options, nearest = n;
    const char **names = malloc(n * sizeof *names);
    char word[64];
    rt_code code;
    if (!names)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        names[i] = i < command->n_options ? command->options[i].name
                                          : rt__common_options[i - command->n_options].name;
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), given);
    for (char *c = word; *c; c++)
        *c = (char)(*c == '-' ? '_' : *c);
    nearest = rt__nearest_word(word, names, n);
    if (nearest < n)
        code = rt_fail(err, RT_EARG, "unknown flag --%s; did you mean --%s?", word, names[nearest]);
    else
        code = rt_fail(err, RT_EARG, "unknown flag --%s; 'retrain%s%s --help' lists all", word,
                       *command->name ? " " : "", command->name);
    free(names);
    return code;
}

/* ---- one value: text -> field ---- */

static rt_code wrong(const rt_option *option, const char *text, const char *what, rt_error *err)
{
    return rt_fail(err, RT_EARG, "--%s: '" SHOWN "' is not %s", option->name, text, what);
}

static rt_code outside(const rt_option *option, const char *text, double value, rt_error *err)
{
    if (value < option->low)
        return rt_fail(err, RT_EARG, "--%s: " SHOWN " is too small, the least is %.9g", option->name, text,
                       option->low);
    return rt_fail(err, RT_EARG, "--%s: " SHOWN " is too large, the most is %.10g", option->name, text,
                   option->high);
}

static bool digits_only(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static rt_code read_text(const rt_option *option, const char *text, void *field, rt_error *err)
{
    (void)option;
    (void)err;
    memcpy(field, &text, sizeof text);
    return RT_OK;
}

static rt_code read_switch(const rt_option *option, const char *text, void *field, rt_error *err)
{
    static const char *const yes[] = {"true", "t", "1", "yes", "y"};
    static const char *const no[] = {"false", "f", "0", "no", "n"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *(bool *)field = strcasecmp(text, yes[i]) == 0;
            return RT_OK;
        }
    return wrong(option, text, "true or false", err);
}

static rt_code read_int(const rt_option *option, const char *text, void *field, rt_error *err)
{
    bool sign = *text == '-' || *text == '+';
    long long value;
    int32_t kept;
    if (!digits_only(text + sign))
        return wrong(option, text, "a whole number", err);
    value = strtoll(text, NULL, 10); /* saturates, which is out of range too */
    if ((double)value < option->low || (double)value > option->high)
        return outside(option, text, (double)value, err);
    kept = (int32_t)value;
    memcpy(field, &kept, sizeof kept);
    return RT_OK;
}

static rt_code read_seed(const rt_option *option, const char *text, void *field, rt_error *err)
{
    unsigned long long value;
    uint64_t kept;
    errno = 0;
    value = digits_only(text) ? strtoull(text, NULL, 10) : 0;
    if (!digits_only(text) || errno)
        return wrong(option, text, "a whole number from 0 to 18446744073709551615", err);
    kept = value;
    memcpy(field, &kept, sizeof kept);
    return RT_OK;
}

static rt_code read_real(const rt_option *option, const char *text, void *field, rt_error *err)
{
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end || text[strspn(text, "0123456789+-.eE")] || !isfinite(value))
        return wrong(option, text, "a number", err);
    if ((double)value < option->low || (double)value > option->high)
        return outside(option, text, (double)value, err);
    memcpy(field, &value, sizeof value);
    return RT_OK;
}

static rt_code read_choice(const rt_option *option, const char *text, void *field, rt_error *err)
{
    size_t length = strlen(text);
    int number = 0;
    for (const char *word = option->value; word; number++) {
        const char *bar = strchr(word, '|');
        size_t word_length = bar ? (size_t)(bar - word) : strlen(word);
        if (length == word_length && strncasecmp(word, text, length) == 0) {
            memcpy(field, &number, sizeof number);
            return RT_OK;
        }
        word = bar ? bar + 1 : NULL;
    }
    return rt_fail(err, RT_EARG, "--%s: '" SHOWN "' is none of %s", option->name, text, option->value);
}

static rt_code read_size(const rt_option *option, const char *text, void *field, rt_error *err)
{
    char *end;
    long height = strtol(text, &end, 10), width = height;
    int32_t kept[2];
    if (end > text && (*end == 'x' || *end == 'X') && digits_only(end + 1))
        width = strtol(end + 1, &end, 10);
    if (end == text || *end || text[strspn(text, "0123456789xX")])
        return wrong(option, text, "a size such as 224 or 192x256 (height x width)", err);
    for (int i = 0; i < 2; i++) {
        double side = (double)(i ? width : height);
        if (side < option->low || side > option->high)
            return outside(option, text, side, err);
    }
    kept[0] = (int32_t)height;
    kept[1] = (int32_t)width;
    memcpy(field, kept, sizeof kept);
    return RT_OK;
}

typedef rt_code read_value(const rt_option *option, const char *text, void *field, rt_error *err);

static read_value *const readers[RT_N_OPTION_KINDS] = {
    [RT_OPTION_TEXT] = read_text, [RT_OPTION_SWITCH] = read_switch, [RT_OPTION_INT] = read_int,
    [RT_OPTION_SEED] = read_seed, [RT_OPTION_REAL] = read_real,     [RT_OPTION_CHOICE] = read_choice,
    [RT_OPTION_SIZE] = read_size,
};

/* ---- the command line ---- */

typedef struct parser {
    const rt_command *command;
    int argc, next; /* argv[next] is read next */
    char **argv;
    char *arguments;
    rt_wish wish;
} parser;

static rt_code read_option(parser *p, const char *given, rt_error *err)
{
    size_t length = strcspn(given, "=");
    const char *value = given[length] == '=' ? given + length + 1 : NULL;
    const rt_option *option = find(p->command, given, length);
    if (!option && !value && strncmp(given, "no", 2) == 0) {
        option = find(p->command, given + 2, length - 2);
        if (option && option->kind == RT_OPTION_SWITCH)
            return read_switch(option, "false", p->arguments + option->offset, err);
        option = NULL;
    }
    if (!option)
        return unknown(p->command, given, length, err);
    if (option->kind == RT_OPTION_HELP || option->kind == RT_OPTION_VERSION) {
        p->wish = option->kind == RT_OPTION_HELP ? RT_WISH_HELP : RT_WISH_VERSION;
        return RT_OK;
    }
    if (!value && option->kind == RT_OPTION_SWITCH)
        value = "true";
    if (!value && p->next < p->argc)
        value = p->argv[p->next++];
    if (!value)
        return rt_fail(err, RT_EARG, "--%s needs a value: --%s %s", option->name, option->name,
                       option->value);
    return readers[option->kind](option, value, p->arguments + option->offset, err);
}

rt_code rt__options_parse(const rt_command *command, int argc, char **argv, void *arguments,
                          size_t *n_operands, rt_wish *wish, rt_error *err)
{
    parser p = {command, argc, 0, argv, arguments, RT_WISH_RUN};
    bool only_operands = false;
    rt_code code = RT_OK;
    *n_operands = 0;
    while (code == RT_OK && p.wish == RT_WISH_RUN && p.next < argc) {
        char *word = argv[p.next++];
        if (only_operands || word[0] != '-' || word[1] == 0)
            argv[(*n_operands)++] = word;
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (strcmp(word, "-h") == 0)
            p.wish = RT_WISH_HELP;
        else
            code = read_option(&p, word + (word[1] == '-' ? 2 : 1), err);
    }
    *wish = p.wish;
    if (code == RT_OK && p.wish == RT_WISH_RUN && *n_operands && !command->takes_operands)
        code = rt_fail(err, RT_EARG, "'" SHOWN "' stands where a flag was expected", argv[0]);
    return code;
}
