/* A TensorFlow Lite model under construction: private to tflite*.c.
 *
 * Field numbers, enums and option tables are those of TensorFlow's schema.fbs, version 3. */
#ifndef RT_EXPORT_TFLITE_MODEL_H
#define RT_EXPORT_TFLITE_MODEL_H

#include "flatbuffer.h"
#include "graph/ops.h"
#include "tflite.h"

typedef enum rt_tfl_type {
    RT_TFL_FLOAT32 = 0,
    RT_TFL_INT32 = 2,
    RT_TFL_UINT8 = 3,
    RT_TFL_INT8 = 9
} rt_tfl_type;

/* BuiltinOperator */
typedef enum rt_tfl_op {
    RT_TFL_ADD = 0,
    RT_TFL_AVERAGE_POOL_2D = 1,
    RT_TFL_CONCATENATION = 2,
    RT_TFL_CONV_2D = 3,
    RT_TFL_DEPTHWISE_CONV_2D = 4,
    RT_TFL_FULLY_CONNECTED = 9,
    RT_TFL_LOGISTIC = 14,
    RT_TFL_MAX_POOL_2D = 17,
    RT_TFL_MUL = 18,
    RT_TFL_RELU = 19,
    RT_TFL_RELU6 = 21,
    RT_TFL_RESHAPE = 22,
    RT_TFL_SOFTMAX = 25,
    RT_TFL_TANH = 28,
    RT_TFL_PAD = 34,
    RT_TFL_MEAN = 40,
    RT_TFL_FAKE_QUANT = 80,
    RT_TFL_LEAKY_RELU = 98,
    RT_TFL_ELU = 111,
    RT_TFL_QUANTIZE = 114,
    RT_TFL_HARD_SWISH = 117
} rt_tfl_op;

/* ActivationFunctionType */
enum { RT_TFL_NO_ACTIVATION = 0, RT_TFL_FUSED_RELU = 1, RT_TFL_FUSED_RELU6 = 3, RT_TFL_FUSED_TANH = 4 };

/* Padding */
enum { RT_TFL_SAME = 0, RT_TFL_VALID = 1 };

/* BuiltinOptions */
enum {
    RT_TFL_NO_OPTIONS = 0,
    RT_TFL_CONV_OPTIONS = 1,
    RT_TFL_DEPTHWISE_OPTIONS = 2,
    RT_TFL_POOL_OPTIONS = 5,
    RT_TFL_FULLY_CONNECTED_OPTIONS = 8,
    RT_TFL_SOFTMAX_OPTIONS = 9,
    RT_TFL_CONCAT_OPTIONS = 10,
    RT_TFL_ADD_OPTIONS = 11,
    RT_TFL_RESHAPE_OPTIONS = 17,
    RT_TFL_MUL_OPTIONS = 21,
    RT_TFL_PAD_OPTIONS = 22,
    RT_TFL_REDUCER_OPTIONS = 27,
    RT_TFL_FAKE_QUANT_OPTIONS = 58,
    RT_TFL_LEAKY_RELU_OPTIONS = 75,
    RT_TFL_QUANTIZE_OPTIONS = 89,
    RT_TFL_HARD_SWISH_OPTIONS = 91
};

enum { RT_TFL_MAX_OPTIONS = 8 };

/* A field of an options table. */
typedef struct rt_tfl_option {
    enum { RT_TFL_U8, RT_TFL_U32, RT_TFL_F32 } kind;
    unsigned field;
    uint32_t value;
    float real;
} rt_tfl_option;

typedef struct rt_tfl_tensor {
    const char *name;
    rt_tfl_type type;
    int rank;
    int32_t shape[4];
    const void *data; /* NULL: not constant */
    size_t bytes;
    size_t n_scales; /* 0: not quantised; 1, or one for each index of dimension `axis` */
    const float *scales;
    const int64_t *zeros;
    int32_t axis;
} rt_tfl_tensor;

typedef struct rt_tfl_node {
    rt_tfl_op op;
    int32_t output;
    const int32_t *inputs;
    size_t n_inputs;
    uint8_t options_type; /* BuiltinOptions; 0: none */
    rt_tfl_option options[RT_TFL_MAX_OPTIONS];
    size_t n_options;
} rt_tfl_node;

typedef struct rt_tfl_build {
    rt_arena *arena;
    const rt_graph *graph;
    const rt_tflite_options *options;
    rt_edge input;
    rt_value *values;     /* type and shape of each node of graph */
    int32_t *tensor_of;   /* the tensor of each node of graph, once emitted */
    int32_t input_tensor; /* what the user feeds */
    rt_tfl_tensor *tensors;
    rt_tfl_node *nodes;
    size_t n_tensors, n_nodes, max_tensors, max_nodes;
    rt_error *err;
    rt_code code; /* of the first failed call; building calls do nothing after it */
} rt_tfl_build;

void *rt__tfl_room(rt_tfl_build *build, size_t count, size_t size);
void rt__tfl_fail(rt_tfl_build *build, rt_code code);
/* Index of a new tensor; shape of four dimensions at most. */
int32_t rt__tfl_tensor(rt_tfl_build *build, const char *name, const char *suffix, rt_tfl_type type,
                       const int64_t *shape, int rank, const void *data, size_t bytes);
/* A new operator; NULL after a failure. */
rt_tfl_node *rt__tfl_node(rt_tfl_build *build, rt_tfl_op op, uint8_t options_type, const int32_t *inputs,
                          size_t n_inputs, int32_t output);
void rt__tfl_option_u8(rt_tfl_node *node, unsigned field, uint8_t value);
void rt__tfl_option_u32(rt_tfl_node *node, unsigned field, uint32_t value);
void rt__tfl_option_f32(rt_tfl_node *node, unsigned field, float value);

/* Activations (tflite_quant.c): a tensor for a node's output, float or int8 with that range; and the same
 * with the quantisation of another tensor. */
int32_t rt__tfl_activation(rt_tfl_build *build, const char *name, const char *suffix, const rt_shape *shape,
                           rt_tflite_range range);
int32_t rt__tfl_like(rt_tfl_build *build, const char *name, const char *suffix, const rt_shape *shape,
                     int32_t like);
/* The same values as an int8 tensor in uint8: steps count from 0 instead of -128. */
int32_t rt__tfl_unsigned(rt_tfl_build *build, const char *name, const rt_shape *shape, int32_t like);
bool rt__tfl_same_quant(const rt_tfl_build *build, int32_t a, int32_t b);
/* Weights [.., outputs at axis] as float, or int8 with a scale for each index of axis (axis -1: one scale).
 */
int32_t rt__tfl_weights(rt_tfl_build *build, const char *name, const int64_t *shape, int rank,
                        const float *values, int axis);
/* Biases as float, or int32 of scale input * weights. */
int32_t rt__tfl_bias(rt_tfl_build *build, const char *name, const float *values, size_t n, int32_t input,
                     int32_t weights);

/* Emits one node of the fused list (tflite_ops.c). */
rt_code rt__tfl_emit(rt_tfl_build *build, uint32_t node);
/* Writes what was built (tflite_write.c); metadata: none when it is empty. */
rt_code rt__tfl_write(rt_tfl_build *build, int32_t input, int32_t output, const rt_buffer *metadata,
                      rt_buffer *file);

#endif
