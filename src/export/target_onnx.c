/* The walk over an ONNX file, and what targets want besides the operator itself. */
#include "proto/message.h"
#include "proto/onnx.pb-c.h"
#include "target.h"

#include <stdlib.h>
#include <string.h>

typedef struct subject {
    const rt_target *target;
    const Onnx__Graph *graph;
    int64_t opset;
    const char **initializers; /* names, sorted */
    rt_target_report *report;
    rt_error *err;
} subject;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_initializer(const subject *s, const char *name)
{
    return bsearch(&name, s->initializers, s->graph->n_initializer, sizeof *s->initializers, by_text) != NULL;
}

/* ---- rules ---- */

static const Onnx__Attribute *attribute(const Onnx__Node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

static bool computes_weights(const subject *s, const Onnx__Node *node)
{
    return node->n_input > 1 && !is_initializer(s, node->input[1]);
}

static bool computes_bounds(const subject *s, const Onnx__Node *node)
{
    for (size_t i = 1; i < node->n_input; i++)
        if (*node->input[i] && !is_initializer(s, node->input[i]))
            return true;
    return false;
}

static bool has_constant(const subject *s, const Onnx__Node *node)
{
    for (size_t i = 0; i < node->n_input; i++)
        if (is_initializer(s, node->input[i]))
            return true;
    return false;
}

static bool pads_otherwise(const subject *s, const Onnx__Node *node)
{
    const Onnx__Attribute *mode = attribute(node, "mode");
    (void)s;
    return mode && mode->s.len > 0 && (mode->s.len != 8 || memcmp(mode->s.data, "constant", 8) != 0);
}

static bool casts_otherwise(const subject *s, const Onnx__Node *node)
{
    enum { FLOAT = 1 };
    const Onnx__Attribute *to = attribute(node, "to");
    (void)s;
    return !to || to->i != FLOAT;
}

static bool has_second_output(const subject *s, const Onnx__Node *node)
{
    (void)s;
    return node->n_output > 1 && *node->output[1];
}

enum {
    T50 = 1 << 0,
    T51 = 1 << 1,
    T6 = 1 << 2,
    T7 = 1 << 3,
    T80 = 1 << 4,
    T82 = 1 << 5,
    T84 = 1 << 6,
    T85 = 1 << 7,
    T10 = 1 << 8
};

/* Sources: the column "Notes" or "Restrictions" of the target's operators.md, unless another is named. */
static const struct rule {
    const char *op;
    int targets;  /* bits by column */
    int64_t from; /* operator set */
    bool (*breaks)(const subject *s, const Onnx__Node *node);
    const char *reason, *remedy;
} rules[] = {
    {"Conv", T50 | T51 | T6 | T7 | T80 | T82 | T84, 1, computes_weights,
     "its weights must be an initializer, and are computed", "fold constants: onnxsim, or retrain export"},
    {"ConvTranspose", T50 | T51 | T6 | T7 | T80 | T82 | T84, 1, computes_weights,
     "its weights must be an initializer, and are computed", "fold constants: onnxsim, or retrain export"},
    {"Clip", T7 | T80, 11, computes_bounds, "its bounds must be initializers", "write operator set 9 or 10"},
    {"Pad", T50 | T51 | T6 | T7 | T80, 1, pads_otherwise, "only padding with a constant is taken",
     "pad in the convolution, or before the network"},
    {"Cast", T6, 1, casts_otherwise, "only casts to float32 are taken", ""},
    {"MaxPool", T7 | T80 | T82 | T84 | T85 | T10, 8, has_second_output, "the output Indices is not taken",
     ""},
    /* github.com/YonghaoHe/LFFD issue 9: the parser's broadcast assertion */
    {"Mul", T50, 1, has_constant, "arithmetic with a constant fails in the parser's broadcasting",
     "a BatchNormalization says the same; retrain export writes one"},
    {"Add", T50, 1, has_constant, "arithmetic with a constant fails in the parser's broadcasting",
     "a BatchNormalization says the same; retrain export writes one"},
    {"Sub", T50, 1, has_constant, "arithmetic with a constant fails in the parser's broadcasting",
     "a BatchNormalization says the same; retrain export writes one"},
    /* dusty-nv/jetson-inference issue 577 */
    {"Reshape", T50 | T51 | T6, 5, computes_weights, "its shape must be an initializer, and is computed",
     "fold constants: onnxsim, or retrain export"},
};

static rt_code check_rules(const subject *s, const Onnx__Node *node)
{
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < sizeof rules / sizeof *rules; i++) {
        const struct rule *r = &rules[i];
        if (strcmp(r->op, node->op_type) == 0 && r->targets >> s->target->column & 1 && s->opset >= r->from &&
            r->breaks(s, node))
            code = rt__target_add(s->report, node->name, node->op_type, r->remedy, s->err, "%s", r->reason);
    }
    return code;
}

/* ---- the whole file ---- */

static rt_code check_opset(const subject *s)
{
    const rt_target *t = s->target;
    if (s->opset >= t->least_opset && s->opset <= t->most_opset)
        return RT_OK;
    return rt__target_add(s->report, "", "", "retrain export --opset 9", s->err,
                          "operator set %lld, and it takes %d to %d", (long long)s->opset, t->least_opset,
                          t->most_opset);
}

static rt_code check_inputs(const subject *s, int64_t ir_version)
{
    size_t listed = 0;
    if (!s->target->wants_initializers_as_inputs || ir_version < 4)
        return RT_OK;
    for (size_t i = 0; i < s->graph->n_input; i++)
        listed += is_initializer(s, s->graph->input[i]->name);
    if (listed >= s->graph->n_initializer)
        return RT_OK;
    return rt__target_add(s->report, "", "", "retrain export --opset 9 lists them", s->err,
                          "IR version %lld without initializers among the inputs, which its parser looks for",
                          (long long)ir_version);
}

static rt_code check_pixels(const subject *s, const Onnx__ValueInfo *input)
{
    enum { FLOAT = 1, HALF = 10 };
    const Onnx__TensorType *type = input->type ? input->type->tensor_type : NULL;
    const Onnx__TensorShape *shape = type ? type->shape : NULL;
    if (type && type->elem_type != FLOAT && type->elem_type != HALF)
        return rt__target_add(s->report, input->name, "input", "feed floats: retrain export", s->err,
                              "ONNX type %d, and inputs must be float", (int)type->elem_type);
    if (s->target->wants_static_batch && shape && shape->n_dim &&
        shape->dim[0]->value_case != ONNX__DIMENSION__VALUE_DIM_VALUE)
        return rt__target_add(s->report, input->name, "input", "retrain export without --dynamic_batch",
                              s->err, "the number of images is left open, and it takes a fixed one");
    return RT_OK;
}

static rt_code check_nodes(const subject *s)
{
    rt_code code = RT_OK;
    for (size_t i = 0; code == RT_OK && i < s->graph->n_node; i++) {
        const Onnx__Node *node = s->graph->node[i];
        s->report->n_nodes++;
        if (*node->domain && strcmp(node->domain, "ai.onnx") != 0)
            code = rt__target_add(s->report, node->name, node->op_type, "", s->err,
                                  "of the domain %s, not ONNX's own", node->domain);
        else if (rt__target_takes_onnx(s->target->column, node->op_type))
            code = check_rules(s, node);
        else
            code = rt__target_add(s->report, node->name, node->op_type, "", s->err,
                                  "not among the operators it takes");
    }
    for (size_t i = 0; code == RT_OK && i < s->graph->n_input; i++)
        if (!is_initializer(s, s->graph->input[i]->name))
            code = check_pixels(s, s->graph->input[i]);
    return code;
}

/* The version of the operators of ONNX itself. */
static int64_t opset_of(const Onnx__Model *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++)
        if (!*model->opset_import[i]->domain || strcmp(model->opset_import[i]->domain, "ai.onnx") == 0)
            return model->opset_import[i]->version;
    return 1;
}

static rt_code check_model(subject *s, const Onnx__Model *model, rt_arena *arena)
{
    rt_code code;
    if (!model->graph || !model->graph->n_node)
        return rt_fail(s->err, RT_EFORMAT, "no ONNX file: it holds no nodes");
    s->graph = model->graph;
    s->opset = opset_of(model);
    s->initializers = rt__arena_array(arena, model->graph->n_initializer, sizeof *s->initializers);
    if (!s->initializers)
        return rt_fail(s->err, RT_ENOMEM, "out of memory");
    for (size_t i = 0; i < model->graph->n_initializer; i++)
        s->initializers[i] = model->graph->initializer[i]->name;
    qsort(s->initializers, model->graph->n_initializer, sizeof *s->initializers, by_text);
    if ((code = check_opset(s)) == RT_OK && (code = check_inputs(s, model->ir_version)) == RT_OK)
        code = check_nodes(s);
    return code;
}

rt_code rt__target_check_onnx(const rt_target *target, const void *bytes, size_t size,
                              rt_target_report *report, rt_error *err)
{
    subject s = {.target = target, .report = report, .err = err};
    rt_arena *arena = rt__arena_new();
    ProtobufCMessage *model;
    rt_code code = arena ? rt__proto_unpack(&onnx__model__descriptor, bytes, size, arena, &model, err)
                         : rt_fail(err, RT_ENOMEM, "out of memory");
    if (code == RT_OK)
        code = check_model(&s, (const Onnx__Model *)model, arena);
    rt__arena_free(arena);
    return code;
}
