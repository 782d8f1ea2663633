"""What a run leaves beside its graph, read by TensorFlow and TensorBoard: checkpoint, SavedModel, summaries."""
import json
import os
import sys
import tempfile
import unittest

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

import common

PHOTOS = [common.flower(name) for name in common.golden_photos()]
FINAL = 'scores/final'
tf1 = tf.compat.v1


class Run:
    """One run, whose records the classes below read."""
    module, size, flags = 'mobilenet_v1_025_224_feature_vector', 224, ()

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = cls.scratch.name
        cls.prefix = os.path.join(cls.folder, 'checkpoints', '_retrain_checkpoint')
        cls.saved_model = os.path.join(cls.folder, 'saved_model')
        graph = os.path.join(cls.folder, 'output_graph.pb')
        cls.result = common.retrain(
            '--image_dir', common.FLOWERS, '--tfhub_module',
            os.path.join(common.MODULES, cls.module), '--output_graph', graph,
            '--output_labels', os.path.join(cls.folder, 'output_labels.txt'), '--bottleneck_dir',
            os.path.join(cls.folder, 'bottleneck'), '--how_many_training_steps', '100', '--final_tensor_name', FINAL,
            '--checkpoint_path', cls.prefix, '--saved_model_dir', cls.saved_model,
            '--summaries_dir', os.path.join(cls.folder, 'logs'), '--intermediate_output_graphs_dir', cls.folder,
            '--json', '-', *cls.flags)
        cls.graph_def = common.read_graph(graph)
        cls.images = np.concatenate([common.pixels(photo, cls.size, cls.size) for photo in PHOTOS])
        cls.frozen = np.array(
            common.run_graph(cls.graph_def, [{'Placeholder:0': image[np.newaxis]} for image in cls.images], FINAL + ':0'))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()


class Variables(Run, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # TensorFlow folds batch norms into constants but not into variables, which is 1e-6 of rounding: compare without.
        plain = tf1.ConfigProto()
        plain.graph_options.rewrite_options.disable_meta_optimizer = True
        cls.unfolded = np.array(common.run_graph(
            cls.graph_def, [{'Placeholder:0': image[np.newaxis]} for image in cls.images], FINAL + ':0', plain))

    def check(self, probabilities):
        np.testing.assert_allclose(probabilities, self.unfolded, rtol=0, atol=1e-6)

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


def events(folder):
    (name,) = os.listdir(folder)
    return list(tf1.train.summary_iterator(os.path.join(folder, name)))


def values(event):
    return {value.tag: value for value in event.summary.value}


class Summaries(Run, unittest.TestCase):
    def read(self, name):
        return events(os.path.join(self.folder, 'logs', name))

    def test_train_has_the_tags_of_retrain_py(self):
        ours = self.read('train')
        theirs = events(os.path.join(common.REFERENCE, 'retrain_run', 'defaults', 'retrain_logs', 'train'))
        self.assertEqual([event.WhichOneof('what') for event in ours[:4]],
                         [event.WhichOneof('what') for event in theirs[:4]])
        kinds = [[(value.tag, value.WhichOneof('value')) for value in event.summary.value] for event in (ours[3], theirs[3])]
        self.assertEqual(*kinds)
        self.assertEqual([event.step for event in ours[3:]], list(range(0, 100, 10)) + [99])
        self.assertEqual([event.step for event in self.read('validation')[1:]], list(range(0, 100, 10)) + [99])

    def test_histograms_have_tensorflows_limits(self):
        limits = [1e-12]
        while limits[-1] < 1e20:
            limits.append(limits[-1] * 1.1)
        limits = {sign * limit for limit in limits + [sys.float_info.max, 0.0] for sign in (-1, 1)}
        theirs = values(events(os.path.join(common.REFERENCE, 'retrain_run', 'defaults', 'retrain_logs', 'train'))[3])
        for tag, summary in values(self.read('train')[3]).items():
            if summary.WhichOneof('value') == 'histo':
                self.assertLessEqual(set(theirs[tag].histo.bucket_limit), limits)
                self.assertLessEqual(set(summary.histo.bucket_limit), limits)
                self.assertEqual(summary.histo.num, theirs[tag].histo.num)
                self.assertEqual(sum(summary.histo.bucket), summary.histo.num)

    def test_first_weights_are_the_truncated_normal_of_retrain_py(self):
        """Its own log holds weights from before or after the step, as its threads have it; ours from before."""
        first = values(self.read('train')[3])
        np.testing.assert_allclose(first['final_retrain_ops/weights/summaries/stddev_1'].simple_value, 0.00088, rtol=0.05)
        self.assertLessEqual(first['final_retrain_ops/weights/summaries/max_1'].simple_value, 0.002)
        self.assertEqual(first['final_retrain_ops/biases/summaries/max_1'].simple_value, 0)

    def test_last_values_are_those_of_the_checkpoint(self):
        weights = tf.train.load_checkpoint(self.prefix).get_tensor('final_retrain_ops/weights/final_weights')
        last = values(self.read('train')[-1])  # before the last step
        np.testing.assert_allclose(last['final_retrain_ops/weights/summaries/mean_1'].simple_value, weights.mean(),
                                   rtol=0, atol=1e-3)
        np.testing.assert_allclose(last['final_retrain_ops/weights/summaries/stddev_1'].simple_value, weights.std(),
                                   rtol=0.02)

    def test_graphs_are_the_ones_that_were_written(self):
        graph_def = tf1.GraphDef()
        ours = self.read('train')
        graph_def.ParseFromString(ours[1].graph_def)
        names = {node.name for node in graph_def.node}
        self.assertLess({node.name for node in self.graph_def.node}, names)
        meta = tf1.MetaGraphDef()
        meta.ParseFromString(ours[2].meta_graph_def)
        with tf.Graph().as_default():
            tf1.train.import_meta_graph(meta)

    def test_tensorboard_reads_the_final_test(self):
        data = event_accumulator.EventAccumulator(os.path.join(self.folder, 'logs', 'test')).Reload()
        tensors = {tag: data.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in data.Tags()['tensors']}
        self.assertEqual(set(tensors), {'classes', 'confusion_matrix'})
        rows = tensors['confusion_matrix'].splitlines()
        self.assertEqual(rows[0], '| photos of, taken for | daisy | dandelion | roses | sunflowers | tulips |')
        cells = [[int(cell) for cell in row.split('|')[2:-1]] for row in rows[2:]]
        right = sum(row[i] for i, row in enumerate(cells)) / sum(map(sum, cells))
        np.testing.assert_allclose(data.Scalars('accuracy_1')[0].value, right, rtol=1e-6)


class EachStep(Run, unittest.TestCase):
    """Summaries of each step as TensorBoard reads them, with what TensorFlow makes of the weights."""
    flags = '--summary_interval', '1', '--intermediate_store_frequency', '10'

    def board(self, folder):
        return event_accumulator.EventAccumulator(
            folder, size_guidance={event_accumulator.HISTOGRAMS: 0, event_accumulator.SCALARS: 0}).Reload()

    def test_tensorboard_sees_what_it_sees_of_retrain_py(self):
        for name in 'train', 'validation':
            ours = self.board(os.path.join(self.folder, 'logs', name))
            theirs = self.board(os.path.join(common.REFERENCE, 'retrain_run', 'defaults', 'retrain_logs', name))
            self.assertEqual({kind: sorted(tags) if isinstance(tags, list) else tags for kind, tags in ours.Tags().items()},
                             {kind: sorted(tags) if isinstance(tags, list) else tags for kind, tags in theirs.Tags().items()})
            self.assertEqual([event.step for event in ours.Scalars('accuracy_1')],
                             list(range(100)) if name == 'train' else list(range(0, 100, 10)) + [99])

    def test_weights_are_summed_up_as_tensorflow_does(self):
        """intermediate_<i>.pb holds the weights after step i, which are those that step i + 1 sees."""
        board = self.board(os.path.join(self.folder, 'logs', 'train'))
        for step in 10, 50, 90:
            graph_def = common.read_graph(os.path.join(self.folder, 'intermediate_%d.pb' % step))
            constants = {node.name: tf.make_ndarray(node.attr['value'].tensor)
                         for node in graph_def.node if node.name.endswith(('final_weights', 'final_biases'))}
            for kind, name in (('weights', 'final_weights'), ('biases', 'final_biases')):
                values = constants['final_retrain_ops/%s/%s' % (kind, name)]
                self.check(board, 'final_retrain_ops/%s/summaries/' % kind, step + 1, values)

    def check(self, board, scope, step, values):
        (ours,) = [event.histogram_value for event in board.Histograms(scope + 'histogram') if event.step == step]
        with tf.Graph().as_default(), tf1.Session() as session:
            summary = tf1.Summary.FromString(session.run(tf1.summary.histogram('h', values)))
        theirs = summary.value[0].histo
        self.assertEqual(ours.bucket_limit, list(theirs.bucket_limit))
        self.assertEqual(ours.bucket, list(theirs.bucket))
        self.assertEqual((ours.min, ours.max, ours.num), (theirs.min, theirs.max, theirs.num))
        np.testing.assert_allclose((ours.sum, ours.sum_squares), (theirs.sum, theirs.sum_squares), rtol=1e-12)
        for tag, expected in (('mean_1', values.mean()), ('stddev_1', values.std()), ('max_1', values.max()),
                              ('min_1', values.min())):
            (found,) = [event.value for event in board.Scalars(scope + tag) if event.step == step]
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9, err_msg=tag)

    def test_last_scores_are_those_of_the_result(self):
        board = self.board(os.path.join(self.folder, 'logs', 'validation'))
        validation = json.loads(self.result)['validation']
        for tag, key in ('accuracy_1', 'accuracy'), ('cross_entropy_1', 'cross_entropy'):
            np.testing.assert_allclose(board.Scalars(tag)[-1].value, validation[key], rtol=1e-6)


class Quantops(Run, unittest.TestCase):
    """A network that imitates 8 bits, and the trained layer with it."""
    module, size = 'mobilenet_v1_025_128_quantops', 128

    def test_converter_makes_an_8_bit_model(self):
        path = os.path.join(self.folder, 'output_graph.pb')
        converter = tf1.lite.TFLiteConverter.from_frozen_graph(path, ['Placeholder'], [FINAL])
        converter.inference_type = tf.uint8
        converter.quantized_input_stats = {'Placeholder': (0., 255.)}
        model = converter.convert()
        interpreter = tf.lite.Interpreter(
            model_content=model,
            experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
        interpreter.allocate_tensors()
        types = {tensor['index']: tensor['dtype'] for tensor in interpreter.get_tensor_details()}
        # pylint: disable-next=protected-access
        floats = {op['op_name'] for op in interpreter._get_ops_details() if types[op['outputs'][0]] == np.float32}
        self.assertEqual(floats, set())
        probabilities = []
        for image in self.images:
            interpreter.set_tensor(interpreter.get_input_details()[0]['index'],
                                   np.round(image[np.newaxis] * 255).astype(np.uint8))
            interpreter.invoke()
            probabilities.append(interpreter.get_tensor(interpreter.get_output_details()[0]['index'])[0] / 256)
        same = np.argmax(probabilities, 1) == np.argmax(self.frozen, 1)
        self.assertGreaterEqual(same.sum(), 0.9 * len(same))
        difference = np.abs(np.array(probabilities) - self.frozen)
        print('8 bits: %d of %d photos the same, mean difference %.2g' % (same.sum(), len(same), difference.mean()))
        self.assertLess(difference.mean(), 0.03)

    def test_label_gives_what_tensorflow_gives(self):
        ours = common.label(os.path.join(self.folder, 'output_graph.pb'), PHOTOS)
        ours = np.array([[scores[name] for name in sorted(scores)] for scores in ours])
        # A value between two of 256 steps may fall to either side.
        self.assertLess(np.median(np.abs(ours - self.frozen).max(1)), 0.02)

    def test_ranges_are_variables_that_are_not_trained(self):
        with tf.Graph().as_default(), tf1.Session() as session:
            tf1.train.import_meta_graph(self.prefix + '.meta').restore(session, self.prefix)
            np.testing.assert_allclose(session.run(FINAL + ':0', {'Placeholder:0': self.images}), self.frozen, rtol=0,
                                       atol=1e-6)
            self.assertEqual(len(tf1.trainable_variables()), 2)
            low, high = session.run(['final_retrain_ops/Wx_plus_b/weights_quant/%s:0' % end for end in ('min', 'max')])
            weights = session.run('final_retrain_ops/weights/final_weights:0')
            self.assertEqual((low, high), (weights.min(), weights.max()))
