"""The TensorFlow Lite files of retrain export, run by LiteRT (ai-edge-litert), and by MediaPipe from their metadata alone;
the table for TensorRT's INT8, its arithmetic imitated by ONNX Runtime."""
import os
import struct
import unittest
import zipfile

import mediapipe
import numpy as np
import onnx
import onnxruntime
from ai_edge_litert.interpreter import Interpreter
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.python import BaseOptions, vision

import common

LABELS = ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']
GOLDEN = [common.flower(name) for name in common.golden_photos()]
ALL = sorted(os.path.join(folder, name) for folder, _, names in os.walk(common.FLOWERS) for name in names
             if name.endswith('.jpg'))


def pixels(path, size):
    return common.pixels(path, size, size).astype(np.float32)


def as_bytes(image):
    return np.round(image * 255).astype(np.uint8)


def run_lite(path, images):
    """Probabilities of [1, height, width, 3] floats in 0 .. 1, whatever the file takes and gives."""
    interpreter = Interpreter(path)
    interpreter.allocate_tensors()
    given, wanted = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    rows = []
    for image in images:
        if given['dtype'] != np.float32:
            scale, zero = given['quantization']
            limits = np.iinfo(given['dtype'])
            image = np.clip(np.round(image / scale) + zero, limits.min, limits.max).astype(given['dtype'])
        interpreter.set_tensor(given['index'], image)
        interpreter.invoke()
        row = interpreter.get_tensor(wanted['index'])[0].astype(np.float32)
        if wanted['dtype'] != np.float32:
            scale, zero = wanted['quantization']
            row = (row - zero) * scale
        rows.append(row)
    return np.array(rows)


class Lite(common.Trained):
    """What holds for any module; the classes below say which."""

    def ours(self, photos):
        return np.array([[row[label] for label in LABELS] for row in common.label(self.graph, photos)], np.float32)

    def test_the_float_file_gives_our_probabilities(self):
        theirs = run_lite(self.export('m.tflite', '--format', 'tflite'), [pixels(photo, self.size) for photo in GOLDEN])
        ours = self.ours(GOLDEN)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
        print('%s: largest difference %.2g' % (type(self).__name__, np.abs(ours - theirs).max()))


class Quantised(Lite):
    """For networks that bear 8 bits."""

    def agreement(self, path, photos):
        theirs = run_lite(path, (pixels(photo, self.size) for photo in photos))
        return np.mean(theirs.argmax(1) == self.ours(photos).argmax(1))

    def test_8_bits_choose_the_label_of_float(self):
        agree = self.agreement(self.export('q.tflite', '--format', 'tflite', '--quantize', common.FLOWERS), ALL)
        print('%s: 8 bits choose the label of float on %.1f%% of %d photos' % (type(self).__name__, 100 * agree, len(ALL)))
        self.assertGreaterEqual(agree, 0.95)

    def test_int8_ends_say_what_uint8_ends_say(self):
        flags = '--format', 'tflite', '--quantize', common.FLOWERS
        images = [pixels(photo, self.size) for photo in GOLDEN]
        path = self.export('i.tflite', *flags, '--quantized_type', 'int8')
        details = Interpreter(path)
        self.assertEqual([details.get_input_details()[0]['dtype'], details.get_output_details()[0]['dtype']], [np.int8] * 2)
        np.testing.assert_array_equal(run_lite(path, images), run_lite(self.export('u.tflite', *flags), images))

    def test_mediapipe_needs_the_file_alone(self):
        for flags in (), ('--quantize', common.FLOWERS):
            path = self.export('mp%d.tflite' % len(flags), '--format', 'tflite', *flags)
            images = [as_bytes(pixels(photo, self.size)) for photo in GOLDEN]
            expected = run_lite(path, [image.astype(np.float32) / np.float32(255) for image in images])
            options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=path))
            with vision.ImageClassifier.create_from_options(options) as classifier:
                for image, row in zip(images, expected):
                    photo = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image[0]))
                    found = classifier.classify(photo).classifications[0].categories
                    scores = {category.category_name: category.score for category in found}
                    np.testing.assert_allclose([scores[label] for label in LABELS], row, rtol=0, atol=1e-4)

    def test_the_metadata_reads_back(self):
        path = self.export('meta.tflite', '--format', 'tflite')
        with zipfile.ZipFile(path) as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(archive.read('labels.txt').decode().splitlines(), LABELS)
        with open(path, 'rb') as file:
            content = file.read()
        start = content.index(b'M001') - 4
        meta = schema.ModelMetadata.GetRootAs(content[start:], 0)
        graph = meta.SubgraphMetadata(0)
        image, scores = graph.InputTensorMetadata(0), graph.OutputTensorMetadata(0)
        properties = schema.ImageProperties()
        table = image.Content().ContentProperties()
        properties.Init(table.Bytes, table.Pos)
        self.assertEqual(properties.ColorSpace(), schema.ColorSpaceType.RGB)
        options, table = schema.NormalizationOptions(), image.ProcessUnits(0).Options()
        options.Init(table.Bytes, table.Pos)
        self.assertEqual((options.Mean(0), options.Std(0)), (0, 255))
        self.assertEqual((image.Stats().Min(0), image.Stats().Max(0)), (0, 1))
        file = scores.AssociatedFiles(0)
        self.assertEqual((file.Name(), file.Type()), (b'labels.txt', schema.AssociatedFileType.TENSOR_AXIS_LABELS))

    def test_the_table_for_tensorrt_loses_little(self):
        folder = self.export('jetson', '--target', 'jetson', '--int8_calibration', common.FLOWERS)
        photos = ALL[::5]
        session = onnxruntime.InferenceSession(imitate_int8(folder), quiet())
        theirs = np.array([session.run(None, {'input_0': pixels(photo, self.size).transpose(0, 3, 1, 2)})[0][0]
                           for photo in photos])
        agree = np.mean(theirs.argmax(1) == self.ours(photos).argmax(1))
        print('%s: the table chooses the label of float on %.1f%% of %d photos' %
              (type(self).__name__, 100 * agree, len(photos)))
        self.assertGreaterEqual(agree, 0.95)


def quiet():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options


def read_table(folder):
    with open(os.path.join(folder, 'calibration.table'), encoding='utf-8') as file:
        head, *lines = file.read().splitlines()
    assert head == 'TRT-5105-EntropyCalibration2', head
    rows = (line.rsplit(': ', 1) for line in lines)
    return {name: struct.unpack('>f', bytes.fromhex(bits))[0] for name, bits in rows}


def imitate_int8(folder):
    """model_01.onnx with each tensor that an operator but an activation reads rounded to its steps in the table, and
    weights of convolutions to 127 steps a channel."""
    table = read_table(folder)
    model = onnx.load(os.path.join(folder, 'model_01.onnx'))
    graph = model.graph
    made = ['input_0'] + [node.output[0] for node in graph.node]
    assert set(made) == set(table), set(made) ^ set(table)
    readers = {name: [node.op_type for node in graph.node if name in node.input] for name in made}
    rounded = {name for name in made if any(op not in ('Relu', 'Clip') for op in readers[name])}
    filters = {node.input[1] for node in graph.node if node.op_type == 'Conv'}
    for tensor in graph.initializer:
        if tensor.name in filters:
            values = onnx.numpy_helper.to_array(tensor)
            step = np.maximum(np.abs(values).max(axis=(1, 2, 3), keepdims=True) / 127, 1e-12)
            tensor.CopyFrom(onnx.numpy_helper.from_array((np.round(values / step) * step).astype(np.float32), tensor.name))
    nodes = list(graph.node)
    for node in nodes:
        node.input[:] = [name + '/rounded' if name in rounded else name for name in node.input]
    del graph.node[:]
    round_tensor(graph, 'input_0', table)
    for node in nodes:
        graph.node.append(node)
        if node.output[0] in rounded:
            round_tensor(graph, node.output[0], table)
    model.opset_import[0].version, model.ir_version = 10, 5
    return model.SerializeToString()


def round_tensor(graph, name, table):
    graph.initializer.extend([onnx.numpy_helper.from_array(np.float32(table[name]), name + '/step'),
                              onnx.numpy_helper.from_array(np.int8(0), name + '/zero')])
    scale = [name + '/step', name + '/zero']
    graph.node.append(onnx.helper.make_node('QuantizeLinear', [name] + scale, [name + '/int8']))
    graph.node.append(onnx.helper.make_node('DequantizeLinear', [name + '/int8'] + scale, [name + '/rounded']))


class EfficientNet(Quantised, unittest.TestCase):
    module, size = os.path.join(common.MODULES, 'efficientnet_lite0_feature_vector'), 224


class MobileNetV2(Quantised, unittest.TestCase):
    module, size = os.path.join(common.MODULES, 'mobilenet_v2_100_224_feature_vector'), 224


class MobileNetV1(Lite, unittest.TestCase):
    module, size = os.path.join(common.MODULES, 'mobilenet_v1_025_224_feature_vector'), 224


class SsdInception(Lite, unittest.TestCase):
    module, size = os.path.join(common.REFERENCE, 'ssd', 'ssd_inception_v2_coco_2017_11_17'), 300
