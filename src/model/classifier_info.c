#include "classifier_info.h"

#include "base/file.h"
#include "graphdef.h"

#include <stdio.h>
#include <string.h>

static const rt_attr *attr_of(const rt_node *node, const char *name, rt_attr_kind kind)
{
    const rt_attr *attr = rt__node_attr(node, name);
    return attr && attr->kind == kind ? attr : NULL;
}

static rt_code tensor_name(const rt_node *node, rt_arena *arena, const char **name, rt_error *err)
{
    size_t size = strlen(node->name) + sizeof ":0";
    char *text = rt__arena_alloc(arena, size);
    if (!text)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    snprintf(text, size, "%s:0", node->name);
    *name = text;
    return RT_OK;
}

static rt_code read_input(const rt_node *node, rt_arena *arena, rt_classifier_info *info, rt_error *err)
{
    const rt_attr *height = attr_of(node, "_retrain_height", RT_ATTR_INT);
    const rt_attr *width = attr_of(node, "_retrain_width", RT_ATTR_INT);
    const rt_attr *range = attr_of(node, "_retrain_range", RT_ATTR_LIST_FLOAT);
    float low, high;
    if (!height || !width || height->value.i < 1 || height->value.i > INT32_MAX || width->value.i < 1 ||
        width->value.i > INT32_MAX)
        return rt_fail(err, RT_EFORMAT, "node '%s': the size of its images is missing or impossible",
                       node->name);
    if (!range || range->count != 2 || !(range->value.floats[1] > range->value.floats[0]))
        return rt_fail(err, RT_EFORMAT, "node '%s': the range of its pixels is missing or empty", node->name);
    low = range->value.floats[0];
    high = range->value.floats[1];
    info->height = (int32_t)height->value.i;
    info->width = (int32_t)width->value.i;
    info->input_std = 255 / (high - low);
    info->input_mean = -low * info->input_std;
    return tensor_name(node, arena, &info->input, err);
}

static rt_code read_labels(const rt_node *node, const rt_attr *attr, rt_arena *arena,
                           rt_classifier_info *info, rt_error *err)
{
    const char **labels = rt__arena_array(arena, attr->count, sizeof *labels);
    if (!labels)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < attr->count; i++) {
        const rt_string *s = &attr->value.strings[i];
        if (!(labels[i] = rt__arena_copy(arena, s->bytes, s->size)))
            return rt_fail(err, RT_ENOMEM, "out of memory");
    }
    info->labels = labels;
    info->n_labels = attr->count;
    return tensor_name(node, arena, &info->output, err);
}

rt_code rt__classifier_info_find(const rt_graph *graph, rt_arena *arena, rt_classifier_info *info,
                                 rt_error *err)
{
    rt_code code = RT_OK;
    *info = (rt_classifier_info){.input = NULL};
    for (uint32_t i = 0; code == RT_OK && i < rt__graph_count(graph); i++) {
        const rt_node *node = rt__graph_node(graph, i);
        const rt_attr *labels = attr_of(node, "_retrain_labels", RT_ATTR_LIST_STRING);
        if (rt__node_attr(node, "_retrain_height"))
            code = read_input(node, arena, info, err);
        else if (labels)
            code = read_labels(node, labels, arena, info, err);
    }
    if (code == RT_OK && (!info->input || !info->output))
        code =
            rt_fail(err, RT_ENOTFOUND, "the graph does not say how to use it: it was not written by retrain");
    return code;
}

rt_code rt__classifier_info_read(const char *path, rt_arena *arena, rt_classifier_info *info, rt_error *err)
{
    rt_graphdef def;
    rt_map *map;
    rt_code code = rt__map_open(&map, path, err);
    if (code != RT_OK)
        return code;
    code = rt__graphdef_read(map->bytes, map->size, &def, err);
    rt__map_close(map);
    if (code == RT_OK) {
        code = rt__classifier_info_find(def.graph, arena, info, err);
        rt__graph_free(def.graph);
    }
    if (code != RT_OK)
        rt_doing(err, path, "cannot read the graph");
    return code;
}
