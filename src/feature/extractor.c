#include "extractor.h"

#include "base/hash.h"
#include "exec/plan.h"
#include "graph/fused.h"
#include "image/read.h"
#include "model/module.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rt_extractor {
    rt_plan *owned; /* NULL in a clone */
    const rt_plan *plan;
    rt_run *run; /* NULL until the first photo: what is only cloned needs no workspace */
    size_t feature_size;
    rt_image_target target;
    rt_image_room room;
};

uint32_t rt__network_digest(const rt_module *module, const rt_extraction *how)
{
    const rt_module_info *info = &module->info;
    const int32_t numbers[] = {info->height, info->width, info->feature_size};
    const float range[] = {info->input_mean, info->input_std};
    uint32_t crc = rt__crc32c(0, numbers, sizeof numbers);
    crc = rt__crc32c(crc, range, sizeof range);
    crc = rt__crc32c(crc, info->feature, strlen(info->feature));
    for (uint32_t i = 0; i < rt__graph_count(module->graph); i++) {
        const rt_node *node = rt__graph_node(module->graph, i);
        const rt_tensor *tensor = rt__graph_const(module->graph, (rt_edge){i, 0});
        crc = rt__crc32c(crc, node->name, strlen(node->name) + 1);
        crc = rt__crc32c(crc, node->op, strlen(node->op) + 1);
        if (strcmp(node->op, "Const") == 0 && tensor && tensor->data)
            crc = rt__crc32c(crc, tensor->data, tensor->bytes);
    }
    if (how->fast_decode)
        crc = rt__crc32c(crc, "fast_decode", sizeof "fast_decode");
    return crc;
}

static rt_code make_plan(const rt_module *module, const rt_extraction *how, rt_plan **plan, rt_error *err)
{
    const rt_module_info *info = &module->info;
    rt_graph *fused = NULL;
    rt_edge input, output;
    rt_code code = rt__graph_fuse(module->graph, module->input, module->feature, info->height, info->width,
                                  &fused, &input, &output, err);
    if (code != RT_OK)
        goto done;
    if ((code = (how->exact ? rt__plan_new_exact : rt__plan_new)(fused, input, output, plan, err)) != RT_OK)
        goto done;
    if (rt__plan_input_size(*plan) != 3 * (size_t)info->height * (size_t)info->width ||
        rt__plan_output_size(*plan) != (size_t)info->feature_size) {
        code = rt_fail(err, RT_EUNSUPPORTED, "the network takes %zu and gives %zu floats, not %dx%dx3 and %d",
                       rt__plan_input_size(*plan), rt__plan_output_size(*plan), info->height, info->width,
                       info->feature_size);
        rt__plan_free(*plan);
    }
done:
    rt__graph_free(fused);
    if (code != RT_OK)
        rt_doing(err, info->path, "cannot run module");
    return code;
}

static rt_code make_extractor(const rt_plan *plan, const rt_image_target *target, rt_extractor **extractor,
                              rt_error *err)
{
    rt_extractor *e = calloc(1, sizeof *e);
    if (!e)
        return rt_fail(err, RT_ENOMEM, "out of memory");
    *e = (rt_extractor){.plan = plan, .feature_size = rt__plan_output_size(plan), .target = *target};
    *extractor = e;
    return RT_OK;
}

rt_code rt_extractor_new(const rt_module *module, const rt_extraction *how, rt_extractor **extractor,
                         rt_error *err)
{
    rt_plan *plan;
    rt_image_target target = {
        .height = module->info.height, .width = module->info.width, .fast_decode = how->fast_decode};
    rt_code code = make_plan(module, how, &plan, err);
    if (code != RT_OK)
        return code;
    target.layout = rt__plan_wants_planar(plan) ? RT_PLANAR : RT_INTERLEAVED;
    code = make_extractor(plan, &target, extractor, err);
    if (code == RT_OK)
        (*extractor)->owned = plan;
    else
        rt__plan_free(plan);
    return code;
}

rt_code rt_extractor_clone(const rt_extractor *extractor, rt_extractor **clone, rt_error *err)
{
    return make_extractor(extractor->plan, &extractor->target, clone, err);
}

void rt_extractor_set_resize(rt_extractor *extractor, rt_resize resize)
{
    extractor->target.resize = resize;
}

const rt_image_target *rt__extractor_target(const rt_extractor *extractor)
{
    return &extractor->target;
}

void rt_extractor_free(rt_extractor *e)
{
    if (!e)
        return;
    rt__run_free(e->run);
    rt__plan_free(e->owned);
    rt_image_room_clear(&e->room);
    free(e);
}

/* The pixels are in the run's input. */
static rt_code execute(rt_extractor *e, float *feature, rt_error *err)
{
    const float *output;
    rt_code code = rt__run_execute(e->run, &output, err);
    if (code != RT_OK)
        return code;
    for (size_t i = 0; i < e->feature_size; i++)
        if (!isfinite(output[i]))
            return rt_fail(err, RT_EFORMAT, "the network gives %f as value %zu of its vector",
                           (double)output[i], i + 1);
    memcpy(feature, output, e->feature_size * sizeof *feature);
    return RT_OK;
}

static rt_code need_run(rt_extractor *e, rt_error *err)
{
    return e->run ? RT_OK : rt__run_new(e->plan, &e->run, err);
}

rt_code rt_extractor_run(rt_extractor *e, const uint8_t *bytes, size_t size, float *feature, rt_error *err)
{
    rt_code code = need_run(e, err);
    if (code == RT_OK)
        code = rt_image_read(bytes, size, &e->target, &e->room, rt__run_input(e->run), err);
    return code == RT_OK ? execute(e, feature, err) : code;
}

rt_code rt__extractor_distorted(rt_extractor *e, const rt_image *image, const rt_distortion_draw *draw,
                                float *feature, rt_error *err)
{
    const rt_image_target *t = &e->target;
    rt_code code = need_run(e, err);
    if (code == RT_OK)
        code = rt__image_room_scratch(&e->room, rt_image_resize_scratch(image, t->height, t->width), err);
    if (code == RT_OK)
        code = rt_image_distort(image, draw, t->height, t->width, t->layout, e->room.scratch,
                                rt__run_input(e->run), err);
    return code == RT_OK ? execute(e, feature, err) : code;
}
