#include "base/buffer.h"
#include "commands.h"
#include "pipeline/json_text.h"
#include "retrain/bottlenecks.h"
#include "retrain/exchange.h"
#include "terminal.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct cache_arguments {
    rt_retrain_options run; /* where photos, network and cache are */
    rt_bottleneck_prune prune;
    bool repair, json;
    const char *folder; /* of text files; an operand */
} cache_arguments;

#define AT(field)  offsetof(cache_arguments, field)
#define RUN(field) offsetof(cache_arguments, run.field)

static const rt_option options[] = {
    {"bottleneck_dir", "Cache", RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(bottleneck_dir), NULL,
     "Folder of the packed cache."},
    {"json", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(json), NULL, "list: print JSON."},
    {"repair", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(repair), NULL,
     "verify: take out what is damaged, so that it is computed again."},
    {"module", "What prune removes: all of these must apply", RT_OPTION_TEXT, "NUMBER|NAME", 0, 0,
     AT(prune.module), "any", "Vectors of this network, as list names it."},
    {"older_than", NULL, RT_OPTION_INT, "DAYS", 1, 36500, AT(prune.older_than), "any age",
     "Vectors made longer ago."},
    {"gone", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(prune.gone), NULL,
     "Vectors of photos that are at none of the places where they were seen; a disk that is not mounted "
     "counts as gone."},
    {"dry_run", NULL, RT_OPTION_SWITCH, NULL, 0, 0, AT(prune.dry_run), NULL, "Only count them."},
    {"image_dir", "Text files: import and export", RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(image_dir),
     "must be given", "The photos, a folder for each class."},
    {"tfhub_module", NULL, RT_OPTION_TEXT, "MODULE", 0, 0, RUN(tfhub_module), NULL,
     "The network the vectors are of; its name is part of the names of text files."},
    {"bottleneck_tensor", NULL, RT_OPTION_TEXT, "NAME", 0, 0, RUN(module.bottleneck_tensor),
     "the module's own, or what the graph's last layer reads", "As for retrain."},
    {"input_tensor", NULL, RT_OPTION_TEXT, "NAME", 0, 0, RUN(module.input_tensor),
     "the only image placeholder", "As for retrain."},
    {"input_size", NULL, RT_OPTION_SIZE, "HxW", 1, 16384, RUN(module.input_height), "from the module",
     "As for retrain."},
    {"input_mean", NULL, RT_OPTION_REAL, "X", -FLT_MAX, FLT_MAX, RUN(module.input_mean),
     "0 for a module, 127.5 for a graph", "As for retrain."},
    {"input_std", NULL, RT_OPTION_REAL, "X", 1e-6, FLT_MAX, RUN(module.input_std),
     "255 for a module, 127.5 for a graph", "As for retrain."},
    {"tfhub_cache_dir", NULL, RT_OPTION_TEXT, "FOLDER", 0, 0, RUN(tfhub_cache_dir),
     "~/.cache/retrain/modules", "As for retrain."},
    {"labels", NULL, RT_OPTION_CHOICE, "utf8|legacy", 0, 0, RUN(labels), NULL, "As for retrain."},
    {"split", NULL, RT_OPTION_CHOICE, "stable|legacy", 0, 0, RUN(split), NULL,
     "As for retrain; legacy takes photos with retrain.py's endings only."},
    {"exact", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(extraction.exact), NULL, "As for retrain."},
    {"fast_decode", NULL, RT_OPTION_SWITCH, NULL, 0, 0, RUN(extraction.fast_decode), NULL, "As for retrain."},
    {"threads", NULL, RT_OPTION_INT, "N", 0, 1024, RUN(threads), "one for each core", "Threads."},
};

static void defaults(void *arguments)
{
    cache_arguments *a = arguments;
    rt_retrain_defaults(&a->run);
}

static double mega(uint64_t bytes)
{
    return (double)bytes / 1e6;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- list ---- */

static void day(int64_t seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm parts;
    if (!localtime_r(&t, &parts) || strftime(text, 32, "%Y-%m-%d", &parts) == 0)
        strcpy(text, "?");
}

static void print_list(const rt_bottleneck_list *l)
{
    printf("%s", l->path);
    if (l->n_parts > 1)
        printf(" and %zu more files", l->n_parts - 1);
    printf(": %" PRIu64 " vector%s of %zu network%s, %.1f MB; %" PRIu64
           " photo file%s known without reading\n",
           l->n_vectors, plural(l->n_vectors), l->n_modules, plural(l->n_modules), mega(l->file_bytes),
           l->n_files, plural(l->n_files));
    if (l->n_modules)
        printf("number  vectors       MB  features  last used   network\n");
    for (size_t i = 0; i < l->n_modules; i++) {
        const rt_bottleneck_module *m = &l->modules[i];
        char used[32];
        day(m->used, used);
        printf("%6u  %7" PRIu64 "  %7.1f  %8u  %-10s  %s\n", m->number, m->n_vectors,
               mega(m->n_vectors * m->feature_size * sizeof(float)), m->feature_size, used, m->name);
    }
}

static rt_code print_json(const rt_bottleneck_list *l, rt_error *err)
{
    rt_buffer out = {0};
    rt_code code;
    rt__buffer_text(&out, "{\n  \"path\": ");
    rt__json_string(&out, l->path);
    rt__buffer_format(&out,
                      ",\n  \"files\": %zu,\n  \"vectors\": %" PRIu64 ",\n  \"photo_files\": %" PRIu64
                      ",\n  \"file_bytes\": %" PRIu64 ",\n  \"networks\": [",
                      l->n_parts, l->n_vectors, l->n_files, l->file_bytes);
    for (size_t i = 0; i < l->n_modules; i++) {
        const rt_bottleneck_module *m = &l->modules[i];
        rt__buffer_format(&out, "%s\n    {\"number\": %u, \"name\": ", i ? "," : "", m->number);
        rt__json_string(&out, m->name);
        rt__buffer_format(&out,
                          ", \"digest\": \"%s\", \"feature_size\": %u, \"vectors\": %" PRIu64
                          ", \"made\": %" PRId64 ", \"used\": %" PRId64 "}",
                          m->digest, m->feature_size, m->n_vectors, m->made, m->used);
    }
    rt__buffer_text(&out, l->n_modules ? "\n  ]\n}\n" : "]\n}\n");
    if ((code = rt__buffer_ok(&out, err)) == RT_OK)
        fwrite(out.bytes, 1, out.size, stdout);
    rt__buffer_clear(&out);
    return code;
}

static rt_code do_list(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err)
{
    rt_bottleneck_list list = {0};
    rt_code code = rt_bottlenecks_list(a->run.bottleneck_dir, &list, err);
    (void)terminal;
    (void)good;
    if (code != RT_OK)
        return code;
    if (a->json)
        code = print_json(&list, err);
    else
        print_list(&list);
    rt_bottlenecks_list_clear(&list);
    return code;
}

/* ---- verify, prune ---- */

static rt_code do_verify(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err)
{
    const rt_progress progress = rt__terminal_progress(terminal);
    rt_bottleneck_check c;
    rt_code code = rt_bottlenecks_verify(a->run.bottleneck_dir, a->repair, &progress, &c, err);
    rt__terminal_clear(terminal);
    if (code != RT_OK)
        return code;
    printf("%" PRIu64 " vector%s, %" PRIu64 " damaged, %" PRIu64 " lost\n", c.n_vectors, plural(c.n_vectors),
           c.n_damaged, c.n_lost);
    if (c.n_repaired)
        printf("%" PRIu64 " taken out; they are computed again when they are needed\n", c.n_repaired);
    else if (c.n_damaged + c.n_lost)
        printf("the next run makes those anew that it needs; --repair takes all of them out\n");
    *good = c.n_damaged + c.n_lost == c.n_repaired;
    return RT_OK;
}

static rt_code do_prune(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err)
{
    rt_bottleneck_pruned p;
    rt_code code = rt_bottlenecks_prune(a->run.bottleneck_dir, &a->prune, &p, err);
    (void)terminal;
    (void)good;
    if (code != RT_OK)
        return code;
    printf("%" PRIu64 " of %" PRIu64 " vector%s %s", p.n_pruned, p.n_vectors, plural(p.n_vectors),
           a->prune.dry_run ? "would be removed\n" : "removed");
    if (!a->prune.dry_run && p.in_use)
        printf("; another run has the cache open: its file of %.1f MB keeps its size until the next prune\n",
               mega(p.bytes_before));
    else if (!a->prune.dry_run)
        printf("; the file had %.1f MB and has %.1f MB\n", mega(p.bytes_before), mega(p.bytes_after));
    return RT_OK;
}

/* ---- text files ---- */

static rt_code do_import(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err)
{
    const rt_log log = rt__terminal_log(terminal);
    const rt_progress progress = rt__terminal_progress(terminal);
    rt_exchange_result r;
    rt_code code = rt_bottlenecks_import(&a->run, a->folder, &log, &progress, &r, err);
    (void)good;
    rt__terminal_clear(terminal);
    if (code == RT_OK)
        printf("%zu of %zu photo%s: %zu imported, %zu there before, %zu without a text file\n", r.n_done,
               r.n_photos, plural(r.n_photos), r.n_done - r.n_before, r.n_before, r.n_photos - r.n_done);
    return code;
}

static rt_code do_export(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err)
{
    const rt_log log = rt__terminal_log(terminal);
    const rt_progress progress = rt__terminal_progress(terminal);
    rt_exchange_result r;
    rt_code code = rt_bottlenecks_export(&a->run, a->folder, &log, &progress, &r, err);
    (void)good;
    rt__terminal_clear(terminal);
    if (code == RT_OK)
        printf("%zu of %zu photo%s exported, %zu not in the cache\n", r.n_done, r.n_photos,
               plural(r.n_photos), r.n_photos - r.n_done);
    return code;
}

/* ---- all ---- */

typedef struct action {
    const char *name;
    bool takes_folder;
    rt_code (*run)(const cache_arguments *a, rt_terminal *terminal, bool *good, rt_error *err);
} action;

static const action actions[] = {
    {"list", false, do_list},    {"verify", false, do_verify}, {"prune", false, do_prune},
    {"import", true, do_import}, {"export", true, do_export},
};

static rt_code find_action(char **operands, size_t n, const action **found, rt_error *err)
{
    for (size_t i = 0; n > 0 && i < sizeof actions / sizeof *actions; i++)
        if (strcmp(actions[i].name, operands[0]) == 0)
            *found = &actions[i];
    if (!*found)
        return rt_fail(err, RT_EARG,
                       "say what to do: retrain cache list, verify, prune, import DIR or export DIR");
    if (n != ((*found)->takes_folder ? 2 : 1))
        return rt_fail(err, RT_EARG,
                       (*found)->takes_folder ? "name the folder of text files: retrain cache %s DIR"
                                              : "'retrain cache %s' takes flags only",
                       (*found)->name);
    return RT_OK;
}

static int run(const void *arguments, char **operands, size_t n_operands)
{
    cache_arguments a = *(const cache_arguments *)arguments;
    rt_terminal terminal = rt__terminal(RT_INFO);
    const action *found = NULL;
    bool good = true;
    rt_error err;
    rt_code code = find_action(operands, n_operands, &found, &err);
    if (code == RT_OK) {
        a.folder = n_operands > 1 ? operands[1] : NULL;
        code = found->run(&a, &terminal, &good, &err);
    }
    if (code != RT_OK)
        return rt__complain(&err);
    return good ? RT_DONE : RT_FAILED;
}

const rt_command rt__cmd_cache = {
    .name = "cache",
    .summary = "List, verify and prune the cache of vectors; exchange them with retrain.py's text files.",
    .usage = "list|verify|prune [flags]\nimport|export [flags] DIR",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .arguments_size = sizeof(cache_arguments),
    .defaults = defaults,
    .takes_operands = true,
    .run = run,
};
