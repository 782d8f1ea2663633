/* One row an activation, and the chain of TensorFlow 1.x's ops that computes it. */
#include "tf1_emission.h"

#include <string.h>

typedef rt_edge emit_activation(const rt_tf1_emission *e, rt_edge x);

static rt_edge relu(const rt_tf1_emission *e, rt_edge x)
{
    return rt__tf1_op(e, NULL, "Relu", &x, 1);
}

static rt_edge relu6(const rt_tf1_emission *e, rt_edge x)
{
    return rt__tf1_op(e, NULL, "Relu6", &x, 1);
}

static rt_edge sigmoid(const rt_tf1_emission *e, rt_edge x)
{
    return rt__tf1_op(e, NULL, "Sigmoid", &x, 1);
}

static rt_edge hyperbolic(const rt_tf1_emission *e, rt_edge x)
{
    return rt__tf1_op(e, NULL, "Tanh", &x, 1);
}

static rt_edge leaky_relu(const rt_tf1_emission *e, rt_edge x)
{
    const rt_attr *given = rt__node_attr(e->n, "alpha");
    rt_attr alpha = {.name = "alpha", .kind = RT_ATTR_FLOAT, .value.f = given ? given->value.f : 0};
    rt_edge out = rt__tf1_op(e, NULL, "LeakyRelu", &x, 1);
    rt__builder_attr(&e->t->b, out.node, &alpha);
    return out;
}

static rt_edge elu(const rt_tf1_emission *e, rt_edge x)
{
    const rt_attr *alpha = rt__node_attr(e->n, "alpha");
    if (!alpha || alpha->value.f != 1)
        e->t->b.code = rt__tf1_fail(e, "an elu whose alpha is not 1");
    return rt__tf1_op(e, NULL, "Elu", &x, 1);
}

static rt_edge swish(const rt_tf1_emission *e, rt_edge x)
{
    rt_edge gate = rt__tf1_op(e, "Sigmoid", "Sigmoid", &x, 1);
    return rt__tf1_op(e, NULL, "Mul", (rt_edge[]){x, gate}, 2);
}

/* x * relu6(x + 3) / 6 */
static rt_edge hard_swish(const rt_tf1_emission *e, rt_edge x)
{
    static const float three = 3, sixth = 1.0F / 6;
    rt_edge gate = rt__tf1_op(e, "Add", "Add", (rt_edge[]){x, rt__tf1_float_const(e, "three", &three, 1)}, 2);
    gate = rt__tf1_op(e, "Relu6", "Relu6", &gate, 1);
    gate = rt__tf1_op(e, "Mul", "Mul", (rt_edge[]){gate, rt__tf1_float_const(e, "sixth", &sixth, 1)}, 2);
    return rt__tf1_op(e, NULL, "Mul", (rt_edge[]){x, gate}, 2);
}

static const struct activation {
    const char *name;
    emit_activation *emit;
} activations[] = {
    {"relu", relu},       {"relu6", relu6},           {"sigmoid", sigmoid},
    {"tanh", hyperbolic}, {"leaky_relu", leaky_relu}, {"elu", elu},
    {"swish", swish},     {"hard_swish", hard_swish},
};

static const char *wanted_activation(const rt_tf1_emission *e)
{
    const rt_attr *attr = rt__node_attr(e->n, "activation");
    return attr && attr->kind == RT_ATTR_STRING ? attr->value.s.bytes : "";
}

const char *rt__tf1_before(const rt_tf1_emission *e, const char *part)
{
    return *wanted_activation(e) ? part : NULL;
}

rt_code rt__tf1_finish(const rt_tf1_emission *e, rt_edge x)
{
    const char *wanted = wanted_activation(e);
    e->t->made[e->node] = x;
    for (size_t i = 0; *wanted && i < sizeof activations / sizeof *activations; i++)
        if (strcmp(activations[i].name, wanted) == 0) {
            e->t->made[e->node] = activations[i].emit(e, x);
            return e->t->b.code;
        }
    return *wanted ? rt__tf1_fail(e, "TensorFlow 1.x has no op for its activation") : e->t->b.code;
}
