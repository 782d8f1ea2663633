#!/usr/bin/env python3
"""Writes tensorflow_cases.h: what TensorFlow makes of small inputs, for test_reference.c.

    python3 make_tensorflow_cases.py > tensorflow_cases.h   (TensorFlow 2.15.1)

Input i of seed s is ((i * 7919 + s * 104729) % 23 - 11) / 8, exact in float32; x has seed 1, filters 2, biases 3."""
import numpy as np
import tensorflow as tf

DENSE, DEPTHWISE, MAX, AVERAGE = "OP_CONV", "OP_DEPTHWISE", "OP_MAX_POOL", "OP_AVERAGE_POOL"

# op, x [h, w, c], window, last filter dimension, strides, dilations, padding
CASES = [
    (DENSE, (5, 4, 2), (3, 3), 3, (1, 1), (1, 1), "SAME"),
    (DENSE, (6, 5, 2), (3, 3), 2, (2, 2), (1, 1), "SAME"),
    (DENSE, (6, 6, 1), (3, 3), 2, (2, 2), (1, 1), "SAME"),
    (DENSE, (5, 6, 3), (3, 2), 2, (2, 1), (1, 1), "VALID"),
    (DENSE, (4, 7, 2), (1, 7), 2, (1, 1), (1, 1), "SAME"),
    (DENSE, (7, 3, 2), (7, 1), 2, (1, 1), (1, 1), "SAME"),
    (DENSE, (7, 6, 1), (3, 3), 2, (1, 1), (2, 2), "SAME"),
    (DENSE, (7, 8, 2), (3, 2), 1, (1, 1), (2, 3), "VALID"),
    (DENSE, (3, 3, 4), (1, 1), 3, (2, 2), (1, 1), "SAME"),
    (DEPTHWISE, (5, 4, 3), (3, 3), 1, (1, 1), (1, 1), "SAME"),
    (DEPTHWISE, (6, 6, 2), (3, 3), 2, (2, 2), (1, 1), "SAME"),
    (DEPTHWISE, (7, 7, 1), (5, 5), 5, (2, 2), (1, 1), "VALID"),
    (DEPTHWISE, (6, 6, 2), (3, 3), 1, (1, 1), (2, 2), "SAME"),
    (MAX, (6, 5, 2), (3, 3), 0, (2, 2), (1, 1), "SAME"),
    (MAX, (5, 5, 3), (3, 3), 0, (2, 2), (1, 1), "VALID"),
    (AVERAGE, (6, 5, 2), (3, 3), 0, (2, 2), (1, 1), "SAME"),
    (AVERAGE, (4, 4, 2), (3, 3), 0, (1, 1), (1, 1), "SAME"),
    (AVERAGE, (7, 4, 2), (7, 4), 0, (1, 1), (1, 1), "VALID"),
]


def pattern(shape, seed):
    i = np.arange(np.prod(shape), dtype=np.int64)
    return (((i * 7919 + seed * 104729) % 23 - 11) / 8).astype(np.float32).reshape(shape)


def pads(size, window, stride, dilation, padding):
    """In front and behind, as TensorFlow's SAME puts them."""
    if padding == "VALID":
        return 0, 0
    reach = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def run(op, shape, window, last, strides, dilations, padding):
    x = pattern((1, *shape), 1)
    if op in (MAX, AVERAGE):
        pool = tf.nn.max_pool2d if op == MAX else tf.nn.avg_pool2d
        return pool(x, window, strides, padding).numpy()
    w = pattern((*window, shape[2], last), 2)
    if op == DENSE:
        y = tf.nn.conv2d(x, w, strides, padding, dilations=dilations)
    else:
        y = tf.nn.depthwise_conv2d(x, w, (1, *strides, 1), padding, dilations=dilations)
    return (y + pattern(y.shape[-1:], 3)).numpy()


def floats(values):
    lines, line = [], ""
    for value in np.asarray(values).reshape(-1):
        text = f"{float(value):.9g}"
        text += "F, " if "." in text or "e" in text else ".0F, "
        if len(line) + len(text) > 104:
            lines.append(line.rstrip())
            line = ""
        line += text
    return "\n    ".join(lines + [line.rstrip()])


def main():
    print("/* Written by make_tensorflow_cases.py with TensorFlow", tf.__version__ + ". */")
    print("/* clang-format off */")
    rows = []
    for i, case in enumerate(CASES):
        op, shape, window, last, strides, dilations, padding = case
        y = run(*case)
        front, behind = zip(*(pads(shape[a], window[a], strides[a], dilations[a], padding) for a in (0, 1)))
        print(f"static const float case_{i}[] = {{\n    {floats(y)}\n}};")
        rows.append("    {%s, {%d, %d, %d, RT_LAYOUT_ROWS}, %d, {{%d, %d}, {%d, %d}, {%d, %d}, {%d, %d}, {%d, %d}},\n"
                    "     {%d, %d, %d}, case_%d}," % (op, *shape, last, *window, *strides, *dilations, *front, *behind,
                                                     *y.shape[1:], i))
    print("static const tensorflow_case tensorflow_cases[] = {\n" + "\n".join(rows) + "\n};")
    x = pattern((9,), 1) * 4
    print(f"static const float sigmoid_of[] = {{\n    {floats(tf.sigmoid(x))}\n}};")
    print(f"static const float tanh_of[] = {{\n    {floats(tf.tanh(x))}\n}};")
    print(f"static const float swish_of[] = {{\n    {floats(tf.nn.swish(x))}\n}};")
    print(f"static const float hard_swish_of[] = {{\n    {floats(x * tf.nn.relu6(x + 3) / 6)}\n}};")
    print(f"static const float leaky_of[] = {{\n    {floats(tf.nn.leaky_relu(x, 0.1))}\n}};")
    print(f"static const float elu_of[] = {{\n    {floats(tf.where(x < 0, 0.1 * tf.math.expm1(x), x))}\n}};")
    print(f"static const float relu6_of[] = {{\n    {floats(tf.nn.relu6(x))}\n}};")
    print(f"static const float relu_of[] = {{\n    {floats(tf.nn.relu(x))}\n}};")
    print(f"static const float softmax_of[] = {{\n    {floats(tf.nn.softmax(x))}\n}};")
    product = tf.matmul(pattern((1, 5), 1), pattern((5, 4), 2)) + pattern((4,), 3)
    print(f"static const float product[] = {{\n    {floats(product)}\n}};")
    print("/* clang-format on */")


main()
