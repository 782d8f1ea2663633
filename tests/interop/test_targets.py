"""What retrain export writes, run by OpenCV, ONNX Runtime and TensorFlow as their users run it, and held against the
rules of the parsers that cannot be had here: TensorRT's for ONNX and UFF."""
import json
import os
import tempfile
import unittest

import cv2
import numpy as np
import onnx
from onnx import version_converter
import onnxruntime
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

import common
import inception_v3

PHOTOS = [common.flower(name) for name in common.golden_photos()]
# What every version of TensorRT's ONNX parser takes: the list a Jetson's file may hold.
TENSORRT = {'Conv', 'BatchNormalization', 'Relu', 'Clip', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'Concat', 'Add',
            'Flatten', 'Gemm', 'Softmax'}
# The ops that NVIDIA's uff 0.6.9 registers (converter_functions.py) and a classifier may need.
UFF = {'Placeholder', 'Identity', 'Const', 'Add', 'Sub', 'Mul', 'Relu', 'Relu6', 'LeakyRelu', 'Tanh', 'Sigmoid', 'Softmax',
       'Minimum', 'Maximum', 'Reshape', 'ConcatV2', 'MaxPool', 'AvgPool', 'MatMul', 'Conv2D', 'DepthwiseConv2dNative',
       'BiasAdd', 'Mean', 'Squeeze', 'Pad'}
# jetson-inference: c/tensorConvert.cu, c/imageNet.cpp.
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)


def photo_bytes(path):
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3).numpy()


def jetson_inference(path, size):
    """Point-sampled, squashed, planar, normalised: what imagenet feeds the network."""
    image = photo_bytes(path)
    rows, columns = ((np.arange(size, dtype=np.float32) * (np.float32(n) / np.float32(size))).astype(int)
                     for n in image.shape[:2])
    image = image[rows][:, columns].astype(np.float32) / np.float32(255)
    return image[np.newaxis], (image.transpose(2, 0, 1)[np.newaxis] - IMAGENET_MEAN) / IMAGENET_STD


def nvinfer(image):
    """DeepStream: bytes of the scaled frame, net-scale-factor * (x - 0)."""
    frame = np.round(image * 255).astype(np.uint8)
    return frame, frame.astype(np.float32).transpose(0, 3, 1, 2) * np.float32(0.0039215697906911373)


def constant(nodes, name):
    return nodes[name].op == 'Const'


class Classifier:
    """What holds for any network; the classes below say which."""
    size = None
    flags = ()

    @classmethod
    def module(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        cls.photos = cls.path('photos')
        for label in sorted(os.listdir(common.FLOWERS)):
            if os.path.isdir(common.flower(label)):
                os.makedirs(os.path.join(cls.photos, label))
                for name in sorted(os.listdir(common.flower(label)))[:24]:
                    os.symlink(common.flower(label + '/' + name), os.path.join(cls.photos, label, name))
        cls.graph = cls.path('output_graph.pb')
        common.retrain('--image_dir', cls.photos, '--tfhub_module', cls.module(), '--output_graph', cls.graph,
                       '--output_labels', cls.path('labels.txt'), '--bottleneck_dir', cls.path('bottleneck'),
                       '--summaries_dir', cls.path('logs'), '--how_many_training_steps', '300', *cls.flags)
        with open(cls.path('labels.txt'), encoding='utf-8') as file:
            cls.labels = file.read().split()
        cls.pixels = [common.pixels(photo, cls.size, cls.size).astype(np.float32) for photo in PHOTOS]
        cls.source = common.read_graph(cls.graph)
        cls.expected = cls.run_graph(cls.source, cls.pixels)
        cls.files = {}

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def export(cls, name, *flags):
        if name not in cls.files:
            common.retrain('export', *flags, cls.graph, cls.path(name))
            cls.files[name] = cls.path(name)
        return cls.files[name]

    @classmethod
    def onnx(cls):
        return cls.export('model.onnx', '--format', 'onnx')

    @classmethod
    def uff(cls):
        return cls.export('uff.pb', '--format', 'frozen', '--for', 'uff')

    @classmethod
    def jetson(cls):
        return cls.export('jetson', '--target', 'jetson')

    @staticmethod
    def run_graph(graph_def, images):
        return np.array(common.run_graph(graph_def, [{'Placeholder:0': image} for image in images], 'final_result:0'))

    @staticmethod
    def run_onnx(path, feeds):
        session = onnxruntime.InferenceSession(path)
        return np.array([session.run(None, {'input_0': feed})[0][0] for feed in feeds])

    def same(self, what, ours, theirs):
        print('%s: largest difference %.2g' % (what, np.abs(ours - theirs).max()))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)

    def planes(self):
        return [np.ascontiguousarray(image.transpose(0, 3, 1, 2)) for image in self.pixels]

    def run_opencv(self, net):
        rows = []
        for image in self.planes():
            net.setInput(image)
            rows.append(net.forward().ravel().copy())
        return np.array(rows)

    def test_probabilities_tell_photos_apart(self):
        """Saturated or equal ones would hide differences."""
        self.assertGreater(np.median(1 - self.expected.max(1)), 1e-3)
        self.assertGreater(np.ptp(self.expected, axis=0).max(), 0.02)

    # ---- programs ----

    def test_opencv_runs_the_onnx_file(self):
        self.same('OpenCV, ONNX', self.run_opencv(cv2.dnn.readNetFromONNX(self.onnx())), self.expected)

    def test_opencv_runs_the_graph_for_uff(self):
        self.same('OpenCV, --for uff', self.run_opencv(cv2.dnn.readNetFromTensorflow(self.uff())), self.expected)

    def test_tensorflow_runs_the_graphs_for_older_tools(self):
        self.same('TensorFlow, --for uff', self.run_graph(common.read_graph(self.uff()), self.pixels), self.expected)
        plain = self.export('tf1.pb', '--format', 'frozen', '--for', 'tf1')
        self.same('TensorFlow, --for tf1', self.run_graph(common.read_graph(plain), self.pixels), self.expected)

    def test_the_converter_of_tensorflow_1_takes_the_graph(self):
        path = self.export('tf1.pb', '--format', 'frozen', '--for', 'tf1')
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(path, ['Placeholder'], ['final_result'])
        interpreter = tf.lite.Interpreter(model_content=converter.convert())
        interpreter.allocate_tensors()
        rows = []
        for image in self.pixels[:4]:
            interpreter.set_tensor(interpreter.get_input_details()[0]['index'], image)
            interpreter.invoke()
            rows.append(interpreter.get_tensor(interpreter.get_output_details()[0]['index'])[0])
        self.same('TensorFlow Lite, converted', np.array(rows), self.expected[:4])

    def test_retrain_runs_the_graph_for_uff(self):
        scores = common.label(self.uff(), PHOTOS)
        self.same('retrain, --for uff', np.array([[row[label] for label in self.labels] for row in scores]), self.expected)

    def test_onnxruntime_runs_it_as_it_is_and_converted(self):
        self.same('ONNX Runtime', self.run_onnx(self.onnx(), self.planes()), self.expected)
        newer = version_converter.convert_version(onnx.load(self.onnx()), 13)
        onnx.checker.check_model(newer, full_check=True)
        onnx.save(newer, self.path('converted.onnx'))
        self.same('ONNX Runtime, converted to 13', self.run_onnx(self.path('converted.onnx'), self.planes()[:4]),
                  self.expected[:4])

    def test_jetson_inference_gets_what_the_source_gives(self):
        images, feeds = zip(*(jetson_inference(photo, self.size) for photo in PHOTOS))
        theirs = self.run_onnx(os.path.join(self.jetson(), 'model.onnx'), feeds)
        self.same('as jetson-inference feeds it', theirs, self.run_graph(self.source, images))

    def test_deepstream_gets_what_the_source_gives(self):
        frames, feeds = zip(*(nvinfer(image) for image in self.pixels))
        theirs = self.run_onnx(os.path.join(self.jetson(), 'model_01.onnx'), feeds)
        images = [frame.astype(np.float32) / np.float32(255) for frame in frames]
        self.same('as nvinfer feeds it', theirs, self.run_graph(self.source, images))

    def test_the_accuracy_quoted_is_the_one_deployed(self):
        told = json.loads(common.retrain('eval', '--graph', self.graph, '--image_dir', self.photos, '--resize', 'nearest',
                                         '--json'))
        session = onnxruntime.InferenceSession(os.path.join(self.jetson(), 'model.onnx'))
        right = total = 0
        for index, label in enumerate(self.labels):
            for name in os.listdir(os.path.join(self.photos, label)):
                feed = jetson_inference(os.path.join(self.photos, label, name), self.size)[1]
                right += session.run(None, {'input_0': feed})[0].argmax() == index
                total += 1
        self.assertLessEqual(abs(told['accuracy'] * total - right), 1, told)  # a tie may fall to either side

    # ---- rules ----

    def test_onnx_keeps_the_rules_of_onnx_1_4(self):
        for path in (self.onnx(), os.path.join(self.jetson(), 'model.onnx'), os.path.join(self.jetson(), 'model_01.onnx')):
            self.lint_onnx(onnx.load(path))

    def lint_onnx(self, model):
        onnx.checker.check_model(model, full_check=True)
        graph = model.graph
        self.assertEqual((model.ir_version, [(x.domain, x.version) for x in model.opset_import]), (3, [('', 9)]))
        initializers = [tensor.name for tensor in graph.initializer]
        self.assertEqual([value.name for value in graph.input], ['input_0'] + initializers)
        self.assertEqual([value.name for value in graph.output], ['output_0'])
        shape = graph.input[0].type.tensor_type
        self.assertEqual((shape.elem_type, [x.dim_value for x in shape.shape.dim]),
                         (onnx.TensorProto.FLOAT, [1, 3, self.size, self.size]))
        self.assertEqual({tensor.data_type for tensor in graph.initializer}, {onnx.TensorProto.FLOAT})
        known = {'input_0', *initializers}
        used = set()
        for node in graph.node:
            self.assertIn(node.op_type, TENSORRT)
            self.assertLessEqual(set(node.input), known, node.name)
            known.update(node.output)
            used.update(node.input)
            self.lint_node(node, set(initializers))
        self.assertLessEqual(set(initializers), used)

    def lint_node(self, node, initializers):
        attributes = {attribute.name: attribute for attribute in node.attribute}
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.FLOAT:
                self.assertTrue(attribute.HasField('f'), node.name)
            if attribute.type == onnx.AttributeProto.INT:
                self.assertTrue(attribute.HasField('i'), node.name)
        self.assertNotIn('auto_pad', attributes)
        if node.op_type in ('Conv', 'Gemm', 'BatchNormalization'):
            self.assertLessEqual(set(node.input[1:]), initializers, node.name)
        if node.op_type == 'AveragePool':
            self.assertEqual(attributes['count_include_pad'].i, 0)
        if node.op_type in ('Softmax', 'Flatten', 'Concat'):
            self.assertEqual(attributes['axis'].i, 1)
        if node.op_type == 'Clip':
            self.assertEqual(set(attributes), {'min', 'max'})

    def test_the_graph_for_uff_keeps_its_converters_rules(self):
        graph_def = common.read_graph(self.uff())
        nodes = {node.name: node for node in graph_def.node}
        self.assertEqual([node.name for node in graph_def.node if node.op.startswith('Placeholder')], ['Placeholder'])
        for node in graph_def.node:
            self.assertIn(node.op, UFF, node.name)
            for name in node.input:
                self.assertIn(name, nodes)  # the first output, and no control inputs
            if 'data_format' in node.attr:
                self.assertEqual(node.attr['data_format'].s, b'NHWC')
            if 'padding' in node.attr:
                self.assertIn(node.attr['padding'].s, (b'SAME', b'VALID'))
            if node.op in ('Conv2D', 'DepthwiseConv2dNative', 'BiasAdd', 'MatMul', 'Pad', 'Mean'):
                self.assertTrue(constant(nodes, node.input[1]), node.name)
            if node.op == 'ConcatV2':
                self.assertTrue(constant(nodes, node.input[-1]), node.name)
            if node.op == 'Pad':
                before_after = tf.make_ndarray(nodes[node.input[1]].attr['value'].tensor)
                np.testing.assert_array_equal(before_after[:, 0], before_after[:, 1])

    def test_check_target_agrees(self):
        targets = [target['name'] for target in json.loads(common.retrain('check-target', '--list', '--json'))['targets']]
        self.assertGreater(len(targets), 10)
        for target in targets:
            path = self.uff() if target in ('uff', 'opencv-tf') else self.onnx() if target != 'tflite' else self.graph
            answer = json.loads(common.retrain('check-target', '--json', target, path))
            self.assertEqual((answer['runs'], answer['problems']), ('yes', []), target)


class MobileNetV1(Classifier, unittest.TestCase):
    size = 224

    @classmethod
    def module(cls):
        return os.path.join(common.MODULES, 'mobilenet_v1_025_224_feature_vector')


class MobileNetV2(Classifier, unittest.TestCase):
    size = 224

    @classmethod
    def module(cls):
        return os.path.join(common.MODULES, 'mobilenet_v2_100_224_feature_vector')


class EfficientNetLite0(Classifier, unittest.TestCase):
    size = 224

    @classmethod
    def module(cls):
        return os.path.join(common.MODULES, 'efficientnet_lite0_feature_vector')


class SsdInceptionV2(Classifier, unittest.TestCase):
    """A detector as base network."""
    size = 300

    @classmethod
    def module(cls):
        return os.path.join(common.REFERENCE, 'ssd', 'ssd_inception_v2_coco_2017_11_17')


class InceptionV3(Classifier, unittest.TestCase):
    """Its features are large, so that it learns in small steps."""
    size = 299
    flags = ('--learning_rate', '1e-4')

    @classmethod
    def module(cls):
        return inception_v3.module(cls.path('inception_v3'))


class KerasResNet50(unittest.TestCase):
    """A frozen classifier of Keras: zeros before its max pool become the pool's own padding."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.graph = os.path.join(cls.scratch.name, 'resnet50.pb')
        tf.keras.utils.set_random_seed(1)
        model = tf.keras.applications.ResNet50(weights=None, classes=5, input_shape=(96, 96, 3))
        call = tf.function(lambda x: model(x, training=False))
        function = call.get_concrete_function(tf.TensorSpec([1, 96, 96, 3], tf.float32, name='input'))
        frozen = convert_to_constants.convert_variables_to_constants_v2(function)
        with open(cls.graph, 'wb') as file:
            file.write(frozen.graph.as_graph_def().SerializeToString())
        with open(os.path.join(cls.scratch.name, 'labels.txt'), 'w', encoding='utf-8') as file:
            file.write('a\nb\nc\nd\ne\n')
        cls.image = common.pixels(PHOTOS[0], 96, 96).astype(np.float32)
        cls.planes = np.ascontiguousarray(cls.image.transpose(0, 3, 1, 2))
        cls.expected = frozen(tf.constant(cls.image * 255))[0].numpy()[0]

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def export(self, name, *flags):
        path = os.path.join(self.scratch.name, name)
        common.retrain('export', *flags, '--labels', os.path.join(self.scratch.name, 'labels.txt'), '--input_mean', '0',
                       '--input_std', '1', self.graph, path)
        return path

    def test_onnx(self):
        path = self.export('model.onnx', '--format', 'onnx')
        self.assertLessEqual({node.op_type for node in onnx.load(path).graph.node}, TENSORRT)
        theirs = onnxruntime.InferenceSession(path).run(None, {'input_0': self.planes})[0][0]
        np.testing.assert_allclose(theirs, self.expected, rtol=0, atol=1e-5)
        net = cv2.dnn.readNetFromONNX(path)
        net.setInput(self.planes)
        np.testing.assert_allclose(net.forward()[0], self.expected, rtol=0, atol=1e-5)

    def test_graph_for_uff(self):
        net = cv2.dnn.readNetFromTensorflow(self.export('uff.pb', '--format', 'frozen', '--for', 'uff'))
        net.setInput(self.planes)
        np.testing.assert_allclose(net.forward()[0], self.expected, rtol=0, atol=1e-5)
