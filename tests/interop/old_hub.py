"""tensorflow_hub 0.12, the last one with hub.Module, under TensorFlow 2.15: from old_hub import hub.

Two things in it are out of date, and its files stay as they are: the generated descriptions of its messages are calls
that protobuf 4 refuses (it gets messages made from the same serialised descriptors instead), and TensorFlow has moved
a folder that it imports from."""
import ast
import glob
import importlib.util
import os
import sys
import types

from google.protobuf import any_pb2, descriptor_pool, wrappers_pb2  # what the descriptors build upon
from google.protobuf.internal import builder
from tensorflow.python import trackable
from tensorflow.python.trackable import data_structures

NEEDED = any_pb2, wrappers_pb2


def serialised_descriptor(path):
    with open(path, encoding='utf-8') as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == 'serialized_pb':
            (text,) = node.value.args
            return ast.literal_eval(text).encode('latin-1')
    raise ImportError('no descriptor in %s' % path)


def add_messages(path):
    name = 'tensorflow_hub.' + os.path.splitext(os.path.basename(path))[0]
    module = types.ModuleType(name)
    module.DESCRIPTOR = descriptor_pool.Default().AddSerializedFile(serialised_descriptor(path))
    builder.BuildMessageAndEnumDescriptors(module.DESCRIPTOR, vars(module))
    builder.BuildTopDescriptorsAndMessages(module.DESCRIPTOR, name, vars(module))
    sys.modules[name] = module


for found in glob.glob(os.path.join(*importlib.util.find_spec('tensorflow_hub').submodule_search_locations, '*_pb2.py')):
    add_messages(found)
sys.modules['tensorflow.python.training.tracking'] = trackable
sys.modules['tensorflow.python.training.tracking.data_structures'] = data_structures
import tensorflow_hub as hub  # noqa: E402,F401  pylint: disable=wrong-import-position,unused-import
