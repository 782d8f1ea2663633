"""tensorflow_hub 0.12 and retrain share a cache, and it takes the modules that retrain makes."""
import collections
import glob
import hashlib
import http.server
import os
import shutil
import tempfile
import threading
import time
import unittest

import numpy as np
import tensorflow as tf

import common
from old_hub import hub

tf1 = tf.compat.v1
MODULE = 'mobilenet_v1_025_128_feature_vector'
CLASSES = ('daisy', 'dandelion', 'roses', 'sunflowers', 'tulips')


class Server(http.server.ThreadingHTTPServer):
    """Hands out one archive at any path on loopback, and counts who asks for what."""
    daemon_threads = True

    def __init__(self, archive):
        super().__init__(('127.0.0.1', 0), Answer)
        with open(archive, 'rb') as file:
            self.archive = file.read()
        self.requests = collections.Counter()
        self.asked = threading.Event()
        self.pause_seconds = 0  # in the middle of the body
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def address(self, path):
        return 'http://127.0.0.1:%d%s' % (self.server_port, path)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.server.requests[self.path] += 1
        self.server.asked.set()
        self.send_response(200)
        self.send_header('Content-Length', str(len(self.server.archive)))
        self.end_headers()
        half = len(self.server.archive) // 2
        self.wfile.write(self.server.archive[:half])
        time.sleep(self.server.pause_seconds)
        self.wfile.write(self.server.archive[half:])

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def some_photos(folder):
    """A data set of the golden photos; returns them in the order of retrain's files."""
    for name in common.golden_photos():
        os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
        shutil.copy(common.flower(name), os.path.join(folder, name))
    return sorted(common.golden_photos())


class Features(unittest.TestCase):
    """Vectors of the golden photos by retrain, by hub.Module and by the graph that a module was made of."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.photos = some_photos(self.path('photos'))

    def path(self, name):
        return os.path.join(self.folder, name)

    def serve(self, archive):
        server = Server(archive)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def ours(self, module, image_dir=None):
        """What retrain leaves in its bottleneck files."""
        bottlenecks = tempfile.mkdtemp(dir=self.folder)
        common.retrain('--image_dir', image_dir or self.path('photos'), '--tfhub_module', module, '--bottleneck_dir', bottlenecks,
                       '--bottleneck_cache', 'text',                        '--how_many_training_steps', '1', '--output_graph', self.path('graph.pb'), '--output_labels',
                       self.path('labels.txt'), '--summaries_dir', self.path('logs'), '--checkpoint_path',
                       self.path('checkpoints/c'))
        rows = []
        for photo in self.photos:
            (name,) = glob.glob(os.path.join(bottlenecks, glob.escape(photo) + '_*.txt'))
            with open(name, encoding='ascii') as file:
                rows.append(file.read().split(','))
        return np.array(rows, np.float32)

    def images(self, height, width):
        return np.concatenate([common.pixels(common.flower(photo), height, width) for photo in self.photos])

    def hubs(self, module):
        """What hub.Module gives, and the size that it expects."""
        graph = tf.Graph()
        with graph.as_default():
            loaded = hub.Module(module)
            size = hub.get_expected_image_size(loaded)
            images = tf1.placeholder(tf.float32, [None, *size, 3])
            features = loaded(images)
            initializer = tf1.global_variables_initializer()
        pixels = self.images(*size)
        with tf1.Session(graph=graph) as session:
            session.run(initializer)
            return session.run(features, {images: pixels}), size

    def assert_near(self, ours, theirs, bound=2e-5):
        self.assertEqual(ours.shape, theirs.shape)
        rows = np.abs(ours - theirs).max(axis=1) / np.abs(theirs).max(axis=1)
        print('largest difference of a row to its largest value: %.2g' % rows.max())
        self.assertLessEqual(rows.max(), bound)


class SharedCache(Features):
    """Each test fetches once, whoever comes second."""

    def setUp(self):
        super().setUp()
        self.server = self.serve(os.path.join(common.MODULES, MODULE + '.tar.gz'))
        self.handle = self.server.address('/google/imagenet/%s/1' % MODULE)
        self.cache = self.path('cache')
        for name, value in (('TFHUB_CACHE_DIR', self.cache), ('XDG_CACHE_HOME', self.path('xdg')),
                            ('TMPDIR', self.folder), ('no_proxy', '127.0.0.1')):
            old = os.environ.get(name)
            self.addCleanup(os.environ.__setitem__ if old is not None else os.environ.pop, name, old)
            os.environ[name] = value

    def check_cache(self):
        """One request in all; one entry, with tensorflow_hub's name and its descriptor, and nothing half made."""
        self.assertEqual(self.server.requests,
                         {'/google/imagenet/%s/1?tf-hub-format=compressed' % MODULE: 1})
        name = hashlib.sha1(self.handle.encode()).hexdigest()
        self.assertIn(set(os.listdir(self.cache)),
                      ({name, name + '.descriptor.txt'}, {name, name + '.descriptor.txt', name + '.files.txt'}))
        with open(os.path.join(self.cache, name + '.descriptor.txt'), encoding='utf-8') as file:
            lines = file.read().splitlines()
        self.assertEqual([line.split(': ')[0] for line in lines], ['Module', 'Download Time', 'Downloader Hostname'])
        self.assertEqual(lines[0], 'Module: ' + self.handle)

    def test_what_tensorflow_hub_fetched_is_used(self):
        theirs, size = self.hubs(self.handle)
        self.assertEqual(size, [128, 128])
        self.check_cache()
        self.assert_near(self.ours(self.handle), theirs)
        self.check_cache()

    def test_what_retrain_fetched_is_used(self):
        ours = self.ours(self.handle)
        self.check_cache()
        theirs, _ = self.hubs(self.handle)
        self.check_cache()
        self.assert_near(ours, theirs)
        again, _ = self.hubs(os.path.join(common.MODULES, MODULE))
        np.testing.assert_array_equal(theirs, again)

    def test_a_data_set_is_fetched_once_too(self):
        archive = shutil.make_archive(self.path('flowers'), 'gztar', self.folder, 'photos')
        server = self.serve(archive)
        first = self.ours(self.handle, server.address('/flowers.tar.gz'))
        again = self.ours(self.handle, server.address('/flowers.tar.gz'))
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(first, self.ours(self.handle))
        self.assertEqual(server.requests, {'/flowers.tar.gz': 1})

    def both_at_once(self, first, second):
        """The second starts while the first has half of the archive."""
        self.server.pause_seconds = 3
        results = []
        thread = threading.Thread(target=lambda: results.append(first(self.handle)))
        thread.start()
        self.assertTrue(self.server.asked.wait(60))
        results.append(second(self.handle))
        thread.join()
        self.assertEqual(len(results), 2)
        self.check_cache()

    def test_retrain_waits_for_tensorflow_hub(self):
        self.both_at_once(hub.resolve, self.ours)

    def test_tensorflow_hub_waits_for_retrain(self):
        self.both_at_once(self.ours, hub.resolve)


class Created(Features):
    """retrain module create: the real library loads the module, and it gives what its source gives."""

    def check(self, source, size, theirs):
        for name in 'module', 'module.tar.gz':
            common.retrain('module', 'create', source, self.path(name))
        folder = self.path('unpacked')
        shutil.unpack_archive(self.path('module.tar.gz'), folder)
        got, expected_size = self.hubs(self.path('module'))
        self.assertEqual(expected_size, [size, size])
        self.assert_near(got, theirs)
        np.testing.assert_array_equal(got, self.hubs(folder)[0])
        self.assert_near(self.ours(self.path('module')), got)
        self.assert_near(self.ours(source), theirs)

    def frozen(self, path, placeholder, tensor, images):
        feeds = [{placeholder: image[np.newaxis]} for image in images]
        return np.array(common.run_graph(common.read_graph(path), feeds, tensor)).mean(axis=(1, 2))

    def test_from_a_detector(self):
        folder = os.path.join(common.REFERENCE, 'ssd', 'ssd_inception_v2_coco_2017_11_17')
        theirs = self.frozen(os.path.join(folder, 'frozen_inference_graph.pb'),
                             'Preprocessor/map/TensorArrayStack/TensorArrayGatherV3:0',
                             'FeatureExtractor/InceptionV2/InceptionV2/Mixed_5c/concat:0', self.images(300, 300) * 255)
        self.check(folder, 300, theirs)

    def test_from_a_frozen_graph(self):
        path = os.path.join(common.SHARED, 'models', 'mobilenet_v1_0.25_128_frozen.pb')
        theirs = self.frozen(path, 'input:0', 'MobilenetV1/Logits/AvgPool_1a/AvgPool:0', self.images(128, 128) * 2 - 1)
        self.check(path, 128, theirs)

    def test_from_a_saved_model(self):
        folder = os.path.join(common.REFERENCE, 'saved_models', 'v1_simple_save')
        pixels = self.images(224, 224)
        with tf.Graph().as_default(), tf1.Session() as session:
            tf1.saved_model.load(session, ['serve'], folder)
            theirs = session.run('MobilenetV1/Logits/global_pool:0', {'hub_input/images:0': pixels})
        self.check(folder, 224, theirs.reshape(len(theirs), -1))
