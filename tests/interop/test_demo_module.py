"""The demo's network: read without PyTorch, written without TensorFlow, run by TensorFlow."""
import array
import io
import os
import pickle
import tempfile
import unittest

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import common
import tf_module
import torch_file


class Runs:
    """Reads as a call of os.system, which a pickle may ask for."""

    def __reduce__(self):
        return os.system, ('exit 1',)


class TorchFile(unittest.TestCase):
    def test_a_pickle_that_would_run_something_is_refused(self):
        with self.assertRaisesRegex(pickle.UnpicklingError, 'has no place'):
            torch_file.read(pickle.dumps(Runs(), 2))

    def test_a_tensor_outside_its_storage_is_refused(self):
        for offset, shape, stride in ((1, (2, 2), (2, 1)), (-1, (2,), (1,)), (0, (2,), (0,)), (0, (2, 1), (4, 1))):
            view = torch_file.View(None, offset, shape, stride)
            with self.assertRaises(ValueError):
                torch_file.Tensor(view, array.array('f', range(4)))

    def test_transposed_views(self):
        numbers = array.array('f', range(24))
        tensor = torch_file.Tensor(torch_file.View(None, 0, (4, 3, 2), (1, 4, 12)), numbers)
        expected = np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose()
        self.assertEqual(list(tensor.values()), expected.ravel().tolist())
        self.assertEqual(list(tensor.values((2, 0, 1))), expected.transpose(2, 0, 1).ravel().tolist())

    def test_another_file_is_refused(self):
        other = b''.join(pickle.dumps(value, 2) for value in (1, 1001, {}, {}, []))
        with self.assertRaisesRegex(ValueError, 'not a PyTorch file'):
            torch_file.read(other)
        with self.assertRaises(Exception):
            torch_file.read(io.BytesIO(b'GIF89a').getvalue())


class Bundle(unittest.TestCase):
    def test_tensorflow_reads_it(self):
        """It checks the checksums on the way, of lengths that are no multiple of four too."""
        variables = {'b/odd': ((3, 5), array.array('f', (i / 7 for i in range(15)))),
                     'a': ((), array.array('f', [-1.5])), 'empty': ((0, 3), array.array('f'))}
        with tempfile.TemporaryDirectory() as folder:
            prefix = os.path.join(folder, 'variables')
            for suffix, content in zip(('.index', '.data-00000-of-00001'), tf_module.bundle(variables)):
                with open(prefix + suffix, 'wb') as file:
                    file.write(content)
            reader = tf.train.load_checkpoint(prefix)
            self.assertEqual(reader.get_variable_to_shape_map(), {k: list(v[0]) for k, v in variables.items()})
            for name, (shape, values) in variables.items():
                np.testing.assert_array_equal(reader.get_tensor(name), np.array(values, np.float32).reshape(shape))


class Module(unittest.TestCase):
    def test_features_are_the_golden_ones(self):
        model = saved_model_pb2.SavedModel()
        with open(os.path.join(common.DEMO_MODULE, 'saved_model.pb'), 'rb') as file:
            model.ParseFromString(file.read())
        reader = tf.train.load_checkpoint(os.path.join(common.DEMO_MODULE, 'variables', 'variables'))
        with open(os.path.join(common.GOLDEN, 'bottlenecks_efficientnet_lite0.txt'), encoding='utf-8') as file:
            names = file.read().split()
        golden = np.load(os.path.join(common.GOLDEN, 'bottlenecks_efficientnet_lite0.npy'))
        photos = common.golden_photos()
        images = [common.pixels(common.flower(name), 224, 224) for name in photos]
        (graph,) = model.meta_graphs
        self.assertEqual(list(graph.meta_info_def.tags), [])
        signature = graph.signature_def['default']
        with tf.Graph().as_default():
            tf.import_graph_def(graph.graph_def, name='')
            with tf.compat.v1.Session() as session:
                for operation in session.graph.get_operations():
                    if operation.type == 'VarHandleOp':
                        value = reader.get_tensor(operation.get_attr('shared_name').decode())
                        session.run(tf.raw_ops.AssignVariableOp(resource=operation.outputs[0], value=value))
                for name, image in zip(photos, images):
                    feature = session.run(signature.outputs['default'].name, {signature.inputs['images'].name: image})
                    expected = golden[names.index(name)]
                    np.testing.assert_allclose(feature[0], expected, rtol=0, atol=2e-5 * np.abs(expected).max())
