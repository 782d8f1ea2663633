"""Where things are, the golden photos as TensorFlow sees them, and running the program."""
import json
import os
import subprocess
import sys
import tempfile

import tensorflow as tf

SOURCE = os.environ['RETRAIN_SOURCE']
PROGRAM = os.environ['RETRAIN_PROGRAM']
SHARED = os.environ['RETRAIN_SHARED']
FLOWERS = os.path.join(SHARED, 'data', 'flower_photos')
REFERENCE = os.path.join(SHARED, 'reference')
MODULES = os.path.join(REFERENCE, 'modules')
GOLDEN = os.path.join(REFERENCE, 'golden')
DEMO_MODULE = os.path.join(SOURCE, 'demo', 'efficientnet_lite0')

sys.path.insert(0, os.path.join(SOURCE, 'tools', 'efficientnet_lite0'))


def retrain(*arguments):
    """Runs the program and returns its standard output; a failure shows what it said."""
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise AssertionError('retrain %s: status %d\n%s' % (' '.join(arguments), done.returncode, done.stderr))
    return done.stdout


def label(graph, paths, *arguments):
    """[{label: score}] for each photo, by retrain label."""
    output = retrain('label', '--graph', graph, '--json', '--top', '100000', *arguments, *paths)
    return [{entry['label']: entry['score'] for entry in photo['labels']} for photo in json.loads(output)['photos']]


def golden_photos():
    with open(os.path.join(GOLDEN, 'images.txt'), encoding='utf-8') as file:
        return [line.strip() for line in file if line.strip()]


def flower(name):
    return os.path.join(FLOWERS, name)


def pixels(path, height, width, mean=0.0, std=255.0):
    """As retrain.py feeds a module: [1, height, width, 3]; with mean and std as label_image.py feeds a graph."""
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    if (mean, std) == (0.0, 255.0):
        image = tf.image.convert_image_dtype(image, tf.float32)
    else:
        image = tf.cast(image, tf.float32)
    image = tf.compat.v1.image.resize_bilinear(image[tf.newaxis], [height, width]).numpy()
    return image if (mean, std) == (0.0, 255.0) else (image - mean) / std


def read_graph(path):
    graph_def = tf.compat.v1.GraphDef()
    with open(path, 'rb') as file:
        graph_def.ParseFromString(file.read())
    return graph_def


def run_graph(graph_def, feeds, fetch, config=None):
    """The first row of fetch for each of a list of feeds, {tensor name: value}."""
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name='')
        with tf.compat.v1.Session(graph=graph, config=config) as session:
            return [session.run(fetch, feed)[0] for feed in feeds]


class Trained:
    """A classifier of the flowers on a module, and what is exported of it, in a folder that is gone in the end."""
    module = size = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.graph = cls.path('output_graph.pb')
        retrain('--image_dir', FLOWERS, '--tfhub_module', cls.module,
                '--output_graph', cls.graph, '--output_labels', cls.path('output_labels.txt'),
                '--bottleneck_dir', cls.path('bottleneck'), '--summaries_dir', cls.path('logs'),
                '--how_many_training_steps', '400')

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.scratch.name, name)

    def export(self, name, *flags):
        retrain('export', *flags, self.graph, self.path(name))
        return self.path(name)
