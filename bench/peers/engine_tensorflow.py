"""TensorFlow 2.15: the frozen graph as a function, in the batch that suits it best; photo files by tf.data."""
import json
import os
import time

import numpy as np
import tensorflow as tf

from engines import Caller

BATCHES = (1, 8, 32)
LONGEST = 1.0  # seconds for a batch: larger ones are not offered


class TensorFlow:
    reader = 'tf.data'

    def __init__(self, folder, size, cores):
        self.version = tf.__version__
        self.height, self.width = size
        tf.config.threading.set_intra_op_parallelism_threads(cores)
        tf.config.threading.set_inter_op_parallelism_threads(cores)
        self.cores = cores
        graph = tf.compat.v1.GraphDef()
        with open(os.path.join(folder, 'network.pb'), 'rb') as file:
            graph.ParseFromString(file.read())
        with open(os.path.join(folder, 'network.json'), encoding='utf-8') as file:
            names = json.load(file)
        whole = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=''), [])
        self.network = whole.prune(names['pixels'], names['feature'])
        self.batches = [batch for batch in BATCHES if batch == 1 or batch * self.photo_seconds() < LONGEST]

    def photo_seconds(self):
        pixels = tf.zeros((1, self.height, self.width, 3))
        self.network(pixels)
        start = time.perf_counter()
        self.network(pixels)
        return time.perf_counter() - start

    def ways(self, cores):
        return [('batch %d, %d threads' % (batch, cores), lambda batch=batch: [TensorFlowCaller(self, batch)])
                for batch in self.batches]

    def ways_whole(self, cores):
        return [('batch %d, %d threads' % (batch, cores), lambda batch=batch: Pipeline(self, batch))
                for batch in self.batches]


class TensorFlowCaller(Caller):
    layout = 'nhwc'

    def __init__(self, engine, batch):
        self.network, self.batch = engine.network, batch
        self.pixels = np.zeros((batch, engine.height, engine.width, 3), np.float32)
        self.tensor = None

    def ready(self):
        self.tensor = tf.constant(self.pixels)

    def run(self):
        self.result = self.network(self.tensor)

    def vector(self):
        return self.result.numpy()[:1]


class Pipeline:
    """Photo files to vectors, measured while it is running full: what was read ahead before counts for what is read ahead
    at the end."""
    WARM = 2  # batches

    def __init__(self, engine, batch):
        self.engine, self.batch = engine, batch

    def read(self, path):
        photo = tf.io.decode_jpeg(tf.io.read_file(path), channels=3, dct_method='INTEGER_FAST')
        return tf.image.resize(tf.image.convert_image_dtype(photo, tf.float32), [self.engine.height, self.engine.width])

    def batches(self, photos):
        data = tf.data.Dataset.from_tensor_slices(photos).repeat()
        data = data.map(self.read, num_parallel_calls=tf.data.AUTOTUNE if self.engine.cores > 1 else 1)
        data = data.batch(self.batch).prefetch(1 if self.batch > 1 else self.engine.cores)
        options = tf.data.Options()
        options.threading.private_threadpool_size = self.engine.cores
        return iter(data.with_options(options))

    def measure(self, photos, first, seconds, least):
        batches = self.batches(photos[first:] + photos[:first])
        for _ in range(self.WARM):
            self.engine.network(next(batches))
        n, start, processor = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() < start + seconds or n < least:
            self.engine.network(next(batches)).numpy()
            n += self.batch
        return n / (time.perf_counter() - start), (time.process_time() - processor) / n

    def vector(self, path):
        return self.engine.network(self.read(path)[tf.newaxis]).numpy()
