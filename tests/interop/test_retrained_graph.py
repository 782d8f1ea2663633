"""What retrain wrote, run by TensorFlow: the same probabilities, under the names of retrain.py."""
import glob
import os
import tempfile
import unittest

import numpy as np

import common

PHOTOS = [common.flower(name) for name in common.golden_photos()]
LABELS = ['daisy', 'dandelion', 'roses', 'sunflowers', 'tulips']
# Of retrain.py's graph: node -> op.  Those of the network come before them, under the module's own names.
HEAD = {
    'Placeholder': 'Placeholder',
    'input/BottleneckInputPlaceholder': 'PlaceholderWithDefault',
    'final_retrain_ops/weights/final_weights': 'Const',
    'final_retrain_ops/biases/final_biases': 'Const',
    'final_retrain_ops/Wx_plus_b/MatMul': 'MatMul',
    'final_retrain_ops/Wx_plus_b/add': None,  # Add in TensorFlow 1.x, AddV2 later
    'final_result': 'Softmax',
}


class Retrained:
    """What holds for any module; the classes below say which."""
    module = size = golden = features = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        cls.graph = os.path.join(cls.folder, 'output_graph.pb')
        cls.log = common.retrain(
            '--image_dir', common.FLOWERS, '--tfhub_module', cls.module, '--output_graph', cls.graph,
            '--output_labels', os.path.join(cls.folder, 'output_labels.txt'), '--bottleneck_dir',
            os.path.join(cls.folder, 'bottleneck'), '--bottleneck_cache', 'text', '--summaries_dir', os.path.join(cls.folder, 'logs'),
            '--how_many_training_steps', '400')
        cls.graph_def = common.read_graph(cls.graph)
        cls.ours = common.label(cls.graph, PHOTOS)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def ours_as_matrix(self):
        return np.array([[scores[label] for label in LABELS] for scores in self.ours], np.float32)

    def bottleneck(self, photo):
        found = glob.glob(os.path.join(self.folder, 'bottleneck', glob.escape(photo) + '_*.txt'))
        self.assertEqual(len(found), 1, photo)
        with open(found[0], encoding='ascii') as file:
            return found[0], file.read()

    def test_tensorflow_gives_the_same_probabilities(self):
        feeds = [{'Placeholder:0': common.pixels(photo, self.size, self.size)} for photo in PHOTOS]
        theirs = np.array(common.run_graph(self.graph_def, feeds, 'final_result:0'))
        np.testing.assert_allclose(self.ours_as_matrix(), theirs, rtol=0, atol=1e-5)
        print('largest difference to TensorFlow: %.2g' % np.abs(self.ours_as_matrix() - theirs).max())

    def test_the_bottleneck_placeholder_takes_the_cached_vectors(self):
        texts = [self.bottleneck(photo)[1] for photo in common.golden_photos()]
        feeds = [{'input/BottleneckInputPlaceholder:0': np.array([text.split(',')], np.float32)} for text in texts]
        theirs = np.array(common.run_graph(self.graph_def, feeds, 'final_result:0'))
        np.testing.assert_allclose(self.ours_as_matrix(), theirs, rtol=0, atol=1e-5)

    def test_names_and_ops_are_those_of_retrain_py(self):
        ops = {node.name: node.op for node in self.graph_def.node}
        for name, op in HEAD.items():
            self.assertIn(name, ops)
            self.assertIn(ops[name], (op,) if op else ('Add', 'AddV2'), name)
        self.assertEqual(len(ops), len(self.graph_def.node), 'a name twice')

    def test_labels_file(self):
        with open(os.path.join(self.folder, 'output_labels.txt'), encoding='utf-8') as file:
            self.assertEqual(file.read(), ''.join(label + '\n' for label in LABELS))
        self.assertEqual(set(self.ours[0]), set(LABELS))

    def test_bottleneck_files_hold_the_shortest_decimals(self):
        """As retrain.py writes them, so that Python reads back the very floats."""
        for photo in common.golden_photos():
            path, text = self.bottleneck(photo)
            values = np.array(text.split(','), np.float32)
            self.assertEqual(values.shape, (self.features,), path)
            self.assertEqual(text, ','.join(str(value) for value in values), path)

    def test_bottlenecks_are_tensorflows(self):
        with open(os.path.join(common.GOLDEN, self.golden + '.txt'), encoding='utf-8') as file:
            names = file.read().split()
        golden = np.load(os.path.join(common.GOLDEN, self.golden + '.npy'))
        ours = np.array([np.array(self.bottleneck(name)[1].split(','), np.float32) for name in names])
        rows = np.abs(ours - golden).max(axis=1) / np.abs(golden).max(axis=1)
        self.assertLessEqual(np.sort(rows)[-3], 2e-5)  # as in tests/golden/test_feature.c: two may be farther off,
        self.assertLessEqual(rows.max(), 4e-5)  # for processors differ in the order in which they add
        print('%d photos, largest difference of a row to its largest value: %.2g' % (len(names), rows.max()))


class MobileNetV1(Retrained, unittest.TestCase):
    module = os.path.join(common.MODULES, 'mobilenet_v1_025_224_feature_vector')
    golden, size, features = 'bottlenecks_mobilenet_v1_025_224', 224, 256


class EfficientNetLite0(Retrained, unittest.TestCase):
    module = common.DEMO_MODULE
    golden, size, features = 'bottlenecks_efficientnet_lite0', 224, 1280


class Theirs(unittest.TestCase):
    """Graphs that the real retrain.py wrote, run by retrain label."""

    def check(self, graph, labels, size, mean, std, *arguments):
        ours = common.label(graph, PHOTOS, '--labels', labels, *arguments)
        with open(labels, encoding='utf-8') as file:
            names = file.read().splitlines()
        placeholder = arguments[arguments.index('--input_layer') + 1] if '--input_layer' in arguments else 'Placeholder'
        feeds = [{placeholder + ':0': common.pixels(photo, size, size, mean, std)} for photo in PHOTOS]
        theirs = np.array(common.run_graph(common.read_graph(graph), feeds, 'final_result:0'))
        ours = np.array([[scores[name] for name in names] for scores in ours], np.float32)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)

    def test_a_graph_of_retrain_py(self):
        folder = os.path.join(common.REFERENCE, 'retrain_run', 'defaults')
        self.check(os.path.join(folder, 'output_graph.pb'), os.path.join(folder, 'output_labels.txt'), 224, 0.0, 255.0,
                   '--input_mean', '0', '--input_std', '255')

    def test_a_graph_of_tensorflow_for_poets(self):
        models = os.path.join(common.SHARED, 'models')
        self.check(os.path.join(models, 'retrained_glasses_graph.pb'),
                   os.path.join(models, 'retrained_glasses_labels.txt'), 224, 127.5, 127.5, '--input_layer', 'input',
                   '--output_layer', 'final_result', '--input_height', '224', '--input_width', '224',
                   '--input_mean', '127.5', '--input_std', '127.5')
