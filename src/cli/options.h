/* The option table: each command has one, and parsing, --help, completion and the check of the man page all
 * read it.  Where an option goes and what it is when absent stands in the command's arguments struct. */
#ifndef RT_CLI_OPTIONS_H
#define RT_CLI_OPTIONS_H

#include "base/buffer.h"
#include "retrain/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum rt_option_kind {
    RT_OPTION_TEXT,   /* const char *, borrowed from argv; NULL when absent                              */
    RT_OPTION_SWITCH, /* bool: --name, --noname, --name=true, --name=false as absl has them              */
    RT_OPTION_INT,    /* int32_t within low .. high                                                      */
    RT_OPTION_SEED,   /* uint64_t                                                                        */
    RT_OPTION_REAL,   /* float within low .. high                                                        */
    RT_OPTION_CHOICE, /* an enum: the number of the word in value, which lists them as "one|two|three"   */
    RT_OPTION_SIZE,   /* two int32_t, height and width, each within low .. high: "HxW", or "N" for both  */
    RT_OPTION_HELP,
    RT_OPTION_VERSION
} rt_option_kind;
enum { RT_N_OPTION_KINDS = RT_OPTION_VERSION + 1 };

typedef struct rt_option {
    const char *name;  /* without dashes; words joined by '_', which the user may spell '-' */
    const char *group; /* headline in --help above the first option of a group; NULL for the others */
    rt_option_kind kind;
    const char *value; /* what stands behind the name in --help; NULL for a switch */
    double low, high;
    size_t offset;      /* into the command's arguments */
    const char *absent; /* what an absent value means in words; NULL: show the value itself */
    const char *help;
} rt_option;

typedef struct rt_command {
    const char *name;    /* "": the program itself */
    const char *summary; /* one line */
    const char *usage;   /* behind the name, a line each */
    const rt_option *options;
    size_t n_options;
    size_t arguments_size;
    void (*defaults)(void *arguments); /* arguments are zeroed before */
    bool takes_operands;
    /* Exit status. */
    int (*run)(const void *arguments, char **operands, size_t n_operands);
} rt_command;

typedef enum rt_wish { RT_WISH_RUN, RT_WISH_HELP, RT_WISH_VERSION } rt_wish;

/* The options every command has: --help, --version. */
extern const rt_option rt__common_options[];
extern const size_t rt__n_common_options;

/* Reads argv[0 .. argc-1] (without program and command name) into arguments, which hold the defaults.  What
 * is no option is moved to the front of argv and counted in *n_operands.  Stops at --help and --version.
 *   RT_EARG  names the option, and the nearest known one where it is unknown */
rt_code rt__options_parse(const rt_command *command, int argc, char **argv, void *arguments,
                          size_t *n_operands, rt_wish *wish, rt_error *err);

/* What --help prints; arguments hold the defaults. */
void rt__options_help(const rt_command *command, const rt_command *const *commands, size_t n_commands,
                      const void *arguments, rt_buffer *text);

/* A bash script that completes commands, options and choices. */
void rt__options_completion(const rt_command *const *commands, size_t n_commands, rt_buffer *text);

/* The index of the word most like word, or n when none comes near. */
size_t rt__nearest_word(const char *word, const char *const *words, size_t n);

#endif
