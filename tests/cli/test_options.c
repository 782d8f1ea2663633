/* How command lines are read, and what is shown while a run goes on. */
#include "cli/commands.h"
#include "cli/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

typedef struct values {
    const char *text;
    bool flag;
    int32_t whole;
    uint64_t seed;
    float real;
    int choice;
    int32_t size[2];
} values;

#define AT(field) offsetof(values, field)
static const rt_option options[] = {
    {"some_text", "Group", RT_OPTION_TEXT, "TEXT", 0, 0, AT(text), NULL, "Text."},
    {"flag", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(flag), NULL, "Flag."},
    {"whole", NULL, RT_OPTION_INT, "N", -5, 10, AT(whole), NULL, "Whole."},
    {"seed", NULL, RT_OPTION_SEED, "N", 0, 0, AT(seed), NULL, "Seed."},
    {"real", NULL, RT_OPTION_REAL, "X", 0, 2, AT(real), NULL, "Real."},
    {"choice", NULL, RT_OPTION_CHOICE, "one|two|three", 0, 0, AT(choice), NULL, "Choice."},
    {"size", NULL, RT_OPTION_SIZE, "HxW", 1, 100, AT(size), NULL, "Size."},
};
static const rt_command command = {.name = "test",
                                   .options = options,
                                   .n_options = sizeof options / sizeof *options,
                                   .takes_operands = true};

/* Words end with NULL. */
static rt_code parse(char **words, values *v, size_t *n_operands, rt_wish *wish, rt_error *err)
{
    int n = 0;
    while (words[n])
        n++;
    *v = (values){.whole = 7};
    return rt__options_parse(&command, n, words, v, n_operands, wish, err);
}

static void every_spelling_of_a_flag_is_read(void **state)
{
    char *words[] = {
        "--some-text", "a=b",  "photo",          "--flag", "--whole=-5", "--seed", "18446744073709551615",
        "-real",       "1e-1", "--choice=THREE", "--size", "10x20",      "--",     "--whole",
        NULL};
    values v;
    size_t n_operands;
    rt_wish wish;
    rt_error err;
    (void)state;
    assert_int_equal(parse(words, &v, &n_operands, &wish, &err), RT_OK);
    assert_int_equal(wish, RT_WISH_RUN);
    assert_string_equal(v.text, "a=b");
    assert_true(v.flag);
    assert_int_equal(v.whole, -5);
    assert_true(v.seed == UINT64_MAX);
    assert_true(v.real == 0.1F);
    assert_int_equal(v.choice, 2);
    assert_int_equal(v.size[0], 10);
    assert_int_equal(v.size[1], 20);
    assert_int_equal(n_operands, 2);
    assert_string_equal(words[0], "photo");
    assert_string_equal(words[1], "--whole");
}

static void switches_follow_absl(void **state)
{
    static const struct {
        char *word;
        bool value;
    } cases[] = {{"--flag", true},   {"--noflag", false}, {"--flag=true", true}, {"--flag=False", false},
                 {"--flag=1", true}, {"--flag=0", false}, {"--flag=yes", true},  {"--flag=no", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *words[] = {cases[i].value ? "--noflag" : "--flag", cases[i].word, NULL};
        values v;
        size_t n_operands;
        rt_wish wish;
        rt_error err;
        assert_int_equal(parse(words, &v, &n_operands, &wish, &err), RT_OK);
        assert_int_equal(v.flag, cases[i].value);
    }
}

static void what_is_no_value_is_refused_by_name(void **state)
{
    static char *const bad[] = {"--whole=",
                                "--whole=11",
                                "--whole=1e3",
                                "--whole=9999999999999999999999",
                                "--whole=0x1",
                                "--seed=-1",
                                "--seed=18446744073709551616",
                                "--real=2.1",
                                "--real=inf",
                                "--real=1,5",
                                "--real=0x1p1",
                                "--choice=",
                                "--choice=on",
                                "--choice=one|two",
                                "--size=101",
                                "--size=10x",
                                "--size=-1",
                                "--size=10x20x3",
                                "--flag=perhaps",
                                "--noflag=1",
                                "--nowhole",
                                "--whole"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *words[] = {bad[i], NULL}, name[16];
        values v;
        size_t n_operands;
        rt_wish wish;
        rt_error err;
        size_t length = strcspn(bad[i], "=");
        memcpy(name, bad[i], length);
        name[length] = 0;
        if (parse(words, &v, &n_operands, &wish, &err) != RT_EARG)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(err.cause, name));
        assert_int_equal(v.whole, 7);
    }
}

static void slips_find_the_nearest_name(void **state)
{
    static const char *const words[] = {"image_dir", "image", "input_size", "how_many_training_steps",
                                        "seed"};
    static const struct {
        const char *slip;
        size_t nearest;
    } cases[] = {{"image_dri", 0},
                 {"imagedir", 0},
                 {"how_many_training_step", 3},
                 {"how_many", 3},
                 {"training_steps", 5},
                 {"sed", 4},
                 {"zzz", 5},
                 {"", 5},
                 {"input_sze", 2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(rt__nearest_word(cases[i].slip, words, 5), cases[i].nearest);
}

static void progress_says_rate_and_time_left(void **state)
{
    char text[160];
    (void)state;
    assert_string_equal(rt__progress_text("bottlenecks", 250, 1000, 0.5, text, sizeof text),
                        "bottlenecks: 250 of 1000 (25%), 500/s, 1.5 s left");
    assert_string_equal(rt__progress_text("bottlenecks", 10, 1000, 10, text, sizeof text),
                        "bottlenecks: 10 of 1000 (1%), 1.0/s, 16 min 30 s left");
    assert_string_equal(rt__progress_text("training", 10, 100000, 2, text, sizeof text),
                        "training: 10 of 100000 (0%), 5.0/s, 5.6 h left");
    assert_string_equal(rt__progress_text("downloading", 12500000, 50000000, 2, text, sizeof text),
                        "downloading: 12.5 of 50.0 MB (25%), 6.2 MB/s, 6.0 s left");
    assert_string_equal(rt__progress_text("photos", 7, 0, 1, text, sizeof text), "photos: 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_a_flag_is_read),    cmocka_unit_test(switches_follow_absl),
        cmocka_unit_test(what_is_no_value_is_refused_by_name), cmocka_unit_test(slips_find_the_nearest_name),
        cmocka_unit_test(progress_says_rate_and_time_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
