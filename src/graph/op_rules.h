/* The rules that ops.c puts into its table.  Private to graph/. */
#ifndef RT_GRAPH_OP_RULES_H
#define RT_GRAPH_OP_RULES_H

#include "ops.h"

/* shape_image.c: networks */
rt_shape_rule rt__shape_conv, rt__shape_depthwise, rt__shape_pool, rt__shape_matmul, rt__shape_bias;
rt_shape_rule rt__shape_batch_norm;
rt_shape_rule rt__shape_resize;
/* shape_fused.c: the rt.* ops */
rt_shape_rule rt__shape_rt_conv, rt__shape_rt_depthwise, rt__shape_rt_pool, rt__shape_rt_global_average;
rt_shape_rule rt__shape_rt_concat, rt__shape_rt_reshape, rt__shape_rt_pad, rt__shape_rt_add, rt__shape_rt_mul;
/* shape_array.c: the rest */
rt_shape_rule rt__shape_same, rt__shape_broadcast, rt__shape_const, rt__shape_placeholder, rt__shape_scalar;
rt_shape_rule rt__shape_reduce, rt__shape_squeeze, rt__shape_reshape, rt__shape_expand_dims;
rt_shape_rule rt__shape_transpose, rt__shape_pad, rt__shape_concat, rt__shape_pack, rt__shape_unpack;
rt_shape_rule rt__shape_shape, rt__shape_strided_slice, rt__shape_slice, rt__shape_fill, rt__shape_range;
rt_shape_rule rt__shape_gather, rt__shape_tile, rt__shape_split, rt__shape_select, rt__shape_none,
    rt__shape_equal_inputs;

/* eval_arith.c: element by element */
rt_eval_rule rt__eval_unary, rt__eval_binary, rt__eval_cast;
/* eval_array.c: moving elements about */
rt_eval_rule rt__eval_copy, rt__eval_pack, rt__eval_unpack, rt__eval_concat, rt__eval_shape, rt__eval_rank;
rt_eval_rule rt__eval_size, rt__eval_fill, rt__eval_range, rt__eval_tile, rt__eval_split, rt__eval_select;
/* eval_view.c: outputs whose elements stand at regular steps in the input */
rt_eval_rule rt__eval_transpose, rt__eval_strided_slice, rt__eval_slice, rt__eval_gather, rt__eval_reduce;
/* eval_quant.c */
rt_eval_rule rt__eval_fake_quant_vars, rt__eval_fake_quant_args, rt__eval_fake_quant_channels;
rt_eval_rule rt__eval_dequantize;

/* lower_conv.c */
rt_lower_rule rt__lower_conv, rt__lower_depthwise, rt__lower_matmul, rt__lower_pool;
/* lower_affine.c */
rt_lower_rule rt__lower_bias, rt__lower_batch_norm, rt__lower_global_norm, rt__lower_arith, rt__lower_neg;
rt_lower_rule rt__lower_add_n;
/* lower_activation.c */
rt_lower_rule rt__lower_activation, rt__lower_leaky_relu, rt__lower_bound, rt__lower_softmax;
rt_lower_rule rt__lower_clip, rt__lower_elu;
rt_lower_rule rt__lower_fake_quant;
/* lower_shape.c */
rt_lower_rule rt__lower_identity, rt__lower_cast, rt__lower_mean, rt__lower_view, rt__lower_pad;
rt_lower_rule rt__lower_max, rt__lower_resize, rt__lower_concat, rt__lower_transpose, rt__lower_placeholder,
    rt__lower_keep;

/* lower_select.c */
rt_lower_rule rt__lower_slice, rt__lower_strided_slice, rt__lower_reverse, rt__lower_gather;

/* What a slice or strided slice takes: count[i] elements of input axis i from start[i] in steps of step[i].
 */
typedef struct rt_slice {
    int rank; /* of the input */
    int64_t start[RT_MAX_RANK], step[RT_MAX_RANK], count[RT_MAX_RANK];
    rt_shape out; /* with new axes put in and shrunk ones left out */
} rt_slice;

rt_code rt__slice_of_slice(const rt_op_call *call, rt_slice *slice, rt_error *err);
rt_code rt__slice_of_strided_slice(const rt_op_call *call, rt_slice *slice, rt_error *err);
/* Axes of a reduction as flags by axis. */
rt_code rt__reduce_axes(const rt_op_call *call, bool reduced[RT_MAX_RANK], rt_error *err);
/* The axis of a concatenation; *first is the first of its *n parts among the inputs. */
rt_code rt__concat_parts(const rt_op_call *call, int *axis, uint32_t *first, uint32_t *n, rt_error *err);

#endif
