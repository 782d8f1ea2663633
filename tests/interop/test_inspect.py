"""retrain inspect says what TensorFlow's own programs say: inspect_checkpoint, saved_model_cli show, summarize_graph."""
import contextlib
import glob
import io
import json
import os
import re
import shutil
import tempfile
import unittest

import numpy as np
import onnx
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.python.tools import inspect_checkpoint, saved_model_cli

import common

CHECKPOINTS = os.path.join(common.REFERENCE, 'checkpoints')
DTYPES = {'float': 'float32', 'double': 'float64', 'half': 'float16'}


def inspect(path, *arguments):
    return json.loads(common.retrain('inspect', '--json', *arguments, path))


def dtype(name):
    return DTYPES.get(name, name)


def shape(text):
    """'[?,224,224,3]' as TensorFlow's programs print it."""
    return '(%s)' % ', '.join('-1' if size == '?' else size for size in text[1:-1].split(',') if size)


def printed(function, *arguments, **options):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*arguments, **options)
    return out.getvalue()


class Checkpoints(unittest.TestCase):
    def test_variables_are_those_of_inspect_checkpoint(self):
        for name in ('v2/model.ckpt-4000', 'v2_sharded/model.ckpt-4000', 'v1/model.ckpt-4000', 'dtypes/many.ckpt'):
            prefix = os.path.join(CHECKPOINTS, name)
            text = printed(inspect_checkpoint.print_tensors_in_checkpoint_file, prefix, None, all_tensors=False,
                           all_tensor_names=False)
            # Of a partitioned variable it prints the parts only, under their binary keys.
            parts = set(re.findall(r'^\0([^\0]+)\0', text, re.M))
            text = re.sub(r'^\0.*\n', '', text, flags=re.M)
            wanted = dict(re.findall(r'^(\S+) \((?:DT_)?\S+\) (\[[\d,]*\])', text, re.M))
            types = dict(re.findall(r'^(\S+) \((?:DT_)?(\S+)\)', text, re.M))
            found = {v['name']: v for v in inspect(prefix)['variables']}
            self.assertEqual(parts, set(found) - set(wanted), name)
            found = {key: found[key] for key in wanted}
            self.assertEqual({key: v['shape'] for key, v in found.items()}, wanted, name)
            self.assertEqual({key: v['dtype'].upper() for key, v in found.items()}, types, name)

    def test_values_are_those_that_tensorflow_reads(self):
        reader = tf.train.load_checkpoint(os.path.join(CHECKPOINTS, 'dtypes/many.ckpt'))
        with tempfile.TemporaryDirectory() as folder:
            for name, kind in reader.get_variable_to_dtype_map().items():
                if kind in (tf.string, tf.bfloat16):  # numpy has no such types
                    continue
                path = os.path.join(folder, 'x.npy')
                for checkpoint in ('dtypes/many.ckpt', 'dtypes_v1/many.ckpt'):
                    full = os.path.join(CHECKPOINTS, checkpoint)
                    if name not in {v['name'] for v in inspect(full)['variables']}:
                        continue
                    common.retrain('inspect', '--tensor', name, '--output', path, full)
                    np.testing.assert_array_equal(np.load(path), reader.get_tensor(name), name)

    def test_checkpoints_that_tensorflow_writes_now(self):
        """V1 in shards with a partitioned variable, which TensorFlow itself cannot read back."""
        values = np.arange(35, dtype=np.float32).reshape(7, 5)
        v1 = tf.compat.v1
        config = v1.ConfigProto(device_count={'CPU': 2})
        with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default(), v1.Session(config=config) as session:
            with tf.device('/cpu:0'):
                parts = v1.get_variable('parts', [7, 5], initializer=v1.zeros_initializer(), use_resource=False,
                                        partitioner=v1.fixed_size_partitioner(3))
            with tf.device('/cpu:1'):
                v1.get_variable('words', initializer=tf.constant([b'a', b'', b'\xff\x00']), use_resource=False)
            session.run(v1.global_variables_initializer())
            for part in parts:
                first = part._get_save_slice_info().var_offset[0]  # pylint: disable=protected-access
                session.run(part.assign(values[first:first + part.shape[0]]))
            for sharded in (False, True):
                saver = v1.train.Saver(write_version=v1.train.SaverDef.V1, sharded=sharded)
                prefix = saver.save(session, os.path.join(folder, 'm%d' % sharded))
                self.assertEqual(len(glob.glob(prefix)), 1 + sharded)
                for path in (prefix, folder):
                    found = inspect(path)
                    self.assertEqual(found['checkpoint_format'], 'V1')
                    self.assertEqual({v['name']: v['shape'] for v in found['variables']},
                                     {'parts': '[7,5]', 'words': '[3]'})
                    common.retrain('inspect', '--tensor', 'parts', '--output', os.path.join(folder, 'x.npy'), path)
                    np.testing.assert_array_equal(np.load(os.path.join(folder, 'x.npy')), values)


    def test_weights_and_graph_need_no_meta_graph(self):
        """As tf.train.write_graph() and a Saver without write_meta_graph leave a folder."""
        source = os.path.join(CHECKPOINTS, 'v1')
        with tempfile.TemporaryDirectory() as folder:
            for name in ('checkpoint', 'model.ckpt-4000'):
                shutil.copy(os.path.join(source, name), folder)
            with open(os.path.join(source, 'model.ckpt-4000.meta'), 'rb') as file:
                meta = meta_graph_pb2.MetaGraphDef.FromString(file.read())
            tf.io.write_graph(meta.graph_def, folder, 'graph.pb', as_text=False)
            self.assertEqual(inspect(folder)['as_base_network'], inspect(source)['as_base_network'])


class SavedModels(unittest.TestCase):
    def test_signatures_are_those_of_saved_model_cli(self):
        folders = [os.path.join(common.REFERENCE, 'saved_models', name)
                   for name in ('v1_simple_save', 'v1_builder', 'v2_module', 'v2_keras')]
        folders.append(os.path.join(common.REFERENCE, 'ssd/ssd_inception_v2_coco_2017_11_17/saved_model'))
        for folder in folders:
            found = inspect(folder)
            graphs = [found[key] for key in sorted(found) if re.match(r'graph_\d+$', key)]
            tags = {graph['tags'] for graph in graphs}
            text = printed(saved_model_cli._show_tag_sets, folder)  # pylint: disable=protected-access
            self.assertEqual(tags, {'{%s}' % line.replace("'", '').replace(' ', '')
                                    for line in text.splitlines() if line.startswith("'")}, folder)
            for graph in graphs:
                self.check_graph(folder, graph)

    def check_graph(self, folder, graph):
        tags = graph['tags'][1:-1]
        text = printed(saved_model_cli._show_signature_def_map_keys, folder, tags)  # pylint: disable=protected-access
        keys = set(re.findall(r'SignatureDef key: "(.*)"', text))
        self.assertEqual({row['signature'] for row in graph['signatures']}, keys, folder)
        for key in keys - {'__saved_model_init_op'}:
            text = printed(saved_model_cli._show_inputs_outputs, folder, tags, key)  # pylint: disable=protected-access
            rows = re.findall(r"(in|out)puts\['(.*)'\] tensor_info:\n\s*dtype: (\S+)\n\s*shape: (.*)\n\s*name: (\S+)",
                              text)
            wanted = {(side + 'put', name, 'DT_' + kind.replace('DT_', ''), dims, tensor)
                      for side, name, kind, dims, tensor in rows}
            found = {(row['side'], row['key'], 'DT_' + row['dtype'].upper(),
                      row['shape'] if row['shape'] == 'unknown rank' else shape(row['shape']), row['tensor'])
                     for row in graph['signatures'] if row['signature'] == key}
            found = {row[:3] + (row[3].replace('unknown rank', 'unknown_rank'),) + row[4:] for row in found}
            self.assertEqual(found, wanted, folder)
            method = re.search(r'Method name is: (.*)', text)
            methods = {row['signature']: row['method'] for row in graph['methods']}
            self.assertEqual(methods.get(key, ''), method.group(1).strip() if method else '', folder)


class Graphs(unittest.TestCase):
    def test_counts_are_those_of_summarize_graph(self):
        """That program is C++ and in no package: its rules are told again here."""
        graphs = glob.glob(os.path.join(common.SHARED, 'models', '*.pb'))
        graphs.append(os.path.join(common.REFERENCE, 'retrain_run/defaults/output_graph.pb'))
        graphs.append(os.path.join(common.REFERENCE,
                                   'ssd/ssd_inception_v2_coco_2017_11_17/frozen_inference_graph.pb'))
        for path in graphs:
            graph, found = common.read_graph(path), inspect(path)
            ops, read = {}, set()
            for node in graph.node:
                ops[node.op] = ops.get(node.op, 0) + 1
                read.update(re.sub(r'^\^|:\d+$', '', name) for name in node.input)
            self.assertEqual({row['op']: row['count'] for row in found['ops']}, ops, path)
            self.assertEqual(found['nodes'], len(graph.node), path)
            self.assertEqual(found['control_edges'],
                             sum(name.startswith('^') for node in graph.node for name in node.input), path)
            self.assertEqual(found['constant_parameters'],
                             sum(int(np.prod([d.size for d in node.attr['value'].tensor.tensor_shape.dim]))
                                 for node in graph.node if node.op == 'Const'), path)
            self.assertEqual({row['name'] for row in found['placeholders'] if row['name'] in
                              {node.name for node in graph.node if node.op == 'Placeholder'}},
                             {node.name for node in graph.node if node.op == 'Placeholder'}, path)
            unlikely = ('Const', 'Assign', 'NoOp', 'Placeholder')
            outputs = {node.name for node in graph.node if node.name not in read and node.op not in unlikely}
            self.assertEqual({row['name'] for row in found['read_by_no_node']
                              if row['op'] not in unlikely}, outputs, path)


class OtherModels(unittest.TestCase):
    def test_onnx_is_told_as_the_onnx_package_does(self):
        graph = os.path.join(common.SHARED, 'models/retrained_glasses_graph.pb')
        labels = os.path.join(common.SHARED, 'models/retrained_glasses_labels.txt')
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'm.onnx')
            common.retrain('export', '--format', 'onnx', '--labels', labels, graph, path)
            model, found = onnx.load(path), inspect(path)
            for tensor in model.graph.initializer[:8]:
                common.retrain('inspect', '--tensor', tensor.name, '--output', path + '.npy', path)
                np.testing.assert_array_equal(np.load(path + '.npy'), onnx.numpy_helper.to_array(tensor))
        self.assertEqual(found['ir_version'], model.ir_version)
        self.assertEqual([row['version'] for row in found['opsets']], [s.version for s in model.opset_import])
        weights = {tensor.name for tensor in model.graph.initializer}  # old files list them among the inputs
        for key, ports in (('inputs', [p for p in model.graph.input if p.name not in weights]),
                           ('outputs', model.graph.output)):
            self.assertEqual([(row['name'], row['shape']) for row in found[key]],
                             [(p.name, '[%s]' % ','.join(str(d.dim_value) for d in p.type.tensor_type.shape.dim))
                              for p in ports])
        ops = [node.op_type for node in model.graph.node]
        self.assertEqual({row['op']: row['count'] for row in found['ops']}, {op: ops.count(op) for op in ops})
        self.assertEqual(found['parameters'],
                         sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer))

    def test_tflite_is_told_as_the_interpreter_does(self):
        for path in sorted(glob.glob(os.path.join(common.SHARED, 'models', '*.tflite'))):
            interpreter, found = tf.lite.Interpreter(path), inspect(path)
            for key, details in (('inputs', interpreter.get_input_details()),
                                 ('outputs', interpreter.get_output_details())):
                self.assertEqual([(row['name'], dtype(row['dtype']), row['shape']) for row in found[key]],
                                 [(d['name'], np.dtype(d['dtype']).name,
                                   '[%s]' % ','.join(str(size) for size in d['shape'])) for d in details], path)
                for row, detail in zip(found[key], details):
                    scale, zero = detail['quantization']
                    steps = re.match(r'steps of (\S+), zero (-?\d+)$', row['quantized'])
                    self.assertEqual((float(steps.group(1)), int(steps.group(2))) if steps else (0, 0),
                                     (float(str(np.float32(scale))), zero), path)
            with open(path, 'rb') as file:
                model = schema.Model.GetRootAsModel(file.read(), 0)
            self.check_ops(model, found)
            self.check_constants(interpreter, path)

    def check_ops(self, model, found):
        names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
        graph, ops = model.Subgraphs(0), {}
        for i in range(graph.OperatorsLength()):
            code = model.OperatorCodes(graph.Operators(i).OpcodeIndex())
            name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            ops[name] = ops.get(name, 0) + 1
        self.assertEqual({row['op']: row['count'] for row in found['ops']}, ops)

    def check_constants(self, interpreter, path):
        constants = 0
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, 'x.npy')
            for detail in interpreter.get_tensor_details()[:12]:
                try:
                    wanted = interpreter.get_tensor(detail['index'])
                except ValueError:  # not computed yet
                    continue
                common.retrain('inspect', '--tensor', detail['name'], '--output', file, path)
                np.testing.assert_array_equal(np.load(file), wanted)
                constants += 1
        self.assertGreater(constants, 0, path)


if __name__ == '__main__':
    unittest.main()
