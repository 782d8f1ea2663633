"""Writes each network in the formats of all contenders:  networks.py FOLDER PHOTOS NAME...

FOLDER/NAME/ holds network.onnx, .tflite and .pb as `retrain export` writes them, cut at the vector, and network.json:
the module that our own program runs and the names of the tensors in the frozen graph. What is there already stays.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import tensorflow as tf

import cut
import made_networks

PROGRAM = os.environ['RETRAIN_PROGRAM']
REFERENCE = os.path.join(os.environ['RETRAIN_SHARED'], 'reference')

# Where a network comes from: a module of the reference data, or a function that makes it.
SOURCES = {
    'mobilenet_v1_025': 'modules/mobilenet_v1_025_224_feature_vector',
    'mobilenet_v1_100': made_networks.mobilenet_v1_100,
    'mobilenet_v2_100': 'modules/mobilenet_v2_100_224_feature_vector',
    'efficientnet_lite0': 'modules/efficientnet_lite0_feature_vector',
    'ssd_inception_v2': made_networks.ssd_inception_v2,
    'inception_v3': made_networks.inception_v3,
}
A_CLASS = 3  # photos: enough to train a head that is cut off again


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit('networks: %s: status %d\n%s' % (' '.join(arguments), done.returncode, done.stdout))


def source_module(name, folder):
    """The module's path, or None where it is not at hand."""
    source = SOURCES[name]
    if isinstance(source, str):
        path = os.path.join(REFERENCE, source)
        return path if os.path.exists(path) else None
    path = os.path.join(os.path.abspath(folder), 'module')
    if not os.path.isdir(path):
        made_networks.write(source, path)
    return path


def few_photos(photos, folder):
    """Two classes of a few photos."""
    for i in range(2 * A_CLASS):
        name = os.path.join(folder, 'ab'[i % 2], '%d.jpg' % i)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        shutil.copyfile(photos[i % len(photos)], name)
    return folder


def write(name, folder, photos):
    os.makedirs(folder, exist_ok=True)
    module = source_module(name, folder)
    if not module:
        print('networks: no %s in %s: left out' % (SOURCES[name], REFERENCE))
        return
    with tempfile.TemporaryDirectory() as scratch:
        def path(leaf):
            return os.path.join(scratch, leaf)
        drawn = few_photos(photos, path('photos'))
        run('--image_dir', drawn, '--tfhub_module', module, '--how_many_training_steps', '1', '--bottleneck_dir', path('b'),
            '--summaries_dir', path('logs'), '--checkpoint_path', path('checkpoint'),
            '--intermediate_output_graphs_dir', path('steps/'), '--output_graph', path('graph.pb'),
            '--output_labels', path('labels.txt'))
        for form in ('onnx', 'tflite', 'frozen'):
            run('export', '--format', form, '--labels', path('labels.txt'), '--probe_photos', drawn, path('graph.pb'), path(form))
        cut.onnx_file(path('onnx'), os.path.join(folder, 'network.onnx'))
        cut.tflite_file(path('tflite'), os.path.join(folder, 'network.tflite'))
        pixels, feature = cut.frozen_file(path('frozen'), os.path.join(folder, 'network.pb'))
    with open(os.path.join(folder, 'network.json'), 'w', encoding='utf-8') as file:
        json.dump({'module': module, 'pixels': pixels, 'feature': feature}, file)


def main(folder, photo_list, *names):
    tf.get_logger().setLevel('ERROR')  # it warns of what TensorFlow 1's graphs need
    with open(photo_list, encoding='utf-8') as file:
        photos = file.read().splitlines()
    for name in names:
        if not os.path.exists(os.path.join(folder, name, 'network.json')):
            print('networks: writing %s' % name, flush=True)
            write(name, os.path.join(folder, name), photos)


main(*sys.argv[1:])
