/* From tensor names to edges, and what to say when there is none of that name. */
#include "graph.h"

#include <string.h>

enum { COMPARED = 255 };

/* The last COMPARED bytes of a name: scopes in front matter least to somebody who mistyped it. */
static const char *tail_of(const char *name, size_t *length)
{
    size_t all = strlen(name);
    *length = all < COMPARED ? all : COMPARED;
    return name + (all - *length);
}

/* Insertions, deletions and replacements that turn a into b; at least `most` when they are that many. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb, size_t most)
{
    size_t row[COMPARED + 1];
    if ((na > nb ? na - nb : nb - na) >= most)
        return most;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0], least = row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            size_t insert = row[j - 1] + 1, delete = row[j] + 1;
            diagonal = row[j];
            row[j] = insert < delete ? insert : delete;
            row[j] = replace < row[j] ? replace : row[j];
            least = row[j] < least ? row[j] : least;
        }
        if (least >= most)
            return most;
    }
    return row[nb];
}

static const char *nearest_name(const rt_graph *graph, const char *name)
{
    const char *nearest = NULL, *wanted;
    size_t length, best = SIZE_MAX;
    wanted = tail_of(name, &length);
    for (uint32_t i = 0; i < rt__graph_count(graph); i++) {
        const char *other = rt__graph_node(graph, i)->name;
        size_t other_length, distance;
        const char *tail = tail_of(other, &other_length);
        distance = edit_distance(wanted, length, tail, other_length, best);
        if (distance < best) {
            best = distance;
            nearest = other;
        }
    }
    return nearest;
}

/* Splits "name:1"; false when what follows the colon is no output number. */
static bool parse_tensor(const char *tensor, size_t *name_length, int32_t *output)
{
    const char *colon = strrchr(tensor, ':');
    int32_t number = 0;
    *name_length = colon ? (size_t)(colon - tensor) : strlen(tensor);
    *output = 0;
    if (!colon)
        return true;
    if (!colon[1])
        return false;
    for (const char *c = colon + 1; *c; c++) {
        if (*c < '0' || *c > '9' || number > 100000)
            return false;
        number = number * 10 + (*c - '0');
    }
    *output = number;
    return true;
}

rt_code rt__graph_find_tensor(const rt_graph *graph, const char *tensor, rt_edge *edge, rt_error *err)
{
    char name[4096];
    size_t length;
    const char *nearest;
    int32_t output;
    uint32_t node;
    if (!parse_tensor(tensor, &length, &output))
        return rt_fail(err, RT_EARG, "'%s' is no tensor name: want 'node' or 'node:0'", tensor);
    if (length >= sizeof name)
        return rt_fail(err, RT_EARG, "a tensor name of %zu characters", length);
    memcpy(name, tensor, length);
    name[length] = 0;
    if (rt__graph_find(graph, name, &node)) {
        *edge = (rt_edge){node, output};
        return RT_OK;
    }
    nearest = nearest_name(graph, name);
    if (!nearest)
        return rt_fail(err, RT_ENOTFOUND, "no node '%s': the graph is empty", name);
    return rt_fail(err, RT_ENOTFOUND, "no node '%s' in the graph; the nearest is '%s'", name, nearest);
}
