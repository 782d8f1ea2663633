"""What retrain export writes, run by ONNX Runtime, TensorFlow Lite and TensorFlow: the probabilities of retrain label."""
import os
import unittest

import numpy as np
import onnx
import onnxruntime
from tensorflow.lite.python.interpreter import Interpreter

import common

PHOTOS = [common.flower(name) for name in common.golden_photos()]
LABELS = ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']
# Operators that every version of TensorRT's parser takes.
TENSORRT = {'Conv', 'BatchNormalization', 'Relu', 'Clip', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'Concat', 'Add',
            'Flatten', 'Gemm', 'Softmax'}
# What jetson-inference does to pixels in 0 .. 1 before imagenet's network sees them (c/tensorConvert.cu).
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)


class Exported(common.Trained):
    """What holds for any module; the classes below say which."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scores = common.label(cls.graph, PHOTOS)
        cls.ours = np.array([[row[label] for label in LABELS] for row in scores], np.float32)
        cls.pixels = [common.pixels(photo, cls.size, cls.size).astype(np.float32) for photo in PHOTOS]

    def check_onnx(self, path, feeds):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(path)
        theirs = np.array([session.run(None, {'input_0': feed})[0][0] for feed in feeds])
        np.testing.assert_allclose(self.ours, theirs, rtol=0, atol=1e-5)
        print('%s: largest difference %.2g' % (os.path.basename(path), np.abs(self.ours - theirs).max()))
        return model

    def planes(self):
        return [image.transpose(0, 3, 1, 2) for image in self.pixels]

    def test_onnx_runs_and_keeps_the_rules_of_old_parsers(self):
        model = self.check_onnx(self.export('model.onnx', '--format', 'onnx'), self.planes())
        self.assertEqual((model.ir_version, model.opset_import[0].version), (3, 9))
        self.assertLessEqual({node.op_type for node in model.graph.node}, TENSORRT)
        inputs = [value.name for value in model.graph.input]
        self.assertEqual(inputs, ['input_0'] + [tensor.name for tensor in model.graph.initializer])

    def test_newer_onnx_runs(self):
        for opset in '11', '13':
            path = self.export('model_%s.onnx' % opset, '--format', 'onnx', '--opset', opset, '--dynamic_batch')
            self.check_onnx(path, self.planes())
            batch = np.concatenate(self.planes()[:3])
            theirs = onnxruntime.InferenceSession(path).run(None, {'input_0': batch})[0]
            np.testing.assert_allclose(self.ours[:3], theirs, rtol=0, atol=1e-5)

    def test_jetson_folder(self):
        folder = self.export('jetson', '--target', 'jetson')
        self.check_onnx(os.path.join(folder, 'model_01.onnx'), self.planes())
        model = self.check_onnx(os.path.join(folder, 'model.onnx'),
                                [(image - IMAGENET_MEAN) / IMAGENET_STD for image in self.planes()])
        self.assertLessEqual({node.op_type for node in model.graph.node}, TENSORRT)
        self.check_probe(folder)
        with open(os.path.join(folder, 'labels.txt'), encoding='utf-8') as file:
            self.assertEqual(file.read(), ''.join(label + '\n' for label in LABELS))

    def check_probe(self, folder):
        with open(os.path.join(folder, 'probe.ppm'), 'rb') as file:
            head, size, depth, body = file.read().split(b'\n', 3)
        self.assertEqual((head, depth), (b'P6', b'255'))
        width, height = map(int, size.split())
        image = np.frombuffer(body, np.uint8).reshape(1, height, width, 3).astype(np.float32) / np.float32(255)
        session = onnxruntime.InferenceSession(os.path.join(folder, 'model_01.onnx'))
        scores = session.run(None, {'input_0': image.transpose(0, 3, 1, 2)})[0][0]
        with open(os.path.join(folder, 'probe.txt'), encoding='utf-8') as file:
            expected = [float(line.split(' ', 1)[0]) for line in file]
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)

    def run_tflite(self, path):
        interpreter = Interpreter(path)
        interpreter.allocate_tensors()
        given, wanted = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        rows = []
        for image in self.pixels:
            if given['dtype'] == np.uint8:
                image = np.round(image * 255).astype(np.uint8)
            interpreter.set_tensor(given['index'], image)
            interpreter.invoke()
            row = interpreter.get_tensor(wanted['index'])[0]
            if wanted['dtype'] != np.float32:
                scale, zero = wanted['quantization']
                row = (row.astype(np.float32) - zero) * scale
            rows.append(row)
        return np.array(rows)

    def test_tensorflow_lite_runs_the_float_file(self):
        theirs = self.run_tflite(self.export('model.tflite', '--format', 'tflite'))
        np.testing.assert_allclose(self.ours, theirs, rtol=0, atol=1e-5)

    def test_tensorflow_lite_runs_the_8_bit_file(self):
        path = self.export('model_8.tflite', '--format', 'tflite', '--quantize', common.FLOWERS)
        theirs = self.run_tflite(path)
        agree = np.mean(theirs.argmax(1) == self.ours.argmax(1))
        self.assertGreaterEqual(agree, 0.95)
        self.assertLess(os.path.getsize(path), 0.4 * os.path.getsize(self.path('output_graph.pb')))
        print('8 bits: same first label on %.0f%% of the photos' % (100 * agree))

    def test_tensorflow_runs_the_frozen_graph(self):
        graph_def = common.read_graph(self.export('frozen.pb', '--format', 'frozen'))
        feeds = [{'Placeholder:0': image} for image in self.pixels]
        theirs = np.array(common.run_graph(graph_def, feeds, 'final_result:0'))
        np.testing.assert_allclose(self.ours, theirs, rtol=0, atol=1e-5)


class EfficientNet(Exported, unittest.TestCase):
    module, size = os.path.join(common.MODULES, 'efficientnet_lite0_feature_vector'), 224


class MobileNetV2(Exported, unittest.TestCase):
    module, size = os.path.join(common.MODULES, 'mobilenet_v2_100_224_feature_vector'), 224


class SsdInception(Exported, unittest.TestCase):
    """A detector as base network, the whole way to a Jetson."""
    module, size = os.path.join(common.REFERENCE, 'ssd', 'ssd_inception_v2_coco_2017_11_17'), 300

    def test_the_graph_holds_the_backbone_alone(self):
        ops = {node.op for node in common.read_graph(self.graph).node}
        self.assertLessEqual(ops, {
            'Placeholder', 'PlaceholderWithDefault', 'Const', 'Identity', 'Conv2D', 'DepthwiseConv2dNative',
            'FusedBatchNorm', 'Relu6', 'MaxPool', 'AvgPool', 'ConcatV2', 'Mul', 'Sub', 'Mean', 'MatMul', 'Add', 'AddV2',
            'Softmax'})
