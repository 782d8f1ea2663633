"""Writes tests/golden/distort_cases.txt: what TensorFlow's ops make of photos, random numbers given.

  python tools/golden/distort_cases.py FLOWER_PHOTOS > tests/golden/distort_cases.txt

The ops are those of add_input_distortions() in hub's retrain.py, in its order; each random op is replaced by
its own arithmetic on a number that stands in the table.
"""
import hashlib
import sys

import numpy as np
import tensorflow.compat.v1 as tf

# photo, size, flip, crop, scale, brightness; fractions of scale, flip, brightness; row, column
CASES = [
    ("daisy/100080576_f52e8ee070_n.jpg", (224, 224), 0, 0, 0, 0, (0.5, 0.5, 0.5), (7, 9)),
    ("daisy/100080576_f52e8ee070_n.jpg", (224, 224), 1, 10, 10, 10, (0.25, 0.25, 0.75), (123456789, 987654321)),
    ("daisy/100080576_f52e8ee070_n.jpg", (128, 192), 1, 25, 50, 30, (0.9375, 0.5, 0.125), (4294967295, 0)),
    ("roses/16772483324_09f24813a1_n.jpg", (224, 224), 1, 50, 0, 0, (0.0, 0.4375, 0.0), (31, 77)),
    ("roses/16772483324_09f24813a1_n.jpg", (299, 299), 0, 0, 100, 100, (0.71875, 0.0, 0.984375), (1000003, 2000003)),
    ("roses/16772483324_09f24813a1_n.jpg", (32, 48), 1, 300, 200, 5, (0.3125, 0.125, 0.65625), (17, 4000000000)),
    ("tulips/100930342_92e8746431_n.jpg", (224, 224), 1, 0, 0, 0, (0.5, 0.0, 0.5), (0, 0)),
    ("tulips/100930342_92e8746431_n.jpg", (224, 224), 0, 33, 7, 19, (0.8125, 0.0, 0.34375), (5, 6)),
    ("tulips/100930342_92e8746431_n.jpg", (160, 160), 1, 1, 1, 1, (0.999999940395355224609375, 0.499, 0.7), (2, 1)),
    ("sunflowers/1008566138_6927679c8a.jpg", (224, 224), 1, 20, 20, 20, (0.1, 0.3, 0.9), (2147483648, 2147483647)),
    ("sunflowers/1008566138_6927679c8a.jpg", (8, 8), 1, 1000, 1000, 100, (0.6, 0.2, 0.01), (99999, 88888)),
    ("sunflowers/1008566138_6927679c8a.jpg", (331, 331), 0, 5, 60, 40, (0.45, 0.0, 0.55), (10, 20)),
]


def between(fraction, low, high):
    low, high = tf.constant(low, tf.float32), tf.constant(high, tf.float32)
    return tf.add(tf.multiply(tf.constant(fraction, tf.float32), tf.subtract(high, low)), low)


def distorted(jpeg, size, flip, crop, scale, brightness, fractions, place):
    height, width = size
    image = tf.image.convert_image_dtype(tf.image.decode_jpeg(jpeg, channels=3), tf.float32)
    margin_scale = tf.constant(1.0 + (crop / 100.0))
    scale_value = tf.multiply(margin_scale, between(fractions[0], 1.0, 1.0 + (scale / 100.0)))
    precrop = tf.cast(tf.stack([tf.multiply(scale_value, height), tf.multiply(scale_value, width)]), tf.int32)
    image = tf.squeeze(tf.image.resize_bilinear(tf.expand_dims(image, 0), precrop), axis=[0])
    limit = tf.cast(precrop, tf.int64) - [height, width] + 1
    offset = tf.floormod(tf.constant(place, tf.int64), limit)
    image = tf.slice(image, tf.concat([offset, [0]], 0), [height, width, 3])
    if flip and fractions[1] < 0.5:
        image = tf.reverse(image, [1])
    return precrop, offset, tf.multiply(
        image, between(fractions[2], 1.0 - (brightness / 100.0), 1.0 + (brightness / 100.0)))


def main():
    tf.disable_eager_execution()
    print("# From tools/golden/distort_cases.py with TensorFlow %s; columns:" % tf.__version__)
    print("# photo height width | flip crop scale brightness | fractions of scale, flip, brightness; row column")
    print("# | full height, width, top, left | first, middle and last value, SHA-256 of [height, width, 3] floats")
    for photo, size, flip, crop, scale, brightness, fractions, place in CASES:
        with open("%s/%s" % (sys.argv[1], photo), "rb") as file:
            jpeg = file.read()
        with tf.Graph().as_default(), tf.Session() as session:
            full, offset, pixels = session.run(
                distorted(jpeg, size, flip, crop, scale, brightness, fractions, place))
        values = pixels.reshape(-1)
        print(photo, *size, flip, crop, scale, brightness,
              *("%.9g" % np.float32(f) for f in fractions), *place, *full, *offset,
              *("%.9g" % values[i] for i in (0, values.size // 2, values.size - 1)),
              hashlib.sha256(pixels.tobytes()).hexdigest())


main()
