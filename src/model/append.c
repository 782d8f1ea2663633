#include "append.h"

#include "graph/fused.h"

#include <string.h>

/* A name nobody has yet. */
static rt_code new_name(rt_graph *graph, const char *wanted, const char **name, rt_error *err)
{
    rt_buffer text = {0};
    uint32_t taken;
    rt_code code = RT_OK;
    rt__buffer_text(&text, wanted);
    for (unsigned i = 1; !text.failed && rt__graph_find(graph, text.bytes, &taken); i++) {
        rt__buffer_reset(&text);
        rt__buffer_format(&text, "%s_%u", wanted, i);
    }
    if (text.failed || !(*name = rt__arena_string(rt__graph_arena(graph), text.bytes)))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    rt__buffer_clear(&text);
    return code;
}

rt_code rt__append_op(rt_graph *graph, const char *op, const char *name, const rt_edge *inputs, uint32_t n,
                      rt_edge *y, rt_error *err)
{
    static const rt_attr float_type = {.name = "T", .kind = RT_ATTR_TYPE, .value.type = RT_FLOAT};
    const char *own;
    rt_code code = new_name(graph, name, &own, err);
    y->output = 0;
    if (code == RT_OK)
        code = rt__graph_add(graph, own, op, &y->node, err);
    if (code == RT_OK)
        code = rt__graph_set_inputs(graph, y->node, inputs, n, NULL, 0, err);
    return code == RT_OK ? rt__graph_set_attr(graph, y->node, &float_type, err) : code;
}

rt_code rt__append_with_const(rt_graph *graph, const char *op, const char *op_name, const char *const_name,
                              rt_edge x, const rt_tensor *constant, rt_edge *y, rt_error *err)
{
    const char *name;
    rt_edge inputs[2] = {x, {0, 0}};
    rt_code code = new_name(graph, const_name, &name, err);
    if (code == RT_OK)
        code = rt__graph_add_const(graph, name, constant, &inputs[1].node, err);
    return code == RT_OK ? rt__append_op(graph, op, op_name, inputs, 2, y, err) : code;
}

static rt_code int_vector(rt_graph *graph, const int32_t *values, size_t count, rt_tensor *tensor,
                          rt_error *err)
{
    *tensor = (rt_tensor){.dtype = RT_INT32, .shape = {.rank = 1, .dim = {(int64_t)count}}};
    tensor->bytes = count * sizeof *values;
    tensor->data = rt__arena_copy(rt__graph_arena(graph), values, tensor->bytes);
    return tensor->data ? RT_OK : rt_fail(err, RT_ENOMEM, "out of memory");
}

rt_code rt__append_with_ints(rt_graph *graph, const char *op, const char *op_name, const char *const_name,
                             const char *type_name, const int32_t *values, size_t count, rt_edge *x,
                             rt_error *err)
{
    const rt_attr type = {.name = type_name, .kind = RT_ATTR_TYPE, .value.type = RT_INT32};
    rt_tensor vector;
    rt_code code = int_vector(graph, values, count, &vector, err);
    if (code == RT_OK)
        code = rt__append_with_const(graph, op, op_name, const_name, *x, &vector, x, err);
    return code == RT_OK ? rt__graph_set_attr(graph, x->node, &type, err) : code;
}

/* ---- the feature vector ---- */

static rt_code no_vector(const rt_graph *graph, rt_edge feature, const rt_shape *shape, rt_error *err)
{
    const rt_node *node = rt__graph_node(graph, feature.node);
    char text[128];
    return rt_fail(err, RT_EUNSUPPORTED,
                   "feature tensor '%s' (%s) is %s for one photo; [1,n] or [1,h,w,n] is needed", node->name,
                   node->op, rt__shape_text(shape, text, sizeof text));
}

/* *x is a tensor of the network and becomes a vector of *size; *places: what it was averaged over. */
static rt_code make_part(const rt_network *network, rt_module *m, rt_edge *x, int64_t *size, int64_t *places,
                         rt_error *err)
{
    static const int32_t rows_columns[2] = {1, 2}, behind_channels[2] = {2, 3};
    const rt_attr drop = {.name = "keep_dims", .kind = RT_ATTR_BOOL, .value.b = false};
    rt_shape s;
    rt_code code = rt__graph_output_shape(m->graph, m->input, *x, network->height, network->width, &s, err);
    *places = 1;
    if (code != RT_OK)
        return code;
    *size = s.rank == 4 && network->planar ? s.dim[1] : s.dim[s.rank > 0 ? s.rank - 1 : 0];
    if ((s.rank != 2 && s.rank != 4) || s.dim[0] != 1 || *size < 1 || *size > INT32_MAX)
        return no_vector(m->graph, *x, &s, err);
    if (s.rank == 2)
        return RT_OK;
    *places = s.dim[1] * s.dim[2] * s.dim[3] / *size;
    if (*places == 1)
        return rt__append_with_ints(m->graph, "Reshape", "retrain_feature/Reshape",
                                    "retrain_feature/Reshape/shape", "Tshape",
                                    (const int32_t[]){RT_UNKNOWN, (int32_t)*size}, 2, x, err);
    code = rt__append_with_ints(m->graph, "Mean", "retrain_feature/Mean",
                                "retrain_feature/Mean/reduction_indices", "Tidx",
                                network->planar ? behind_channels : rows_columns, 2, x, err);
    return code == RT_OK ? rt__graph_set_attr(m->graph, x->node, &drop, err) : code;
}

/* Vectors one behind the other. */
static rt_code concatenate(rt_graph *graph, rt_edge *parts, uint32_t n, rt_edge *y, rt_error *err)
{
    static const int32_t last = 1;
    const rt_attr attrs[] = {{.name = "N", .kind = RT_ATTR_INT, .value.i = n},
                             {.name = "Tidx", .kind = RT_ATTR_TYPE, .value.type = RT_INT32}};
    const rt_tensor axis = {.dtype = RT_INT32, .shape = {.rank = 0}, .bytes = sizeof last, .data = &last};
    const char *name;
    rt_code code = new_name(graph, "retrain_feature/concat/axis", &name, err);
    if (code == RT_OK)
        code = rt__graph_add_const(graph, name, &axis, &parts[n].node, err);
    parts[n].output = 0;
    if (code == RT_OK)
        code = rt__append_op(graph, "ConcatV2", "retrain_feature/concat", parts, n + 1, y, err);
    for (size_t i = 0; i < 2 && code == RT_OK; i++)
        code = rt__graph_set_attr(graph, y->node, &attrs[i], err);
    return code;
}

rt_code rt__make_vector(rt_network *network, const rt_edge *features, rt_module *m, rt_error *err)
{
    rt_edge parts[RT_MOST_FEATURES + 1]; /* and the axis */
    size_t n = 1 + network->n_more;
    int64_t total = 0, size, places;
    const char *before = "; averaged over ", *behind = "";
    for (size_t i = 0; i < n; i++) {
        rt_code code;
        parts[i] = features[i];
        if ((code = make_part(network, m, &parts[i], &size, &places, err)) != RT_OK)
            return code;
        total += size;
        if (places > 1) {
            rt__buffer_format(&network->notice, "%s%lld", before, (long long)places);
            before = " and ";
            behind = " places";
        }
    }
    rt__buffer_text(&network->notice, behind);
    if (total > INT32_MAX)
        return rt_fail(err, RT_ELIMIT, "%lld features", (long long)total);
    m->info.feature_size = (int32_t)total;
    m->feature = parts[0];
    return n == 1 ? RT_OK : concatenate(m->graph, parts, (uint32_t)n, &m->feature, err);
}
