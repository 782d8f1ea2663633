"""SavedModels of TensorFlow 2 as base networks: the vectors are TensorFlow's, and what is trained on them runs there."""
import glob
import os
import subprocess
import tempfile
import unittest

import numpy as np
import onnxruntime
import tensorflow as tf
from tensorflow.lite.python.interpreter import Interpreter

import common

keras = tf.keras
SIZE = 96
LAYERS = keras.layers


def seeded(build):
    """A model with batch norms as training leaves them, not as they begin."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = build()
    draw = np.random.RandomState(7)
    for v in model.variables:
        if 'moving_mean' in v.name or 'beta' in v.name:
            v.assign(0.1 * draw.randn(*v.shape))
        elif 'moving_variance' in v.name or 'gamma' in v.name:
            v.assign(1 + 0.3 * draw.rand(*v.shape))
    return model


def vector_of(model):
    """What the classifier at the model's end reads."""
    head = [layer for layer in model.layers if isinstance(layer, (LAYERS.Dense, LAYERS.Conv2D))][-1]
    features = keras.Model(model.input, head.input)

    def vector(image):
        result = features(image, training=False)
        return result if len(result.shape) == 2 else tf.reduce_mean(result, [1, 2])
    return vector


def colours_reversed():
    """As preprocess_input of keras.applications.resnet50 and vgg16 spells it inside a model."""
    x = inputs = keras.Input([SIZE, SIZE, 3])
    x = keras.applications.resnet50.preprocess_input(x)
    for channels in 8, 16:
        x = LAYERS.Conv2D(channels, 3, strides=2, padding='same', activation='relu')(x)
    x = LAYERS.Cropping2D(((1, 0), (2, 1)))(x)
    x = LAYERS.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, LAYERS.Dense(4)(x))


def many_layers():
    x = inputs = keras.Input([SIZE, SIZE, 3])
    x = LAYERS.Normalization(mean=[0.4, 0.5, 0.3], variance=[0.1, 0.2, 0.05])(x)
    x = LAYERS.PReLU(shared_axes=[1, 2])(LAYERS.Conv2D(12, 3, strides=2, padding='same')(x))
    gate = LAYERS.Dense(4, activation='relu')(LAYERS.GlobalAveragePooling2D()(x))
    gate = LAYERS.Reshape((1, 1, 12))(LAYERS.Dense(12, activation='sigmoid')(gate))
    x = LAYERS.Multiply()([x, gate])
    x = LAYERS.LeakyReLU(0.1)(LAYERS.SeparableConv2D(16, 3, padding='same')(x))
    x = LAYERS.AveragePooling2D(3, 2, padding='same')(x)
    y = LAYERS.Conv2D(16, 3, padding='same', activation='tanh')(x)
    x = LAYERS.Concatenate()([LAYERS.Add()([x, y, x]), y])
    x = LAYERS.Conv2D(16, 3, groups=4, activation='elu')(x)
    x = LAYERS.Conv2D(16, 3, activation='selu')(x)
    x = LAYERS.Activation('hard_sigmoid')(LAYERS.ReLU(max_value=4)(x))
    x = LAYERS.DepthwiseConv2D(3, depth_multiplier=2, activation=tf.nn.silu)(x)
    x = LAYERS.Flatten()(LAYERS.GlobalMaxPooling2D(keepdims=True)(x))
    return keras.Model(inputs, LAYERS.Dense(6, activation='softmax')(x))


def applications():
    made = keras.applications
    shape = {'input_shape': (SIZE, SIZE, 3), 'weights': None}
    return {
        'mobilenet_v2': (lambda: made.MobileNetV2(alpha=0.35, classes=4, **shape), 127.5, 127.5),
        'mobilenet_v3_small': (lambda: made.MobileNetV3Small(classes=4, **shape), 0, 1),
        'efficientnet_b0': (lambda: made.EfficientNetB0(classes=4, **shape), 0, 1),
        'colours_reversed': (colours_reversed, 0, 1),
        'many_layers': (many_layers, 0, 255),
    }


class Flexible(tf.Module):
    """What hub.KerasLayer calls: no signature, several traces, constants and variables captured."""

    def __init__(self):
        super().__init__()
        draw = np.random.RandomState(5)
        self.variables_ = [tf.Variable(draw.randn(3, 3, 3, 8).astype(np.float32) * 0.3, name='weights'),
                           tf.Variable(draw.randn(1, 1, 8, 12).astype(np.float32), name='weights')]
        self.offset = tf.constant(draw.randn(8).astype(np.float32))

    @tf.function
    def block(self, x, weights, stride):
        return tf.nn.relu6(tf.nn.conv2d(x, weights, stride, 'SAME'))

    @tf.function(input_signature=None)
    def __call__(self, images, training=False):
        x = self.block(images * 2 - 1, self.variables_[0], 2) + self.offset
        if training:
            x = tf.nn.dropout(x, 0.5)
        return tf.reduce_mean(self.block(x, self.variables_[1], 1), [1, 2])


class SavedModels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.photos = []
        for name in common.golden_photos():
            folder = os.path.join(cls.scratch.name, 'photos', os.path.dirname(name))
            os.makedirs(folder, exist_ok=True)
            os.symlink(os.path.abspath(common.flower(name)), os.path.join(folder, os.path.basename(name)))
            cls.photos.append(name)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def path(self, *names):
        return os.path.join(self.scratch.name, *names)

    def train(self, model, mean=None, std=None):
        """Trains a few steps; {photo: vector} from the bottleneck files."""
        common.retrain('--image_dir', self.path('photos'), '--tfhub_module', self.path(model), '--bottleneck_dir',
                       self.path(model, 'bottleneck'), '--output_graph', self.path(model, 'graph.pb'),
                       '--output_labels', self.path(model, 'labels.txt'), '--summaries_dir', self.path(model, 'logs'),
                       '--how_many_training_steps', '5', '--bottleneck_cache', 'text',
                       *([] if std is None else ['--input_mean', str(mean), '--input_std', str(std)]))
        vectors = {}
        for photo in self.photos:
            file, = glob.glob(self.path(model, 'bottleneck', photo + '_*.txt'))
            with open(file, encoding='utf-8') as text:
                vectors[photo] = np.array([float(word) for word in text.read().split(',')])
        return vectors

    def images(self, mean, std):
        for photo in self.photos:
            image = common.pixels(common.flower(photo), SIZE, SIZE)
            yield photo, tf.constant((image * 255 - mean) / std, tf.float32)

    def check(self, vectors, network, mean, std):
        worst = 0
        for photo, image in self.images(mean, std):
            theirs = np.array(network(image))[0].astype(np.float64)
            self.assertEqual(vectors[photo].shape, theirs.shape)
            worst = max(worst, np.abs(vectors[photo] - theirs).max() / np.abs(theirs).max())
        print('largest difference %.2g of the row\'s largest' % worst)
        self.assertLess(worst, 2e-5)

    def check_output(self, model):
        """The graph we wrote, run by TensorFlow, gives our probabilities."""
        graph = common.read_graph(self.path(model, 'graph.pb'))
        paths = [common.flower(photo) for photo in self.photos[:5]]
        ours = common.label(self.path(model, 'graph.pb'), paths)
        feeds = [{'Placeholder:0': common.pixels(path, SIZE, SIZE)} for path in paths]
        for row, scores in zip(common.run_graph(graph, feeds, 'final_result:0'), ours):
            np.testing.assert_allclose(sorted(row), sorted(scores.values()), rtol=0, atol=1e-5)

    def check_exports(self, model):
        """Squeeze and excite in the files for other programs."""
        photo = common.flower(self.photos[0])
        ours = sorted(common.label(self.path(model, 'graph.pb'), [photo])[0].values())
        image = common.pixels(photo, SIZE, SIZE).astype(np.float32)
        for kind in 'onnx', 'tflite':
            common.retrain('export', '--format', kind, self.path(model, 'graph.pb'), self.path(model + '.' + kind))
        session = onnxruntime.InferenceSession(self.path(model + '.onnx'))
        theirs = session.run(None, {'input_0': image.transpose(0, 3, 1, 2)})[0][0]
        np.testing.assert_allclose(sorted(theirs), ours, rtol=0, atol=1e-5)
        interpreter = Interpreter(self.path(model + '.tflite'))
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]['index'], image)
        interpreter.invoke()
        theirs = interpreter.get_tensor(interpreter.get_output_details()[0]['index'])[0]
        np.testing.assert_allclose(sorted(theirs), ours, rtol=0, atol=1e-5)

    def test_keras_applications(self):
        for name, (build, mean, std) in applications().items():
            with self.subTest(name):
                model = seeded(build)
                tf.saved_model.save(model, self.path(name))
                self.check(self.train(name, mean, std), vector_of(model), mean, std)
                self.check_output(name)
                if name in ('mobilenet_v3_small', 'efficientnet_b0'):
                    self.check_exports(name)

    def test_keras_formats(self):
        """model.save() in TensorFlow's format, and export()."""
        model = seeded(lambda: keras.applications.MobileNetV2(alpha=0.35, classes=4, weights=None,
                                                              input_shape=(SIZE, SIZE, 3)))
        model.save(self.path('by_save'), save_format='tf')
        model.export(self.path('by_export'))
        for name in 'by_save', 'by_export':
            with self.subTest(name):
                self.check(self.train(name), vector_of(model), 127.5, 127.5)

    def test_bytes(self):
        """A model that takes uint8 is cut behind its cast: photos are resized to numbers in between."""
        network = seeded(colours_reversed)
        inputs = keras.Input([SIZE, SIZE, 3], dtype=tf.uint8)
        outputs = network(LAYERS.Lambda(lambda x: tf.cast(x, tf.float32))(inputs))
        tf.saved_model.save(keras.Model(inputs, outputs), self.path('bytes'))
        self.check(self.train('bytes'), vector_of(network), 0, 1)
        self.check_output('bytes')

    def test_a_module_without_signatures(self):
        module = Flexible()
        images = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, 'images')
        module.__call__.get_concrete_function(images, training=True)
        module.__call__.get_concrete_function(images, training=False)
        tf.saved_model.save(module, self.path('flexible'))
        self.check(self.train('flexible'), module, 0, 255)
        self.check_output('flexible')

    def test_several_signatures(self):
        """The one for images is taken; a result that is no classifier's is the vector."""
        module = Flexible()
        images = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, 'images')
        words = tf.TensorSpec([None], tf.string)
        signatures = {
            'about': tf.function(lambda text: {'length': tf.strings.length(text)}).get_concrete_function(words),
            'vectors': tf.function(lambda images: {'vector': module(images)}).get_concrete_function(images),
        }
        tf.saved_model.save(module, self.path('several'), signatures=signatures)
        self.check(self.train('several'), module, 0, 255)

    def refused(self, model):
        done = subprocess.run([common.PROGRAM, '--image_dir', self.path('photos'), '--tfhub_module', self.path(model),
                               '--output_graph', self.path('none.pb')],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertFalse(os.path.exists(self.path('none.pb')))
        return done.stdout

    def test_branches_and_loops_are_refused_by_name(self):
        images = tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, 'images')
        weights = tf.constant(np.random.RandomState(1).randn(3, 3, 3, 8).astype(np.float32))

        def branch(images):
            x = tf.nn.conv2d(images, weights, 2, 'SAME')
            x = tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2, lambda: x + 1)
            return {'vector': tf.reduce_mean(x, [1, 2])}

        def loop(images):
            x = tf.nn.conv2d(images, weights, 2, 'SAME')
            x = tf.while_loop(lambda i, x: i < tf.cast(tf.reduce_sum(x), tf.int32), lambda i, x: (i + 1, x * 2), (0, x))[1]
            return {'vector': tf.reduce_mean(x, [1, 2])}

        for name, function, op in ('branch', branch, 'If'), ('loop', loop, 'While'):
            module = tf.Module()
            module.f = tf.function(function, input_signature=[images])
            tf.saved_model.save(module, self.path(name), signatures=module.f)
            said = self.refused(name)
            self.assertRegex(said, r"node '.*' \((Stateless)?%s\)" % op)
            self.assertIn('while the network runs, which is not supported', said)


if __name__ == '__main__':
    unittest.main()
