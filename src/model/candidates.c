#include "candidates.h"

#include "classifier.h"
#include "detector.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ENDS = RT_MOST_FEATURES + RT_MOST_HEADS + 1, MOST_CANDIDATES = 1000 };

typedef struct collector {
    rt_network *network;
    rt_arena *arena;
    rt_candidate *list; /* [n] */
    size_t n;
} collector;

static bool is_listed(const collector *c, const char *name)
{
    size_t i = 0;
    while (i < c->n && strcmp(c->list[i].cut.name, name) != 0)
        i++;
    return i < c->n;
}

/* Whether the edge is the node's value, perhaps passed on. */
static bool comes_from(const rt_graph *graph, rt_edge edge, uint32_t node)
{
    enum { MOST_STEPS = 64 };
    for (uint32_t steps = 0; edge.node != node && steps < MOST_STEPS; steps++) {
        const rt_node *at = rt__graph_node(graph, edge.node);
        if (strcmp(at->op, "Identity") != 0 || at->n_inputs == 0)
            return false;
        edge = at->inputs[0];
    }
    return edge.node == node;
}

static bool is_feature(const rt_network *network, const char *name)
{
    uint32_t node;
    bool found =
        rt__graph_find(network->graph, name, &node) && comes_from(network->graph, network->feature, node);
    for (size_t i = 0; i < network->n_more && !found; i++)
        found = comes_from(network->graph, network->more[i], node);
    return found;
}

static rt_code add_way(collector *c, rt_edge end, rt_error *err)
{
    rt_network *network = c->network;
    rt_cut *cuts = NULL;
    size_t n_cuts = 0;
    rt_code code = rt__graph_cuts(network->graph, network->input, end, network->height, network->width,
                                  c->arena, &cuts, &n_cuts, NULL);
    if (code == RT_ENOMEM)
        return rt_fail(err, code, "out of memory");
    for (size_t i = 0; code == RT_OK && i < n_cuts && c->n < MOST_CANDIDATES; i++) {
        const rt_shape *s = &cuts[i].shape;
        if (is_listed(c, cuts[i].name))
            continue;
        c->list[c->n] =
            (rt_candidate){.cut = cuts[i],
                           .found = c->n,
                           .features = s->rank == 4 && network->planar ? s->dim[1] : s->dim[s->rank - 1],
                           .chosen = is_feature(network, cuts[i].name)};
        c->n++;
    }
    return RT_OK;
}

/* A module's graph knows its end; others are looked at as when they were cut. */
static size_t find_ends(rt_network *network, rt_edge *ends)
{
    rt_classifier_node classifier;
    rt_detector found;
    size_t n = 0;
    ends[n++] = network->feature;
    for (size_t i = 0; i < network->n_more; i++)
        ends[n++] = network->more[i];
    if (rt__find_classifier(network->graph, network->answers, network->n_answers, &classifier, NULL) == RT_OK)
        ends[n++] = classifier.scores;
    else if (!network->is_cut && rt__find_detector(network->graph, &found, NULL) == RT_OK)
        for (size_t i = 0; i < found.n_heads; i++)
            ends[n++] = found.heads[i];
    return n;
}

static int by_cost(const void *a, const void *b)
{
    const rt_candidate *x = a, *y = b;
    if (x->cut.multiply_adds != y->cut.multiply_adds)
        return x->cut.multiply_adds < y->cut.multiply_adds ? -1 : 1;
    return x->found < y->found ? -1 : 1;
}

rt_code rt__network_candidates(rt_network *network, rt_arena *arena, rt_candidate **list, size_t *n_list,
                               rt_error *err)
{
    collector c = {.network = network, .arena = arena};
    rt_edge ends[MOST_ENDS];
    size_t n_ends;
    rt_code code = RT_OK;
    if (network->variables) /* cuts follow shapes, and some of these come from weights */
        code = rt__freeze_stored(network->graph, network->variables, err);
    if (code == RT_OK && !(c.list = rt__arena_array(arena, MOST_CANDIDATES, sizeof *c.list)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    n_ends = code == RT_OK ? find_ends(network, ends) : 0;
    for (size_t i = 0; code == RT_OK && i < n_ends; i++)
        code = add_way(&c, ends[i], err);
    if (code == RT_OK)
        qsort(c.list, c.n, sizeof *c.list, by_cost);
    *list = c.list;
    *n_list = c.n;
    return code;
}
