/* Where a network can be cut: what --bottleneck_tensor may name. */
#include "inspect_job.h"

#include "model/candidates.h"

#include <inttypes.h>
#include <stdio.h>

enum { SHAPE_TEXT = 160, NUMBER_TEXT = 24 };

static void print_row(const rt_candidate *c, rt_inspect_out *out)
{
    char name[1024], shape[SHAPE_TEXT], features[NUMBER_TEXT], cost[NUMBER_TEXT];
    const char *const cells[] = {name, shape, features, cost, c->chosen ? "yes" : "no"};
    snprintf(name, sizeof name, "%s:0", c->cut.name);
    rt__shape_text(&c->cut.shape, shape, sizeof shape);
    snprintf(features, sizeof features, "%" PRId64, c->features);
    snprintf(cost, sizeof cost, "%" PRIu64, c->cut.multiply_adds);
    rt__out_row(out, cells);
}

rt_code rt__inspect_print_candidates(const char *path, rt_inspect_out *out, rt_error *err)
{
    static const char *const columns[] = {"tensor", "shape", "#features", "#multiply_adds", "chosen"};
    static const rt_module_options nothing_said;
    rt_arena *arena = rt__arena_new();
    rt_candidate *list = NULL;
    rt_network network;
    size_t n = 0;
    rt_code code;
    if (!arena)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    code = rt__network_open(path, &nothing_said, &network, err);
    if (code == RT_OK)
        code = rt__network_cut(&network, &nothing_said, err);
    if (code == RT_OK)
        code = rt__network_candidates(&network, arena, &list, &n, err);
    if (code == RT_OK) {
        if (!out->json)
            rt__out_fact(
                out, "each_candidate",
                "tensor, its shape for one photo, features, multiply-adds up to there, chosen or not");
        rt__out_table(out, "candidates", columns, sizeof columns / sizeof *columns);
        for (size_t i = 0; i < n; i++)
            print_row(&list[i], out);
        rt__out_table_end(out);
    }
    rt__network_clear(&network);
    rt__arena_free(arena);
    return code;
}
