/* The option tables, --help and the manual page name the same options. */
#include "base/file.h"
#include "cli/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

static char *read_manual(void)
{
    char path[4096];
    rt_buffer text = {0};
    rt_error err;
    snprintf(path, sizeof path, "%s/doc/retrain.1", getenv("RETRAIN_SOURCE"));
    assert_int_equal(rt__file_read(&text, path, 1 << 20, NULL, &err), RT_OK);
    rt__buffer_text(&text, "\n");
    assert_int_equal(rt__buffer_ok(&text, &err), RT_OK);
    return text.bytes;
}

/* The section on a command: from its .Ss line to the next. */
static char *section(const char *manual, const rt_command *command)
{
    char head[64];
    const char *start, *end, *chapter;
    snprintf(head, sizeof head, "\n.Ss retrain%s%s\n", *command->name ? " " : "", command->name);
    start = strstr(manual, head);
    if (!start)
        fail_msg("no section '%s' in the manual", head);
    start++;
    end = strstr(start, "\n.Ss");
    chapter = strstr(start, "\n.Sh");
    if (!end || (chapter && chapter < end))
        end = chapter;
    return strndup(start, end ? (size_t)(end - start) + 1 : strlen(start));
}

static const rt_option *option_at(const rt_command *command, size_t i)
{
    return i < command->n_options ? &command->options[i] : &rt__common_options[i - command->n_options];
}

static bool is_option(const rt_command *command, const char *name, size_t length)
{
    for (size_t i = 0; i < command->n_options + rt__n_common_options; i++)
        if (strlen(option_at(command, i)->name) == length &&
            memcmp(option_at(command, i)->name, name, length) == 0)
            return true;
    return false;
}

/* "Fl -name" on an .It line of the section. */
static bool documents(const char *text, const char *name)
{
    char wanted[80];
    size_t length = (size_t)snprintf(wanted, sizeof wanted, " -%s", name);
    for (const char *line = strstr(text, "\n.It Fl "); line; line = strstr(line + 1, "\n.It Fl ")) {
        const char *end = strchr(line + 1, '\n');
        const char *at = strstr(line, wanted);
        if (at && at < end && strchr(" \n", at[length]))
            return true;
    }
    return false;
}

static void every_option_is_in_the_manual(void **state)
{
    size_t n;
    const rt_command *const *commands = rt__commands(&n);
    char *manual = read_manual();
    (void)state;
    for (size_t c = 0; c < n; c++) {
        char *text = section(manual, commands[c]);
        for (size_t i = 0; i < commands[c]->n_options + rt__n_common_options; i++)
            if (!documents(text, option_at(commands[c], i)->name))
                fail_msg("'%s': --%s is not in the manual", commands[c]->name,
                         option_at(commands[c], i)->name);
        free(text);
    }
    free(manual);
}

static void every_option_of_the_manual_exists(void **state)
{
    size_t n;
    const rt_command *const *commands = rt__commands(&n);
    char *manual = read_manual();
    (void)state;
    for (size_t c = 0; c < n; c++) {
        char *text = section(manual, commands[c]);
        for (const char *line = strstr(text, "\n.It Fl -"); line; line = strstr(line + 1, "\n.It Fl -")) {
            const char *name = line + strlen("\n.It Fl -");
            size_t length = strcspn(name, " \n");
            if (!is_option(commands[c], name, length))
                fail_msg("'%s': the manual has --%.*s", commands[c]->name, (int)length, name);
        }
        free(text);
    }
    free(manual);
}

static void every_option_is_in_the_help_and_the_completion(void **state)
{
    size_t n;
    const rt_command *const *commands = rt__commands(&n);
    rt_buffer script = {0};
    (void)state;
    rt__options_completion(commands, n, &script);
    for (size_t c = 0; c < n; c++) {
        void *arguments = calloc(1, commands[c]->arguments_size + 1);
        rt_buffer help = {0};
        if (commands[c]->defaults)
            commands[c]->defaults(arguments);
        rt__options_help(commands[c], commands, n, arguments, &help);
        for (size_t i = 0; i < commands[c]->n_options + rt__n_common_options; i++) {
            char wanted[80];
            snprintf(wanted, sizeof wanted, "  --%s", option_at(commands[c], i)->name);
            assert_non_null(strstr(help.bytes, wanted));
            assert_non_null(strstr(script.bytes, wanted + 2));
        }
        rt__buffer_clear(&help);
        free(arguments);
    }
    rt__buffer_clear(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_is_in_the_manual),
        cmocka_unit_test(every_option_of_the_manual_exists),
        cmocka_unit_test(every_option_is_in_the_help_and_the_completion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
