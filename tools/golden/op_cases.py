"""Runs single TensorFlow ops and writes what went in and came out, one case a line, for tests/unit/test_graph_ops.c.

    python tools/golden/op_cases.py > tests/unit/op_cases.txt        (TensorFlow 2.15.1)

A line is  mode|op|attributes|input ...|=|output  with values as  type:2x3:1,2,3,4,5,6.  In mode "const" all inputs
are constants; in mode "net" the first one is the image that is fed; in mode "self" every input is that image; in mode
"gate" the second one is its mean over height and width.  Attributes that stand at their default are left
out, as hub modules leave them out.
"""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import attr_value_pb2, graph_pb2
from tensorflow.python.framework import op_def_registry

LETTERS = {np.float32: "f", np.int32: "i", np.int64: "l", np.bool_: "b", np.float16: "h", np.uint8: "u",
           np.float64: "d"}
RANDOM = np.random.RandomState(1)


class Quantised:
    def __init__(self, letter, values):
        self.letter, self.values = letter, np.asarray(values)
        self.dtype = {"q": tf.quint8, "Q": tf.qint8}[letter]


def text(value):
    letter = value.letter if isinstance(value, Quantised) else LETTERS[value.dtype.type]
    array = value.values if isinstance(value, Quantised) else value
    numbers = array.astype(np.int64) if letter in "bqQ" else array
    words = [f"{v:.9g}" if letter in "fhd" else str(v) for v in numbers.ravel().tolist()]
    return f"{letter}:{'x'.join(map(str, array.shape))}:{','.join(words)}"


def attribute(name, value):
    a = attr_value_pb2.AttrValue()
    if isinstance(value, bool):
        a.b = value
        return a, f"{name}=b{int(value)}"
    if isinstance(value, int):
        a.i = value
        return a, f"{name}=i{value}"
    if isinstance(value, float):
        a.f = value
        return a, f"{name}=f{value:.9g}"
    if isinstance(value, str):
        a.s = value.encode()
        return a, f"{name}=s{value}"
    if isinstance(value, tf.DType):
        a.type = value.as_datatype_enum
        return a, f"{name}=t{value.as_datatype_enum}"
    a.list.i.extend(value)
    return a, f"{name}=l{','.join(map(str, value))}"


def run(mode, op, inputs, attrs=None, output=0):
    inputs = [v if isinstance(v, Quantised) else np.asarray(v) for v in inputs]
    inputs = [v if isinstance(v, Quantised) else v.astype(np.int32) if v.dtype == np.int64 else
              v.astype(np.float32) if v.dtype == np.float64 else v for v in inputs]
    words = []
    graph = tf.Graph()
    with graph.as_default():
        tensors = []
        for v in inputs:
            if isinstance(v, Quantised):
                tensors.append(tf.bitcast(tf.constant(v.values, tf.uint8 if v.letter == "q" else tf.int8), v.dtype))
            else:
                tensors.append(tf.constant(v))
        definition = graph_pb2.GraphDef()
        definition.versions.producer = 8 if op.startswith("BatchNormWith") else 21  # removed from 9 on
        node = definition.node.add(name="case", op=op)
        names = {f"x{i}": t for i, t in enumerate(tensors)}
        for name, t in names.items():
            definition.node.add(name=name, op="Placeholder").attr["dtype"].type = t.dtype.as_datatype_enum
            node.input.append(name)
        at = 0
        for arg in op_def_registry.get(op).input_arg:
            count = len(tensors) - len(op_def_registry.get(op).input_arg) + 1 if arg.number_attr else 1
            if arg.number_attr:
                node.attr[arg.number_attr].i = count
            if arg.type_attr:
                node.attr[arg.type_attr].type = tensors[at].dtype.as_datatype_enum
                words.append(f"{arg.type_attr}=t{tensors[at].dtype.as_datatype_enum}")
            at += count
        for name, value in (attrs or {}).items():
            node.attr[name].CopyFrom(attribute(name, value)[0])
            words.append(attribute(name, value)[1])
        definition.node.append(node)
        del definition.node[0]
        result = tf.import_graph_def(definition, input_map=names, return_elements=[f"case:{output}"], name="")[0]
    with tf.compat.v1.Session(graph=graph) as session:
        got = session.run(result)
    words = sorted(set(words)) + ([f"output=i{output}"] if output else [])
    print("|".join([mode, op, " ".join(words), " ".join(map(text, inputs)), "=", text(np.asarray(got))]))


def const(op, inputs, attrs=None, output=0):
    run("const", op, inputs, attrs, output)


def net(op, inputs, attrs=None):
    run("net", op, inputs, attrs)


def image(h, w):
    return RANDOM.randint(-8, 9, (1, h, w, 3)).astype(np.float32) / 4


def weights(*shape):
    return RANDOM.randint(-8, 9, shape).astype(np.float32) / 8


def arithmetic():
    column, row = np.float32([[1.5], [-2]]), np.float32([3, -4, 0.3])
    for op in ["Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference", "FloorDiv",
               "FloorMod"]:
        const(op, [column, row])
        const(op, [row, np.float32(7.7)])
    const("Pow", [np.float32([[1.5], [2]]), row])
    for op in ["AddV2", "Sub", "Mul", "Maximum", "Minimum", "FloorDiv", "FloorMod"]:
        const(op, [np.int32([[7], [-7]]), np.int32([2, -2, 3])])
        const(op, [np.int64([7, -9]).astype(np.int64), np.int64(4)])
    values = np.float32([-3, -0.75, 0, 0.5, 1, 2.5, 5.9, 6, 7])
    for op in ["Elu", "Exp", "Neg", "Relu", "Relu6", "Round", "Sigmoid", "Square", "Tanh"]:
        const(op, [values])
    for op in ["Log", "Rsqrt", "Sqrt"]:
        const(op, [values[3:]])
    const("Neg", [np.int32([-3, 0, 2147483647])])
    const("Square", [np.int32([-3, 50000])])
    const("Cast", [np.float32([-2.7, 2.7, 0.5, 255])], {"DstT": tf.int32})
    const("Cast", [np.int32([-2, 300])], {"DstT": tf.float32})
    const("Cast", [np.uint8([0, 200])], {"DstT": tf.float32})
    const("Cast", [np.float16([0.1, -2, 6e-8, 65504])], {"DstT": tf.float32})
    const("Cast", [np.int32([0, 7, -1])], {"DstT": tf.bool})
    const("Cast", [np.int32([5, -7])], {"DstT": tf.int64})
    const("Select", [np.array([True, False]), np.float32([1, 2]), np.float32([3, 4])])
    const("Select", [np.array(False), np.int32([1, 2]), np.int32([3, 4])])


def arrays():
    cube = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    ints = np.arange(6, dtype=np.int32).reshape(2, 3)
    const("Reshape", [cube, [4, -1]])
    const("Reshape", [cube, [2, 2, 6]])
    const("Squeeze", [cube.reshape(1, 2, 1, 12)])
    const("Squeeze", [cube.reshape(1, 2, 1, 12)], {"squeeze_dims": [-2]})
    const("ExpandDims", [ints, -1])
    const("ExpandDims", [ints, 0])
    const("Transpose", [cube, [2, 0, 1]])
    const("Pack", [ints, ints + 10, ints + 20], {"axis": 1})
    const("Pack", [np.int32(4), np.int32(5)])
    const("Pack", [ints, ints + 10], {"axis": -1})
    const("Unpack", [cube], {"num": 3, "axis": 1}, 2)
    const("Unpack", [ints], {"num": 2}, 1)
    const("Concat", [np.int32(1), ints, ints])
    const("ConcatV2", [cube, cube[:, :1] + 100, np.int32(-2)])
    const("Split", [np.int32(2), cube], {"num_split": 2}, 1)
    const("Shape", [cube])
    const("Shape", [cube], {"out_type": tf.int64})
    const("Rank", [cube])
    const("Size", [cube])
    const("Fill", [[2, 3], np.float32(2.5)])
    const("Range", [np.int32(2), np.int32(11), np.int32(3)])
    const("Range", [np.int32(5), np.int32(-5), np.int32(-4)])
    const("Range", [np.float32(0), np.float32(1), np.float32(0.25)])
    const("Slice", [cube, [0, 1, 2], [1, -1, 2]])
    const("Tile", [ints, [2, 2]])
    const("Gather", [cube, [1, 0, 1]])
    const("GatherV2", [cube, np.int32([[2, 0], [1, 1]]), np.int32(1)])
    const("GatherV2", [ints, np.int32(2), np.int32(-1)])
    for op in ["Sum", "Mean", "Max", "Min", "Prod"]:
        const(op, [cube / 8 - 1, [1]])
        const(op, [ints, [-1]], {"keep_dims": True})
        const(op, [ints, [0, 1]])


def slices():
    cube = np.arange(60, dtype=np.int32).reshape(3, 4, 5)
    const("StridedSlice", [np.int32([1, 224, 224, 3]), [1], [3], [1]])
    const("StridedSlice", [np.int32([1, 224, 224, 3]), [0], [1], [1]], {"shrink_axis_mask": 1})
    const("StridedSlice", [np.int32([1, 224, 224, 3]), [-1], [0], [1]], {"shrink_axis_mask": 1})
    const("StridedSlice", [cube, [0, 1], [0, 3], [1, 1]], {"begin_mask": 1, "end_mask": 1})
    const("StridedSlice", [cube, [-1, 3], [-3, 0], [-1, -2]])
    const("StridedSlice", [cube, [0], [0], [-1]], {"begin_mask": 1, "end_mask": 1})
    const("StridedSlice", [cube, [0, 1], [0, 9], [1, 2]], {"ellipsis_mask": 1})
    const("StridedSlice", [cube, [1, 0, 0], [2, 0, 2], [1, 1, 1]], {"ellipsis_mask": 2, "shrink_axis_mask": 1})
    const("StridedSlice", [cube, [0, 2, 0], [0, 3, 0], [1, 1, 1]],
          {"new_axis_mask": 1, "begin_mask": 4, "end_mask": 4})
    const("StridedSlice", [cube, [2], [1], [1]])


def quantised():
    values = np.float32([-7, -1.02, -0.013, 0, 0.0041, 0.5, 0.99, 6.3, 9])
    const("FakeQuantWithMinMaxVars", [values, np.float32(-1.1), np.float32(6.2)])
    const("FakeQuantWithMinMaxVars", [values, np.float32(0), np.float32(6)], {"num_bits": 4, "narrow_range": True})
    const("FakeQuantWithMinMaxVars", [values, np.float32(0), np.float32(0)])
    const("FakeQuantWithMinMaxVars", [values, np.float32(1), np.float32(3)])
    const("FakeQuantWithMinMaxVars", [values, np.float32(-3), np.float32(-1)])
    const("FakeQuantWithMinMaxArgs", [values])
    const("FakeQuantWithMinMaxArgs", [values], {"min": -1.0, "max": 1.5, "num_bits": 5})
    const("FakeQuantWithMinMaxVarsPerChannel", [values.reshape(3, 3), np.float32([-1, -7, 0]), np.float32([1, 9, 3])])
    unsigned, signed = Quantised("q", [0, 1, 77, 128, 255]), Quantised("Q", [-128, -1, 0, 1, 127])
    for mode in ["MIN_COMBINED", "MIN_FIRST", "SCALED"]:
        for low, high in [(-1.3, 2.1), (0.0, 6.0), (-0.51, 0.37), (-40.25, 17.9)]:
            const("Dequantize", [unsigned, np.float32(low), np.float32(high)], {"mode": mode})
            const("Dequantize", [signed, np.float32(low), np.float32(high)], {"mode": mode})
    const("Dequantize", [unsigned, np.float32(-0.7), np.float32(0.9)])


def windows():
    for h, w, kernels in [(4, 5, [1, 2, 3]), (5, 4, [3, 4])]:
        for kernel in kernels:
            for stride in [1, 2, 3]:
                for padding in ["SAME", "VALID"]:
                    s = {"strides": [1, stride, stride, 1], "padding": padding}
                    net("Conv2D", [image(h, w), weights(kernel, kernel, 3, 1)], s)
                    if kernel == stride or kernel == 3:
                        pool = dict(s, ksize=[1, kernel, kernel, 1])
                        net("MaxPool", [image(h, w)], pool)
                        net("AvgPool", [image(h, w)], pool)
    s = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    net("Conv2D", [image(6, 7), weights(3, 2, 3, 2)], dict(s, dilations=[1, 2, 3, 1]))
    net("Conv2D", [image(6, 7), weights(2, 2, 3, 1)],
        dict(strides=[1, 2, 1, 1], padding="EXPLICIT", explicit_paddings=[0, 0, 2, 1, 0, 3, 0, 0]))
    net("MaxPool", [image(4, 5)], dict(ksize=[1, 3, 2, 1], strides=[1, 2, 1, 1], padding="EXPLICIT",
                                       explicit_paddings=[0, 0, 1, 0, 0, 1, 0, 0]))
    net("MaxPool", [image(5, 5)], dict(ksize=[1, 1, 2, 1], strides=[1, 2, 3, 1], padding="SAME"))
    net("AvgPool", [image(4, 5)], dict(ksize=[1, 4, 5, 1], strides=[1, 1, 1, 1], padding="VALID"))
    net("AvgPool", [image(2, 3)], dict(ksize=[1, 7, 7, 1], strides=[1, 2, 2, 1], padding="SAME"))
    for stride in [1, 2]:
        for multiplier in [1, 2]:
            net("DepthwiseConv2dNative", [image(5, 6), weights(3, 3, 3, multiplier)],
                {"strides": [1, stride, stride, 1], "padding": "SAME"})


def layers():
    vectors = [np.float32([1.5, 0.5, 2]), np.float32([0.1, -1, 0]), np.float32([0.3, 0, -0.7]),
               np.float32([0.5, 2, 0.0004])]
    for op in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"]:
        net(op, [image(2, 2)] + vectors, {"is_training": False})
        net(op, [image(2, 2)] + vectors, {"is_training": False, "epsilon": 0.001})
    for scaled in [False, True]:
        net("BatchNormWithGlobalNormalization", [image(2, 2), vectors[2], vectors[3], vectors[1], vectors[0]],
            {"variance_epsilon": 0.01, "scale_after_normalization": scaled})
    net("BiasAdd", [image(2, 2), vectors[0]])
    for op in ["Relu", "Relu6", "Sigmoid", "Tanh", "LeakyRelu", "Neg", "Identity"]:
        net(op, [image(3, 3) * 4])
    net("LeakyRelu", [image(3, 3)], {"alpha": 0.3})
    for op in ["AddV2", "Sub", "Mul", "RealDiv"]:
        net(op, [image(2, 3), vectors[0]])
        net(op, [image(2, 3), np.float32(1.7)])
    net("Mean", [image(3, 4), [1, 2]])
    net("Mean", [image(3, 4), [-2, 1]], {"keep_dims": True})
    net("Pad", [image(2, 3), [[0, 0], [1, 2], [0, 3], [0, 0]]])
    net("PadV2", [image(2, 3), [[0, 0], [1, 0], [2, 0], [0, 0]], np.float32(0)])
    net("Reshape", [image(2, 3), [-1, 18]])
    net("Reshape", [image(2, 3), [1, 3, 6]])
    net("ExpandDims", [image(2, 3), np.int32(1)])
    net("FakeQuantWithMinMaxVars", [image(3, 3), np.float32(-1.1), np.float32(1.9)])
    net("FakeQuantWithMinMaxArgs", [image(3, 3) * 4])
    net("Squeeze", [image(1, 4)], {"squeeze_dims": [1]})
    net("Softmax", [image(1, 1)])
    net("Maximum", [image(3, 3), np.float32(0)])


def of_two():
    x = image(3, 4)
    run("self", "Mul", [x, x])
    run("self", "AddN", [x, x, x])
    run("gate", "Mul", [x, x.mean((1, 2), keepdims=True, dtype=np.float64).astype(np.float32)])
    net("AddN", [x])


def selections():
    net("StridedSlice", [image(2, 3), [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, -1]],
        {"begin_mask": 15, "end_mask": 15})
    net("StridedSlice", [image(2, 3), [0, -1], [0, -4], [1, -1]], {"ellipsis_mask": 1})
    net("StridedSlice", [image(4, 5), [0, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]], {"begin_mask": 9, "end_mask": 15})
    net("StridedSlice", [image(5, 6), [0, 1, 2, 1], [0, 4, 6, 3], [1, 2, 1, 1]], {"begin_mask": 1, "end_mask": 1})
    net("StridedSlice", [image(7, 7), [0, 0, 1], [0, 3, 7], [1, 1, 3]], {"begin_mask": 1, "end_mask": 1})
    net("StridedSlice", [image(2, 2), [0, 0], [0, 2], [1, 1]], {"begin_mask": 1, "end_mask": 1})
    net("Slice", [image(4, 5), [0, 1, 0, 1], [1, 2, -1, 1]])
    net("ReverseV2", [image(2, 3), [-1]])
    net("GatherV2", [image(2, 3), [2, 0, 1, 1], np.int32(3)])
    for op in ["Max", "Mean"]:
        net(op, [image(3, 4), [1, 2]])
        net(op, [image(3, 4), [2, 1]], {"keep_dims": True})
    net("ResizeBilinear", [image(3, 4), [3, 4]])
    net("ResizeNearestNeighbor", [image(3, 4), [3, 4]], {"half_pixel_centers": True})


def units():
    for op in ["Elu", "Selu"]:
        net(op, [image(3, 4) * 2])


def groups():
    net("Conv2D", [image(3, 4), weights(2, 2, 1, 6)], {"strides": [1, 1, 1, 1], "padding": "SAME"})


def bounds():
    for low, high in [(0.0, 1.0), (-0.75, 1.25), (0.0, 6.0), (-3.0, -1.0)]:
        net("ClipByValue", [image(3, 3), np.float32(low), np.float32(high)])
        net("Maximum", [image(3, 3), np.float32(low)])
        net("Minimum", [np.float32(image(3, 3)), np.float32(high)])


for section in [arithmetic, arrays, slices, quantised, windows, layers, of_two, selections, bounds, groups, units]:
    section()
