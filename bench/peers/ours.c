/* Our contender among those of bench/peers: a network on photos, asked by lines on stdin, answered by lines.
 *   ours MODULE THREADS PHOTO_LIST            PHOTO_LIST: a file, one path a line
 * First answer, once it is ready: a JSON object.  Then, a line each:
 *   forward SECONDS LEAST        -> RATE PROCESSOR   pixels that are ready to vectors, on all threads
 *   whole SECONDS LEAST FIRST    -> RATE PROCESSOR   JPEG files to vectors, from photo FIRST of the list on
 *   peak                         -> multiply-add peak of all threads together, operations a second
 *   tensor PHOTO OUT             -> done             its pixels as floats, [height, width, 3]
 *   vector TENSOR OUT            -> done             the vector of such pixels
 *   photo PHOTO OUT              -> done             the vector of a photo
 * RATE is photos a second by the clock, at least LEAST photos a thread; PROCESSOR seconds of a processor a
 * photo.  Ends with stdin. */
#include "base/file.h"
#include "base/pool.h"
#include "exec/plan.h"
#include "fma_peak.h"
#include "graph/fused.h"
#include "model/module.h"
#include "retrain/feature.h"
#include "timing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 16384, ALIGNMENT = 64 };

typedef struct worker {
    rt_run *run;
    rt_extractor *extractor;
    rt_buffer bytes;
    float *vector;
    double rate, processor; /* of the last measurement */
    size_t n_photos;
    double peak;
} worker;

typedef struct contest {
    rt_module *module;
    const rt_module_info *info;
    rt_plan *plan;
    float *pixels; /* in the plan's own layout */
    char **photos;
    size_t n_photos, n_threads, least;
    double seconds;
    atomic_size_t next;
    worker *workers;
} contest;

static void stop(const char *what, const char *which)
{
    fprintf(stderr, "ours: %s: %s\n", what, which);
    exit(1);
}

static void *room(size_t n, size_t size)
{
    size_t bytes = (n * size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *memory = aligned_alloc(ALIGNMENT, bytes);
    if (!memory)
        stop("out of memory", "");
    return memset(memory, 0, bytes);
}

/* ---- getting ready ---- */

static size_t pixel_count(const contest *c)
{
    return 3 * (size_t)c->info->height * (size_t)c->info->width;
}

static void make_plan(contest *c)
{
    rt_graph *fused;
    rt_edge input, output;
    rt_error err;
    timing_check(rt__graph_fuse(c->module->graph, c->module->input, c->module->feature, c->info->height,
                                c->info->width, &fused, &input, &output, &err),
                 &err);
    timing_check(rt__plan_new(fused, input, output, &c->plan, &err), &err);
    rt__graph_free(fused);
}

static void make_workers(contest *c)
{
    rt_error err;
    c->workers = room(c->n_threads, sizeof *c->workers);
    for (size_t i = 0; i < c->n_threads; i++) {
        worker *w = &c->workers[i];
        timing_check(rt__run_new(c->plan, &w->run, &err), &err);
        timing_check(i == 0 ? rt_extractor_new(c->module, &(rt_extraction){0}, &w->extractor, &err)
                            : rt_extractor_clone(c->workers[0].extractor, &w->extractor, &err),
                     &err);
        w->vector = room((size_t)c->info->feature_size, sizeof *w->vector);
    }
}

static void read_list(contest *c, const char *path)
{
    rt_buffer text = {0};
    rt_error err;
    size_t most;
    timing_check(rt__file_read(&text, path, 0, NULL, &err), &err);
    most = text.size / 2 + 1;
    c->photos = room(most, sizeof *c->photos);
    for (char *line = strtok(text.bytes, "\n"); line; line = strtok(NULL, "\n"))
        c->photos[c->n_photos++] = line;
    if (c->n_photos == 0)
        stop("no photos", path);
}

/* [height, width, 3] to what the plan wants. */
static void take_pixels(contest *c, const float *pixels)
{
    size_t n = pixel_count(c), plane = n / 3;
    bool planar = rt__plan_wants_planar(c->plan);
    for (size_t i = 0; i < n; i++)
        c->pixels[planar ? i % 3 * plane + i / 3 : i] = pixels[i];
}

/* ---- measuring ---- */

/* Only the passes count: they destroy their input, which is written again between them. */
static rt_code forward(void *context, size_t index, size_t item, rt_error *err)
{
    contest *c = context;
    worker *w = &c->workers[item];
    double wall = 0, processor = 0, until = timing_now() + c->seconds;
    (void)index;
    for (w->n_photos = 0; timing_now() < until || w->n_photos < c->least; w->n_photos++) {
        const float *output;
        double start, processor_start;
        rt_code code;
        memcpy(rt__run_input(w->run), c->pixels, pixel_count(c) * sizeof *c->pixels);
        processor_start = timing_processor_now();
        start = timing_now();
        code = rt__run_execute(w->run, &output, err);
        wall += timing_now() - start;
        processor += timing_processor_now() - processor_start;
        if (code != RT_OK)
            return code;
    }
    w->rate = (double)w->n_photos / wall;
    w->processor = processor;
    return RT_OK;
}

static rt_code run_photo(worker *w, const char *path, rt_error *err)
{
    rt_code code;
    rt__buffer_reset(&w->bytes);
    code = rt__file_read(&w->bytes, path, 0, NULL, err);
    return code == RT_OK ? rt_extractor_run(w->extractor, (const uint8_t *)w->bytes.bytes, w->bytes.size,
                                            w->vector, err)
                         : code;
}

static rt_code whole(void *context, size_t index, size_t item, rt_error *err)
{
    contest *c = context;
    worker *w = &c->workers[item];
    double start = timing_now(), processor = timing_processor_now();
    (void)index;
    for (w->n_photos = 0; timing_now() < start + c->seconds || w->n_photos < c->least; w->n_photos++) {
        rt_code code = run_photo(w, c->photos[atomic_fetch_add(&c->next, 1) % c->n_photos], err);
        if (code != RT_OK)
            return code;
    }
    w->rate = (double)w->n_photos / (timing_now() - start);
    w->processor = timing_processor_now() - processor;
    return RT_OK;
}

/* Each thread by its own clock, so that none is counted as idle while the last one ends. */
static void measure(contest *c, rt_pool_work *work)
{
    double rate = 0, processor = 0, n_photos = 0;
    rt_error err;
    timing_check(rt__pool_run(c->n_threads, c->n_threads, work, c, &err), &err);
    for (size_t i = 0; i < c->n_threads; i++) {
        rate += c->workers[i].rate;
        processor += c->workers[i].processor;
        n_photos += (double)c->workers[i].n_photos;
    }
    printf("%.6g %.6g\n", rate, processor / n_photos);
}

static rt_code peak(void *context, size_t index, size_t item, rt_error *err)
{
    contest *c = context;
    (void)err;
    (void)index;
    c->workers[item].peak = fma_peak();
    return RT_OK;
}

/* ---- what is asked ---- */

static void do_forward(contest *c, char **argument)
{
    c->seconds = strtod(argument[0], NULL);
    c->least = strtoul(argument[1], NULL, 10);
    measure(c, forward);
}

static void do_whole(contest *c, char **argument)
{
    c->seconds = strtod(argument[0], NULL);
    c->least = strtoul(argument[1], NULL, 10);
    atomic_store(&c->next, strtoul(argument[2], NULL, 10));
    measure(c, whole);
}

static void do_peak(contest *c, char **argument)
{
    double sum = 0;
    rt_error err;
    (void)argument;
    timing_check(rt__pool_run(c->n_threads, c->n_threads, peak, c, &err), &err);
    for (size_t i = 0; i < c->n_threads; i++)
        sum += c->workers[i].peak;
    printf("%.6g\n", sum);
}

static void write_floats(const char *path, const float *values, size_t n)
{
    rt_error err;
    timing_check(rt__file_write(path, values, n * sizeof *values, false, &err), &err);
    printf("done\n");
}

static void do_tensor(contest *c, char **argument)
{
    rt_buffer bytes = {0};
    rt_image image = {0};
    float *pixels = room(pixel_count(c), sizeof *pixels);
    void *scratch;
    rt_error err;
    timing_check(rt__file_read(&bytes, argument[0], 0, NULL, &err), &err);
    timing_check(rt_image_decode((const uint8_t *)bytes.bytes, bytes.size, 0, &image, &err), &err);
    scratch = room(rt_image_resize_scratch(&image, c->info->height, c->info->width), 1);
    timing_check(
        rt_image_resize(&image, c->info->height, c->info->width, RT_INTERLEAVED, scratch, pixels, &err),
        &err);
    write_floats(argument[1], pixels, pixel_count(c));
    free(scratch);
    free(pixels);
    rt_image_clear(&image);
    rt__buffer_clear(&bytes);
}

static void do_vector(contest *c, char **argument)
{
    rt_run *run = c->workers[0].run;
    rt_buffer bytes = {0};
    const float *output;
    rt_error err;
    timing_check(rt__file_read(&bytes, argument[0], 0, NULL, &err), &err);
    if (bytes.size != pixel_count(c) * sizeof *c->pixels)
        stop("not as many pixels as the network takes", argument[0]);
    take_pixels(c, (const float *)(const void *)bytes.bytes);
    memcpy(rt__run_input(run), c->pixels, pixel_count(c) * sizeof *c->pixels);
    timing_check(rt__run_execute(run, &output, &err), &err);
    write_floats(argument[1], output, (size_t)c->info->feature_size);
    rt__buffer_clear(&bytes);
}

static void do_photo(contest *c, char **argument)
{
    rt_error err;
    timing_check(run_photo(&c->workers[0], argument[0], &err), &err);
    write_floats(argument[1], c->workers[0].vector, (size_t)c->info->feature_size);
}

typedef struct command {
    const char *name;
    int n_arguments;
    void (*run)(contest *c, char **argument);
} command;

static const command commands[] = {
    {"forward", 2, do_forward}, {"whole", 3, do_whole},   {"peak", 0, do_peak},
    {"tensor", 2, do_tensor},   {"vector", 2, do_vector}, {"photo", 2, do_photo},
};

/* Words of a line are parted by tabs: paths may hold blanks. */
static void obey(contest *c, char *line)
{
    char *argument[3] = {NULL}, *name = strtok(line, "\t\n");
    int n = 0;
    while (n < 3 && (argument[n] = strtok(NULL, "\t\n")))
        n++;
    for (size_t i = 0; name && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0 && commands[i].n_arguments == n) {
            commands[i].run(c, argument);
            fflush(stdout);
            return;
        }
    stop("no such command, or not its arguments", name ? name : "");
}

int main(int argc, char **argv)
{
    char *line = room(LINE_BYTES, 1);
    contest c = {0};
    rt_plan_stats stats;
    rt_error err;
    if (argc != 4 || strtoul(argv[2], NULL, 10) == 0)
        stop("usage", "ours MODULE THREADS PHOTO_LIST");
    c.n_threads = strtoul(argv[2], NULL, 10);
    timing_check(rt_module_open(argv[1], NULL, &c.module, &err), &err);
    c.info = rt_module_describe(c.module);
    make_plan(&c);
    make_workers(&c);
    read_list(&c, argv[3]);
    c.pixels = room(pixel_count(&c), sizeof *c.pixels);
    stats = rt__plan_stats(c.plan);
    printf(
        "{\"version\": \"%s\", \"height\": %d, \"width\": %d, \"flops\": %.0f, \"forward\": \"%zu workers\", "
        "\"whole\": \"%zu workers\"}\n",
        stats.kernels, c.info->height, c.info->width, stats.flops, c.n_threads, c.n_threads);
    fflush(stdout);
    while (fgets(line, LINE_BYTES, stdin))
        obey(&c, line);
    return 0;
}
