#include "readers.h"

#include <stdlib.h>

rt_code rt__readers_find(const rt_graph *graph, rt_readers *readers, rt_error *err)
{
    uint32_t n = rt__graph_count(graph);
    size_t n_edges = 0;
    for (uint32_t i = 0; i < n; i++)
        n_edges += rt__graph_node(graph, i)->n_inputs;
    readers->first = calloc((size_t)n + 2, sizeof *readers->first);
    readers->nodes = calloc(n_edges + 1, sizeof *readers->nodes);
    if (!readers->first || !readers->nodes)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < rt__graph_node(graph, i)->n_inputs; k++)
            readers->first[rt__graph_node(graph, i)->inputs[k].node + 2]++;
    for (uint32_t i = 2; i <= n; i++)
        readers->first[i] += readers->first[i - 1];
    for (uint32_t i = 0; i < n; i++) /* afterwards first[node] is where its readers begin */
        for (uint32_t k = 0; k < rt__graph_node(graph, i)->n_inputs; k++)
            readers->nodes[readers->first[rt__graph_node(graph, i)->inputs[k].node + 1]++] = i;
    return RT_OK;
}

void rt__readers_clear(rt_readers *readers)
{
    free(readers->first);
    free(readers->nodes);
}
