#include "saved_model_write.h"

#include "base/file.h"
#include "graph/graph_builder.h"
#include "meta_graph.h"
#include "proto/message.h"
#include "proto/tf_saved_model.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static rt_code describe(const rt_variables *v, const char *input, const char *output, size_t n_classes,
                        rt_serving *serving, rt_error *err)
{
    rt_graph_builder b = {.graph = v->graph, .err = err};
    const rt_attr *shape;
    *serving = (rt_serving){.tag = "serve",
                            .input_key = "image",
                            .output_key = "prediction",
                            .output_shape = {.rank = 2, .dim = {RT_UNKNOWN, (int64_t)n_classes}}};
    if (!rt__graph_find(v->graph, input, &serving->input) ||
        !rt__graph_find(v->graph, output, &serving->output))
        return rt_fail(err, RT_EARG, "the graph has no nodes '%s' and '%s'", input, output);
    shape = rt__node_attr(rt__graph_node(v->graph, serving->input), "shape");
    if (!shape || shape->kind != RT_ATTR_SHAPE || shape->value.shape.rank < 0)
        return rt_fail(err, RT_EARG, "node '%s' has no shape", input);
    serving->input_shape = shape->value.shape;
    serving->main_op = rt__builder_node(&b, "legacy_init_op", "NoOp", NULL, 0);
    return b.code;
}

static rt_code write_message(const rt_variables *v, const rt_serving *serving, const char *path,
                             rt_error *err)
{
    rt_arena *arena = rt__arena_new();
    Tf__SavedModel model = TF__SAVED_MODEL__INIT;
    Tf__MetaGraphDef *meta = NULL;
    rt_buffer bytes = {0};
    rt_code code = arena ? rt__meta_graph_message(v, serving, arena, &meta, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory for a graph's message");
    model.saved_model_schema_version = 1;
    model.n_meta_graphs = 1;
    model.meta_graphs = &meta;
    if (code == RT_OK)
        code = rt__proto_pack(&model.base, &bytes, err);
    if (code == RT_OK)
        code = rt__file_write(path, bytes.bytes, bytes.size, true, err);
    rt__buffer_clear(&bytes);
    rt__arena_free(arena);
    return code;
}

static rt_code fill(const rt_variables *v, const rt_serving *serving, const char *folder, rt_error *err)
{
    rt_buffer path = {0};
    rt_code code = rt__path_join(&path, folder, "variables") ? rt__folder_make(path.bytes, err)
                                                             : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK && !rt__path_join(&path, folder, "variables/variables"))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = rt__variables_write(v, path.bytes, err);
    if (code == RT_OK && !rt__path_join(&path, folder, "saved_model.pb"))
        code = rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = write_message(v, serving, path.bytes, err);
    rt__buffer_clear(&path);
    return code;
}

/* What fill() may have made. */
static void discard(const char *folder)
{
    static const char *const files[] = {"saved_model.pb", "variables/variables.index",
                                        "variables/variables.data-00000-of-00001"};
    rt_buffer path = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (rt__path_join(&path, folder, files[i]))
            unlink(path.bytes);
    if (rt__path_join(&path, folder, "variables"))
        rmdir(path.bytes);
    rmdir(folder);
    rt__buffer_clear(&path);
}

/* A folder of the name it gets in the end, with an ending of its own. */
static rt_code make_temporary(const char *folder, rt_buffer *path, rt_error *err)
{
    rt_code code;
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    rt__buffer_add(path, folder, length);
    rt__buffer_format(path, ".%ld.tmp", (long)getpid());
    code = rt__buffer_ok(path, err);
    return code == RT_OK ? rt__folder_make(path->bytes, err) : code;
}

rt_code rt__saved_model_write(const rt_variables *variables, const char *input, const char *output,
                              size_t n_classes, const char *folder, rt_error *err)
{
    rt_buffer temporary = {0};
    rt_serving serving;
    rt_code code = describe(variables, input, output, n_classes, &serving, err);
    if (code == RT_OK)
        code = make_temporary(folder, &temporary, err);
    if (code == RT_OK)
        code = fill(variables, &serving, temporary.bytes, err);
    if (code == RT_OK && rename(temporary.bytes, folder) != 0) {
        code = rt_fail(err, RT_EIO, "%s", strerror(errno));
        if (err)
            err->sys_errno = errno;
    }
    if (code != RT_OK && !temporary.failed && temporary.bytes)
        discard(temporary.bytes);
    if (code != RT_OK)
        rt_doing(err, folder, "cannot write the SavedModel");
    rt__buffer_clear(&temporary);
    return code;
}
