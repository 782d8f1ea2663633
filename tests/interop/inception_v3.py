"""Inception V3's reference module, whose 87 MB of weights follow from their names: as tests/support/hashed_weights.c."""
import hashlib
import os
import shutil

import numpy as np
import tensorflow as tf

import common

SHA256 = 'd91705e58f518f96a565b711e06ffbdf217bd48dd1eeb0552d023e3025b45a45'
SOURCE = os.path.join(common.MODULES, 'inception_v3_feature_vector')


def uniform(name, count):
    """FNV-1a of the name, then splitmix64's upper 24 bits, in [-1, 1)."""
    seed = 0xcbf29ce484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001b3 % 2**64
    with np.errstate(over='ignore'):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1


def weights(name, shape):
    u = uniform(name, int(np.prod(shape)))
    leaf = name.rsplit('/', 1)[-1]
    if leaf == 'weights':
        u *= np.sqrt(6.0 / np.prod(shape[:-1]))
    elif leaf == 'moving_variance':
        u = 1.0 + 0.5 * u
    else:
        u *= 0.1
    return u.astype(np.float32)


def module(folder):
    """Puts the module into a new folder; returns its path."""
    shutil.copytree(SOURCE, folder)
    prefix = os.path.join(folder, 'variables', 'variables')
    data = prefix + '.data-00000-of-00001'
    with open(data, 'wb') as file:
        file.truncate(87211136)
    shapes = tf.train.load_checkpoint(prefix).get_variable_to_shape_map()
    digest = hashlib.sha256()
    with open(data, 'wb') as file:
        for name in sorted(shapes, key=str.encode):
            values = weights(name, shapes[name]).tobytes()
            digest.update(values)
            file.write(values)
    if digest.hexdigest() != SHA256:
        raise ValueError('%s is not what the reference was made with' % data)
    return folder
