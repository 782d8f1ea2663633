"""Cuts what retrain exported at the feature vector, so that no peer runs the classifier behind it."""
import onnx
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.lite.python import schema_py_generated as schema


def onnx_file(source, dest):
    """Weights are no inputs afterwards: ONNX Runtime folds and packs only what cannot be given anew."""
    model = onnx.load(source)
    graph = model.graph
    last = next(node for node in reversed(graph.node) if node.op_type in ('Gemm', 'MatMul'))
    feature = last.input[0]
    needed, kept = {feature}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    weights = {weight.name: weight for weight in graph.initializer if weight.name in needed}
    pixels = [value for value in graph.input if value.name not in weights and value.name in needed]
    output = onnx.helper.make_tensor_value_info(feature, onnx.TensorProto.FLOAT, None)
    cut = onnx.helper.make_graph(kept[::-1], 'network', pixels, [output], list(weights.values()))
    model = onnx.helper.make_model(cut, opset_imports=model.opset_import, ir_version=max(4, model.ir_version))
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, dest)


def tflite_file(source, dest):
    model = flatbuffer_utils.read_model(source)
    graph = model.subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    last = max(i for i, op in enumerate(graph.operators)
               if codes[op.opcodeIndex] == schema.BuiltinOperator.FULLY_CONNECTED)
    graph.outputs = [graph.operators[last].inputs[0]]
    graph.operators = graph.operators[:last]
    model.signatureDefs, model.metadata = [], []
    flatbuffer_utils.write_model(model, dest)


def frozen_file(source, dest):
    """Returns the names of the tensors for pixels and vector."""
    graph = tf.compat.v1.GraphDef()
    with open(source, 'rb') as file:
        graph.ParseFromString(file.read())
    nodes = {node.name: node for node in graph.node}
    last = next(node for node in reversed(graph.node) if node.op == 'MatMul')
    feature = nodes[last.input[0]].input[0]  # a placeholder with this default stands between
    graph = tf.compat.v1.graph_util.extract_sub_graph(graph, [feature])
    pixels = [node.name for node in graph.node if node.op == 'Placeholder']
    if len(pixels) != 1:
        raise ValueError('%s: takes %s, not pixels alone' % (source, ', '.join(pixels)))
    with open(dest, 'wb') as file:
        file.write(graph.SerializeToString())
    return pixels[0] + ':0', feature + ':0'
