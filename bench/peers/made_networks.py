"""Networks of the published shapes with seeded weights, where only a narrow one or none is at hand."""
import os

import numpy as np
import tensorflow as tf

layers = tf.keras.layers


def _convolve(x, channels, kernel=1, stride=1):
    x = layers.Conv2D(channels, kernel, stride, padding='same', use_bias=False)(x)
    return layers.ReLU(6)(layers.BatchNormalization(scale=True, epsilon=1e-3)(x))


def _pool(x, kind, stride=1):
    return (layers.MaxPool2D if kind == 'max' else layers.AvgPool2D)(3, stride, padding='same')(x)


def _mixed(x, first, second, third, kind, pooled):
    """Four branches: 1x1 | 1x1, 3x3 | 1x1, 3x3, 3x3 | pool, 1x1, each with its numbers of channels."""
    branches = [_convolve(x, first),
                _convolve(_convolve(x, second[0]), second[1], 3),
                _convolve(_convolve(_convolve(x, third[0]), third[1], 3), third[1], 3),
                _convolve(_pool(x, kind), pooled)]
    return layers.Concatenate()(branches)


def _halved(x, first, second):
    """The same at half the size: 1x1, 3x3 | 1x1, 3x3, 3x3 | pool."""
    branches = [_convolve(_convolve(x, first[0]), first[1], 3, 2),
                _convolve(_convolve(_convolve(x, second[0]), second[1], 3), second[1], 3, 2),
                _pool(x, 'max', 2)]
    return layers.Concatenate()(branches)


def ssd_inception_v2():
    """The feature part of ssd_inception_v2_coco up to Mixed_5c, averaged; its narrow copy is a reference detector."""
    pixels = layers.Input((300, 300, 3))
    x = layers.SeparableConv2D(64, 7, 2, padding='same', depth_multiplier=8, use_bias=False)(pixels)
    x = layers.ReLU(6)(layers.BatchNormalization(epsilon=1e-3)(x))
    x = _pool(x, 'max', 2)
    x = _convolve(_convolve(x, 64), 192, 3)
    x = _pool(x, 'max', 2)
    x = _mixed(x, 64, (64, 64), (64, 96), 'average', 32)
    x = _mixed(x, 64, (64, 96), (64, 96), 'average', 64)
    x = _halved(x, (128, 160), (64, 96))
    x = _mixed(x, 224, (64, 96), (96, 128), 'average', 128)
    x = _mixed(x, 192, (96, 128), (96, 128), 'average', 128)
    x = _mixed(x, 160, (128, 160), (128, 160), 'average', 96)
    x = _mixed(x, 96, (128, 192), (160, 192), 'average', 96)
    x = _halved(x, (128, 192), (192, 256))
    x = _mixed(x, 352, (192, 320), (160, 224), 'average', 128)
    x = _mixed(x, 352, (192, 320), (192, 224), 'max', 128)
    return tf.keras.Model(pixels, layers.GlobalAveragePooling2D()(x))


def mobilenet_v1_100():
    return tf.keras.applications.MobileNet(input_shape=(224, 224, 3), include_top=False, weights=None, pooling='avg')


def inception_v3():
    return tf.keras.applications.InceptionV3(input_shape=(299, 299, 3), include_top=False, weights=None, pooling='avg')


def _fill(model):
    """Weights that keep the size of the numbers from layer to layer, so that vectors can be compared."""
    random = np.random.default_rng(7)
    for variable in model.weights:
        name, shape = variable.name, variable.shape.as_list()
        if 'kernel' in name:
            inputs = np.prod(shape[:2]) if 'depthwise' in name else np.prod(shape[:3])
            variable.assign(random.normal(0, np.sqrt(2 / inputs), shape))
        elif 'beta' in name or 'moving_mean' in name:
            variable.assign(random.normal(0, 0.1, shape))
        elif 'moving_variance' in name or 'gamma' in name:
            variable.assign(random.uniform(0.8, 1.2, shape))


def write(make, folder):
    """A network as a SavedModel; the folder appears whole or not at all."""
    model = make()
    _fill(model)
    tf.saved_model.save(model, folder + '.new')
    os.rename(folder + '.new', folder)
