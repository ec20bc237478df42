"""The layers of published networks, as their .tflite files have them, with drawn weights.

MLPerf Tiny's four (image classification, keyword spotting, visual wake words, anomaly detection), ST's MobileNetV2 0.35
and the person detection of TensorFlow Lite Micro, whose first layer is a depthwise convolution with eight filters to
its one channel.
"""

from collections.abc import Callable
from math import prod

import numpy as np
from tflite_files import NONE, RELU, RELU6, SAME, VALID, conv_options, depthwise_options, pool_options
from tflite_graphs import Dims, Layer


class Network:
    """Layers in the making. ``gain``: of convolutions without an activation, which end residual branches."""

    def __init__(self, dims: Dims, gain: float = 1.0) -> None:
        self.random = np.random.default_rng(0)
        self.layers = [Layer("INPUT", [], dims)]
        self.gain = gain

    @property
    def last(self) -> int:
        """The newest layer."""
        return len(self.layers) - 1

    def add(self, layer: Layer) -> int:
        """Add a layer; return its number."""
        self.layers.append(layer)
        return self.last

    def drawn(self, fan: int, shape: Dims, linear: bool) -> np.ndarray:
        """Return weights that keep the size of what goes through them."""
        size = self.gain if linear else np.sqrt(2)
        return (self.random.normal(size=shape) * size / np.sqrt(fan)).astype(np.float32)

    def bias(self, n: int) -> np.ndarray:
        """Return small biases."""
        return self.random.normal(0, 0.1, n).astype(np.float32)

    def conv(
        self,
        filters: int,
        kernel: tuple[int, int],
        stride: int = 1,
        activation: int = RELU,
        padding: int = SAME,
        x: int = -1,
    ) -> int:
        """Add a convolution of layer ``x``, by default the newest."""
        read = x if x >= 0 else self.last
        _, height, width, channels = self.layers[read].dims
        size = [_size(n, k, stride, padding) for n, k in zip((height, width), kernel, strict=True)]
        weight = self.drawn(prod(kernel) * channels, (filters, *kernel, channels), activation == NONE)
        options = conv_options((stride, stride), padding, activation)
        dims = (1, *size, filters)
        return self.add(Layer("CONV_2D", [read], dims, options, weight, self.bias(filters)))

    def depthwise(self, stride: int = 1, activation: int = RELU, padding: int = SAME, multiplier: int = 1) -> int:
        """Add a depthwise convolution of 3x3 pixels."""
        _, height, width, channels = self.layers[-1].dims
        size, filters = [_size(n, 3, stride, padding) for n in (height, width)], channels * multiplier
        weight = self.drawn(9, (1, 3, 3, filters), False)
        options = depthwise_options((stride, stride), padding, activation, multiplier)
        return self.add(
            Layer("DEPTHWISE_CONV_2D", [self.last], (1, *size, filters), options, weight, self.bias(filters))
        )

    def sum(self, a: int, b: int, activation: int = NONE) -> int:
        """Add a sum."""
        return self.add(Layer("ADD", [a, b], self.layers[a].dims, (11, {0: ("b", activation)})))

    def dense(self, units: int, activation: int = NONE) -> int:
        """Add a dense layer."""
        features = prod(self.layers[-1].dims)
        weight = self.drawn(features, (units, features), activation == NONE)
        options = (8, {0: ("b", activation)})
        return self.add(Layer("FULLY_CONNECTED", [self.last], (1, units), options, weight, self.bias(units)))

    def pad(self) -> int:
        """Add a row and a column of zeros, as Keras does before strides of 2."""
        _, height, width, channels = self.layers[-1].dims
        amounts = np.array([[0, 0], [0, 1], [0, 1], [0, 0]])
        return self.add(
            Layer("PAD", [self.last], (1, height + 1, width + 1, channels), (22, {}), constants=[(1, amounts)])
        )

    def pool(self) -> int:
        """Add an average over the whole image, still one."""
        _, height, width, channels = self.layers[-1].dims
        options = pool_options((height, width), (height, width), VALID)
        return self.add(Layer("AVERAGE_POOL_2D", [self.last], (1, 1, 1, channels), options))

    def mean(self) -> int:
        """Add the mean over the image."""
        axes = [(1, np.array([1, 2]))]
        return self.add(
            Layer("MEAN", [self.last], (1, self.layers[-1].dims[3]), (27, {0: ("?", False)}), constants=axes)
        )

    def flat(self) -> int:
        """Add a change to a vector."""
        size = prod(self.layers[-1].dims)
        return self.add(Layer("RESHAPE", [self.last], (1, size), (17, {}), constants=[(1, np.array([-1, size]))]))

    def softmax(self) -> list[Layer]:
        """Return the layers, closed by a softmax."""
        self.add(Layer("SOFTMAX", [self.last], self.layers[-1].dims, (9, {0: ("f", 1.0)})))
        return self.layers


def _size(n: int, kernel: int, stride: int, padding: int) -> int:
    return -(-n // stride) if padding == SAME else (n - kernel) // stride + 1


def resnet8() -> list[Layer]:
    """Image classification of MLPerf Tiny."""
    n = Network((1, 32, 32, 3))
    x = n.conv(16, (3, 3))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        n.conv(filters, (3, 3), stride, x=x)
        branch = n.conv(filters, (3, 3), 1, NONE)
        x = n.sum(x if stride == 1 else n.conv(filters, (1, 1), stride, NONE, x=x), branch, RELU)
    n.pool()
    n.flat()
    n.dense(10)
    return n.softmax()


def ds_cnn() -> list[Layer]:
    """Keyword spotting of MLPerf Tiny."""
    n = Network((1, 49, 10, 1))
    n.conv(64, (10, 4), 2)
    for _ in range(4):
        n.depthwise()
        n.conv(64, (1, 1))
    n.pool()
    n.flat()
    n.dense(12)
    return n.softmax()


STAGES = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))


def mobilenet_v1() -> list[Layer]:
    """Visual wake words of MLPerf Tiny: MobileNetV1 0.25."""
    n = Network((1, 96, 96, 3))
    n.conv(8, (3, 3), 2)
    for filters, stride in STAGES:
        n.depthwise(stride)
        n.conv(filters, (1, 1))
    n.pool()
    n.flat()
    n.dense(2)
    return n.softmax()


def autoencoder() -> list[Layer]:
    """Anomaly detection of MLPerf Tiny."""
    n = Network((1, 640))
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        n.dense(units, RELU)
    n.dense(640)
    return n.layers


def person_detection() -> list[Layer]:
    """TensorFlow Lite Micro's example: MobileNetV1 0.25 on grey images, its classifier a convolution."""
    n = Network((1, 96, 96, 1))
    n.depthwise(2, RELU6, multiplier=8)
    for filters, stride in STAGES:
        n.depthwise(stride, RELU6)
        n.conv(filters, (1, 1), 1, RELU6)
    n.pool()
    n.conv(2, (1, 1), 1, NONE)
    n.flat()
    return n.softmax()


BLOCKS = ((1, 8, 1, 1), (6, 8, 2, 2), (6, 16, 3, 2), (6, 24, 4, 2), (6, 32, 3, 1), (6, 56, 3, 2), (6, 112, 1, 1))


def mobilenet_v2() -> list[Layer]:
    """ST's MobileNetV2 0.35 for 96x96 images, padded as Keras pads."""
    n = Network((1, 96, 96, 3), gain=0.7)
    n.conv(16, (3, 3), 2, RELU6)
    for expansion, filters, repeats, first in BLOCKS:
        for i in range(repeats):
            before, channels, stride = n.last, n.layers[-1].dims[3], first if i == 0 else 1
            if expansion > 1:
                n.conv(channels * expansion, (1, 1), 1, RELU6)
            if stride == 2:
                n.pad()
            n.depthwise(stride, RELU6, VALID if stride == 2 else SAME)
            n.conv(filters, (1, 1), 1, NONE)
            if stride == 1 and channels == filters:
                n.sum(before, n.last)
    n.conv(1280, (1, 1), 1, RELU6)
    n.mean()
    n.dense(5)
    return n.softmax()


NETWORKS: dict[str, Callable[[], list[Layer]]] = {
    network.__name__: network
    for network in (resnet8, ds_cnn, mobilenet_v1, autoencoder, person_detection, mobilenet_v2)
}
