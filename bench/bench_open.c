/* Opening a large frozen graph: time, and memory as a part of the file's size.
 *
 * The graph is the reference detector's with every channel there WIDER times, its weights repeated: 92 MB, as
 * the published full-width detectors have them.  It is opened by processes of their own, so that the memory
 * is that of opening alone. */
#include "base/file.h"
#include "export/graphdef_write.h"
#include "hub/unpack.h"
#include "model/graphdef.h"
#include "retrain/module.h"
#include "support/shared.h"
#include "timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define DETECTOR "reference/ssd/ssd_inception_v2_coco_2017_11_17/frozen_inference_graph.pb"
enum { WIDER = 6, RUNS = 7 };
enum { COLOURS = 3, FILTERED = 15 }; /* channels behind the first convolution, one colour at a time */

static _Noreturn void stop(const char *what)
{
    fprintf(stderr, "bench_open: %s\n", what);
    exit(1);
}

/* ---- the graph ---- */

/* Fills a tensor of `wide` with the values of `narrow` repeated along both of its last dimensions. */
static void repeat(const rt_tensor *narrow, rt_tensor *wide, rt_arena *arena)
{
    int rank = narrow->shape.rank;
    size_t columns = (size_t)narrow->shape.dim[rank - 1], rows = narrow->bytes / sizeof(float) / columns;
    size_t wide_columns = (size_t)wide->shape.dim[rank - 1];
    size_t per_place = rank > 1 ? (size_t)narrow->shape.dim[rank - 2] : 1;
    size_t wide_per_place = rank > 1 ? (size_t)wide->shape.dim[rank - 2] : 1;
    size_t wide_rows = rows / per_place * wide_per_place;
    float *to;
    wide->bytes = wide_rows * wide_columns * sizeof *to;
    wide->data = to = rt__arena_alloc(arena, wide->bytes);
    if (!to)
        stop("no memory");
    for (size_t i = 0; i < wide_rows; i++) {
        size_t row = i / wide_per_place * per_place + i % wide_per_place % per_place;
        for (size_t k = 0; k < wide_columns; k++)
            memcpy(&to[i * wide_columns + k],
                   (const char *)narrow->data + (row * columns + k % columns) * sizeof *to, sizeof *to);
    }
}

/* Channels of the backbone grow, pixels' and boxes' do not. */
static void widen(rt_graph *graph, uint32_t index)
{
    static const char backbone[] = "FeatureExtractor/", boxes[] = "BoxPredictor_";
    const rt_node *node = rt__graph_node(graph, index);
    const rt_tensor *old = rt__graph_const(graph, (rt_edge){index, 0});
    bool in_backbone = strncmp(node->name, backbone, sizeof backbone - 1) == 0;
    bool in_boxes = strncmp(node->name, boxes, sizeof boxes - 1) == 0;
    rt_tensor wide;
    if (!old || old->dtype != RT_FLOAT || strcmp(node->op, "Const") != 0 || (!in_backbone && !in_boxes))
        return;
    wide = *old;
    if (old->shape.rank == 1 && in_backbone) {
        wide.shape.dim[0] *= WIDER;
    } else if (old->shape.rank == 4 && old->shape.dim[2] != COLOURS) {
        wide.shape.dim[2] *= old->shape.dim[2] == FILTERED ? 1 : WIDER;
        wide.shape.dim[3] *= in_backbone ? WIDER : 1;
    } else {
        return;
    }
    repeat(old, &wide, rt__graph_arena(graph));
    if (rt__graph_set_attr(graph, index,
                           &(rt_attr){.name = "value", .kind = RT_ATTR_TENSOR, .value.tensor = wide},
                           NULL) != RT_OK)
        stop("no memory");
}

static void make_graph(const char *path)
{
    char source[4096];
    rt_map *map;
    rt_graphdef def;
    rt_buffer bytes = {0};
    if (rt__map_open(&map, shared_path(source, sizeof source, DETECTOR), NULL) != RT_OK ||
        rt__graphdef_read(map->bytes, map->size, &def, NULL) != RT_OK)
        stop("cannot read the detector");
    for (uint32_t i = 0; i < rt__graph_count(def.graph); i++)
        widen(def.graph, i);
    if (rt__graphdef_write(def.graph, RT_GRAPH_PRODUCER, &bytes, NULL) != RT_OK ||
        rt__file_write(path, bytes.bytes, bytes.size, false, NULL) != RT_OK)
        stop("cannot write the graph");
    rt__buffer_clear(&bytes);
    rt__graph_free(def.graph);
    rt__map_close(map);
}

/* ---- opening it ---- */

static int open_graph(const char *path)
{
    rt_module *module;
    rt_error err;
    char text[1200];
    double start = timing_now();
    if (rt_module_open(path, NULL, &module, &err) != RT_OK) {
        fprintf(stderr, "bench_open: %s\n", rt_error_text(&err, text, sizeof text));
        return 1;
    }
    printf("%.6f\n", timing_now() - start);
    rt_module_close(module);
    return 0;
}

/* Seconds to open, and the peak memory of the process that did, in bytes. */
static double run(const char *program, const char *path, double *peak)
{
    int ends[2], status;
    struct rusage use;
    char text[64] = "";
    pid_t child;
    if (pipe(ends) != 0 || (child = fork()) < 0)
        stop("cannot start a process");
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], text, sizeof text - 1) <= 0 || wait4(child, &status, 0, &use) < 0 || status != 0)
        stop("the graph cannot be opened");
    close(ends[0]);
    *peak = (double)use.ru_maxrss * 1024;
    return strtod(text, NULL);
}

int main(int argc, char **argv)
{
    double seconds[RUNS], peaks[RUNS];
    char *folder, path[4096];
    rt_file_info info;
    if (argc == 2)
        return open_graph(argv[1]);
    shared_or_skip(DETECTOR, "opening a large graph");
    if (rt__folder_temporary(&folder, NULL) != RT_OK)
        stop("no temporary folder");
    snprintf(path, sizeof path, "%s/wide.pb", folder);
    make_graph(path);
    if (rt__file_info(path, &info, NULL) != RT_OK)
        stop("no graph");
    for (int i = 0; i < RUNS; i++)
        seconds[i] = run(argv[0], path, &peaks[i]);
    rt__folder_remove(folder, NULL);
    free(folder);
    printf("opening a frozen graph of %.1f MB: %.3f s, peak memory %.1f MB, %.2f of the file\n",
           (double)info.size * 1e-6, timing_median_of(seconds, RUNS), timing_median_of(peaks, RUNS) * 1e-6,
           timing_median_of(peaks, RUNS) / (double)info.size);
    return 0;
}
