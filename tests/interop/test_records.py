"""What a run leaves beside its graph, read by TensorFlow: checkpoint and SavedModel."""
import os
import tempfile
import unittest

import numpy as np
import tensorflow as tf

import common

PHOTOS = [common.flower(name) for name in common.golden_photos()]
FINAL = 'scores/final'
tf1 = tf.compat.v1


class Records(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        cls.prefix = os.path.join(cls.folder, 'checkpoints', '_retrain_checkpoint')
        cls.saved_model = os.path.join(cls.folder, 'saved_model')
        graph = os.path.join(cls.folder, 'output_graph.pb')
        common.retrain(
            '--image_dir', common.FLOWERS, '--tfhub_module',
            os.path.join(common.MODULES, 'mobilenet_v1_025_224_feature_vector'), '--output_graph', graph,
            '--output_labels', os.path.join(cls.folder, 'output_labels.txt'), '--bottleneck_dir',
            os.path.join(cls.folder, 'bottleneck'), '--how_many_training_steps', '100', '--final_tensor_name', FINAL,
            '--checkpoint_path', cls.prefix, '--saved_model_dir', cls.saved_model,
            '--summaries_dir', os.path.join(cls.folder, 'logs'))
        cls.graph_def = common.read_graph(graph)
        cls.images = np.concatenate([common.pixels(photo, 224, 224) for photo in PHOTOS])
        cls.frozen = np.array(
            common.run_graph(cls.graph_def, [{'Placeholder:0': image[np.newaxis]} for image in cls.images], FINAL + ':0'))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def check(self, probabilities):
        np.testing.assert_allclose(probabilities, self.frozen, rtol=0, atol=1e-6)

    def test_checkpoint_restores_from_its_meta_graph(self):
        latest = tf.train.latest_checkpoint(os.path.dirname(self.prefix))
        self.assertEqual(latest, self.prefix)
        with tf.Graph().as_default(), tf1.Session() as session:
            saver = tf1.train.import_meta_graph(latest + '.meta')
            saver.restore(session, latest)
            self.check(session.run(FINAL + ':0', {'Placeholder:0': self.images}))
            again = saver.save(session, os.path.join(self.folder, 'again'))
            self.assertEqual([variable.op.name for variable in tf1.trainable_variables()],
                             ['final_retrain_ops/biases/final_biases', 'final_retrain_ops/weights/final_weights'])
            session.run(tf1.global_variables_initializer())
            np.testing.assert_allclose(session.run('final_retrain_ops/weights/final_weights:0'), 0)
        theirs = tf.train.load_checkpoint(again)
        ours = tf.train.load_checkpoint(latest)
        self.assertEqual(theirs.get_variable_to_shape_map(), ours.get_variable_to_shape_map())
        for name in ours.get_variable_to_shape_map():
            np.testing.assert_array_equal(theirs.get_tensor(name), ours.get_tensor(name), name)

    def test_checkpoint_names_are_those_of_retrain_py(self):
        theirs = tf.train.load_checkpoint(os.path.join(
            common.REFERENCE, 'retrain_run', 'defaults', '_retrain_checkpoint')).get_variable_to_shape_map()
        ours = tf.train.load_checkpoint(self.prefix).get_variable_to_shape_map()
        for name, shape in ours.items():
            self.assertEqual(theirs.get(name), shape, name)
        # The classification layer of the module is not in the graph that is written.
        self.assertEqual({name for name in theirs if name not in ours},
                         {'module/MobilenetV1/Logits/Conv2d_1c_1x1/' + part for part in ('weights', 'biases')})

    def test_saved_model_in_tensorflow_2(self):
        model = tf.saved_model.load(self.saved_model)
        serve = model.signatures['serving_default']
        self.assertEqual(serve.structured_input_signature[1]['image'].shape.as_list(), [None, 224, 224, 3])
        self.assertEqual(serve.structured_outputs['prediction'].shape.as_list(), [None, 5])
        self.check(serve(image=tf.constant(self.images))['prediction'])

    def test_saved_model_in_tensorflow_1(self):
        with tf.Graph().as_default(), tf1.Session() as session:
            meta = tf1.saved_model.load(session, ['serve'], self.saved_model)
            self.assertEqual(list(meta.signature_def), ['serving_default'])
            signature = meta.signature_def['serving_default']
            self.assertEqual(signature.method_name, 'tensorflow/serving/predict')
            self.check(session.run(signature.outputs['prediction'].name,
                                   {signature.inputs['image'].name: self.images}))
