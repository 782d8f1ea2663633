"""SavedModel, checkpoint and hub module of retrain export in TensorFlow; models of other programs in retrain."""
import os
import tempfile
import unittest

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from tensorflow.lite.python.interpreter import Interpreter, OpResolverType

import common
from old_hub import hub

tf1 = tf.compat.v1
PHOTOS = [common.flower(name) for name in common.golden_photos()]
MODELS = os.path.join(common.SHARED, 'models')
RUN = os.path.join(common.REFERENCE, 'retrain_run', 'defaults')


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def path(self, name):
        return os.path.join(self.folder, name)


def matrix(scores, names):
    return np.array([[row[name] for name in names] for row in scores], np.float32)


def read_labels(path):
    with open(path, encoding='utf-8') as file:
        return file.read().splitlines()


class Forms:
    """What holds for any classifier; the classes below say which."""
    graph = labels = size = None
    flags = ()

    def setUp(self):
        super().setUp()
        names = read_labels(self.labels)
        self.ours = matrix(common.label(self.graph, PHOTOS, '--labels', self.labels, *self.flags), names)
        self.pixels = [common.pixels(photo, self.size, self.size).astype(np.float32) for photo in PHOTOS]

    def export(self, form, name):
        common.retrain('export', '--format', form, '--labels', self.labels, *self.flags, self.graph, self.path(name))
        return self.path(name)

    def check(self, what, theirs):
        np.testing.assert_allclose(self.ours, np.concatenate(theirs), rtol=0, atol=1e-5)
        print('%s: largest difference %.2g' % (what, np.abs(self.ours - np.concatenate(theirs)).max()))

    def test_saved_model_in_tensorflow_1(self):
        folder = self.export('saved_model', 'saved')
        with tf1.Session(graph=tf.Graph()) as session:
            meta = tf1.saved_model.loader.load(session, ['serve'], folder)
            signature = meta.signature_def['serving_default']
            self.assertEqual(signature.method_name, 'tensorflow/serving/predict')
            feed, fetch = signature.inputs['image'].name, signature.outputs['prediction'].name
            self.check('SavedModel', [session.run(fetch, {feed: image}) for image in self.pixels])

    def test_saved_model_in_tensorflow_2(self):
        predict = tf.saved_model.load(self.export('saved_model', 'saved')).signatures['serving_default']
        self.check('SavedModel, TensorFlow 2',
                   [predict(image=tf.constant(image))['prediction'].numpy() for image in self.pixels])

    def test_checkpoint_is_restored(self):
        prefix = self.export('checkpoint', 'model')
        self.assertEqual(tf1.train.latest_checkpoint(self.folder), prefix)
        with tf1.Session(graph=tf.Graph()) as session:
            saver = tf1.train.import_meta_graph(prefix + '.meta')
            saver.restore(session, prefix)
            self.assertEqual(session.run(tf1.report_uninitialized_variables()).size, 0)
            graph = session.graph.as_graph_def()
            feed = next(node.name for node in graph.node if node.op == 'Placeholder')
            fetch = next(node.name for node in graph.node if node.op == 'Softmax')
            self.check('checkpoint', [session.run(fetch + ':0', {feed + ':0': image}).reshape(1, -1)
                                      for image in self.pixels])

    def test_hub_module(self):
        folder = self.export('hub_module', 'hub')
        with tf.Graph().as_default(), tf1.Session() as session:
            spec = hub.load_module_spec(folder)
            self.assertEqual(tuple(hub.get_expected_image_size(hub.Module(spec))), (self.size, self.size))
            self.assertLessEqual({'default', 'image_classification'}, set(spec.get_signature_names()))
            module = hub.Module(spec)
            images = tf1.placeholder(tf.float32, [None, self.size, self.size, 3])
            by_default, named = module(images), module(images, signature='image_classification')
            vector = module(images, signature='image_feature_vector') \
                if 'image_feature_vector' in spec.get_signature_names() else None
            session.run([tf1.global_variables_initializer(), tf1.tables_initializer()])
            self.check('hub module', [session.run(by_default, {images: image}) for image in self.pixels])
            np.testing.assert_array_equal(*session.run([by_default, named], {images: self.pixels[0]}))
            self.check_vector(vector, session, images)

    def check_vector(self, vector, session, images):
        self.assertIsNone(vector)  # the last layer reads a map


class RetrainPy(Forms, Scratch):
    """A graph of the real retrain.py."""
    graph = os.path.join(RUN, 'output_graph.pb')
    labels = os.path.join(RUN, 'output_labels.txt')
    size = 224

    def check_vector(self, vector, session, images):
        theirs = np.load(os.path.join(common.GOLDEN, 'features_mobilenet_v1_025_224_feature_vector.npy'))
        ours = np.concatenate([session.run(vector, {images: image}) for image in self.pixels])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)


class Frozen(Forms, Scratch):
    """A frozen classifier that knows nothing of retrain."""
    graph = os.path.join(MODELS, 'mobilenet_v1_0.25_128_frozen.pb')
    labels = os.path.join(MODELS, 'imagenet_labels_1001.txt')
    size = 128
    flags = ('--input_mean', '127.5', '--input_std', '127.5')


class TensorFlowLite(Scratch):
    """Files that TensorFlow's converters wrote, in retrain and in the interpreter."""

    def interpret(self, path, resolver):
        runner = Interpreter(path, experimental_op_resolver_type=resolver)
        runner.allocate_tensors()
        given, result = runner.get_input_details()[0], runner.get_output_details()[0]
        height, width = given['shape'][1:3]
        rows = []
        for photo in PHOTOS:
            pixels = common.pixels(photo, height, width) * 255
            if given['dtype'] == np.uint8:
                pixels = np.floor(pixels + 0.5).clip(0, 255)
            else:
                pixels = (pixels - 127.5) / 127.5
            runner.set_tensor(given['index'], pixels.astype(given['dtype']))
            runner.invoke()
            scale, zero = result['quantization']
            row = runner.get_tensor(result['index']).reshape(-1).astype(np.float32)
            rows.append((row - zero) * scale if scale else row)
        return np.array(rows)

    def compare(self, name, labels, most, least_equal):
        path, labels = os.path.join(MODELS, name), os.path.join(MODELS, labels)
        ours = matrix(common.label(path, PHOTOS, '--labels', labels), read_labels(labels))
        theirs = self.interpret(path, OpResolverType.AUTO)
        difference = np.abs(ours - theirs).max()
        equal = sum(row[mine.argmax()] == row.max() for mine, row in zip(ours, theirs))
        print('%s: largest difference %.2g, top class equal %d of %d' % (name, difference, equal, len(PHOTOS)))
        self.assertLessEqual(difference, most)
        self.assertGreaterEqual(equal, least_equal)

    def test_float(self):
        self.compare('retrained_glasses.tflite', 'retrained_glasses_labels.txt', 2e-5, 20)

    def test_eight_bits(self):
        # Where a sum lies between two steps, integers and floats round apart, and so do the interpreter's own two
        # sets of kernels.
        for name in ('mobilenet_v1_0.25_128_quant', 'mobilenet_v2_1.0_224_quant', 'tf2_mobilenet_v2_1.0_224_ptq'):
            self.compare(name + '.tflite', 'imagenet_labels_1001.txt', 0.1, 19)


class Graph:
    """An ONNX model under construction."""

    def __init__(self, opset, shape):
        self.opset, self.nodes, self.weights = opset, [], []
        self.input = helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)
        self.random = np.random.RandomState(opset)

    def constant(self, value):
        name = 'constant_%d' % len(self.weights)
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def floats(self, *shape, at=0.0):
        return self.constant((self.random.uniform(-0.4, 0.4, shape) + at).astype(np.float32))

    def add(self, op, *inputs, **attributes):
        name = '%s_%d' % (op, len(self.nodes))
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def save(self, output, path):
        output = helper.make_tensor_value_info(output, TensorProto.FLOAT, [None, 4])
        graph = helper.make_graph(self.nodes, 'g', [self.input], [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', self.opset)], ir_version=6)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)


def channels_first(opset, path):
    """What exporters of PyTorch write: groups, uneven windows, arithmetic on shapes before a classifier of a map."""
    g = Graph(opset, ['N', 3, 17, 17])
    x = g.add('Conv', 'x', g.floats(6, 3, 3, 3), g.floats(6), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    x = g.add('BatchNormalization', x, g.floats(6, at=1), g.floats(6), g.floats(6), g.floats(6, at=1), epsilon=1e-3)
    a = g.add('Clip', x, g.constant(np.float32(0)), g.constant(np.float32(6))) if opset >= 11 \
        else g.add('Clip', x, min=0.0, max=6.0)
    x = g.add('Conv', a, g.floats(6, 1, 3, 3), g.floats(6), group=6, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = g.add('Conv', g.add('LeakyRelu', x, alpha=0.2), g.floats(6, 2, 1, 1), group=3)
    x = g.add('Add', x, a)
    rounding = {'ceil_mode': 1} if opset > 9 else {}
    p = g.add('MaxPool', x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], **rounding)
    q = g.add('AveragePool', x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    x = g.add('Concat', p, q, axis=1)
    x = g.add('Mul', x, g.add('Sigmoid', x))
    x = g.add('Sub', g.constant(np.float32(1)), g.add('Mul', x, g.floats(12, 1, 1)))
    x = g.add('Mul', x, g.add('HardSigmoid', x, alpha=1 / 6, beta=0.5))
    batch = g.add('Gather', g.add('Shape', x), g.constant(np.int64(0)), axis=0)
    batch = g.add('Unsqueeze', batch, g.constant(np.array([0]))) if opset >= 13 else g.add('Unsqueeze', batch, axes=[0])
    x = g.add('Reshape', x, g.add('Concat', batch, g.constant(np.array([-1])), axis=0))
    x = g.add('Gemm', g.add('Dropout', x), g.floats(9, 12 * 5 * 5), g.floats(9), transB=1, alpha=0.5, beta=2.0)
    x = g.add('Add', g.add('MatMul', g.add('Relu', x), g.floats(9, 4)), g.floats(4))
    g.save(g.add('Softmax', x, axis=1), path)


def channels_last(opset, path):
    """What converters of Keras and quantisers write: one transposition, 8 bits between the layers."""
    g = Graph(opset, [1, 16, 16, 3])
    scale, zero = g.constant(np.float32(0.02)), g.constant(np.uint8(120))
    x = g.add('Div', g.add('Sub', 'x', g.floats(3)), g.floats(3, at=1))
    x = g.add('Pad', g.add('Transpose', x, perm=[0, 3, 1, 2]), g.constant(np.array([0, 0, 0, 0, 0, 0, 1, 1])))
    x = g.add('QuantizeLinear', g.add('Conv', x, g.floats(8, 3, 3, 3), strides=[2, 2]), scale, zero)
    weights = g.add('DequantizeLinear', g.constant(g.random.randint(-127, 127, (5, 8, 3, 3)).astype(np.int8)),
                    g.constant(g.random.uniform(0.001, 0.004, 5).astype(np.float32)),
                    g.constant(np.zeros(5, np.int8)), axis=0)
    x = g.add('Conv', g.add('DequantizeLinear', x, scale, zero), weights, auto_pad='SAME_LOWER', strides=[2, 2])
    x = g.add('Clip', x, g.constant(np.float32(-0.5)), g.constant(np.float32(0.7)))
    x = g.add('Conv', g.add('ReduceMean', x, axes=[2, 3], keepdims=1), g.floats(4, 5, 1, 1), g.floats(4))
    g.save(g.add('Softmax', g.add('Squeeze', x, g.constant(np.array([2, 3])))), path)


class Onnx(Scratch):
    """Models of many operators, in retrain and in ONNX Runtime."""

    def compare(self, make, opset):
        path, labels = self.path('model.onnx'), self.path('labels.txt')
        make(opset, path)
        names = ['a', 'b', 'c', 'd']
        with open(labels, 'w', encoding='utf-8') as file:
            file.write('\n'.join(names) + '\n')
        ours = matrix(common.label(path, PHOTOS, '--labels', labels, '--input_mean', '127.5', '--input_std', '127.5'), names)
        session = onnxruntime.InferenceSession(path)
        planar = make is channels_first
        side = session.get_inputs()[0].shape[2]
        pixels = [common.pixels(photo, side, side, 127.5, 127.5) for photo in PHOTOS]
        feeds = [(image.transpose(0, 3, 1, 2) if planar else image).astype(np.float32) for image in pixels]
        theirs = np.concatenate([session.run(None, {'x': feed})[0] for feed in feeds])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
        print('%s, opset %d: largest difference %.2g' % (make.__name__, opset, np.abs(ours - theirs).max()))

    def test_channels_first(self):
        for opset in (9, 11, 13):
            self.compare(channels_first, opset)

    def test_channels_last(self):
        self.compare(channels_last, 13)


if __name__ == '__main__':
    unittest.main()
