"""Random networks as layers: what converters make of people's models, and attributes that nothing here knows."""

from math import prod

import numpy as np
from tflite_files import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    SAME,
    VALID,
    Fields,
    conv_options,
    depthwise_options,
    pool_options,
)
from tflite_graphs import Dims, Layer


class Draw:
    """A network that grows by random layers; ``strange``: the chance of an attribute that is seldom known."""

    def __init__(self, seed: int, strange: float = 0.02) -> None:
        self.random = np.random.default_rng(seed)
        self.strange = strange
        self.layers = [Layer("INPUT", [], self._input())]
        self.read: set[int] = set()

    def network(self, most: int = 9) -> list[Layer]:
        """Return the layers of a whole network, every one of which is read."""
        for _ in range(self.random.integers(1, most + 1)):
            self._image() if len(self.last) == 4 else self._vector()
        self._merge()
        if self.chance(0.7):
            self._head()
        return self.layers

    @property
    def last(self) -> Dims:
        return self.layers[-1].dims

    def chance(self, p: float) -> bool:
        return bool(self.random.random() < p)

    def pick(self, *options):
        return options[self.random.integers(len(options))]

    def _input(self) -> Dims:
        r = self.random
        if self.chance(0.2):
            return (1, int(r.integers(3, 40)))
        size = (
            (1, int(r.integers(1, 3)), int(r.integers(6, 30)))
            if self.chance(0.15)
            else (1, *r.integers(4, 15, 2).tolist())
        )
        return (*size, int(r.choice([1, 2, 3, 4, 8])))

    def add(self, code: str, dims: Dims, options: tuple[int, Fields] | None = None, *inputs: int, **held) -> int:
        reads = list(inputs) or [len(self.layers) - 1]
        self.read.update(reads)
        self.layers.append(Layer(code, reads, tuple(int(d) for d in dims), options, **held))
        return len(self.layers) - 1

    def activation(self) -> int:
        return self.pick(NONE, NONE, RELU, RELU, RELU6, RELU_N1_TO_1 if self.chance(0.3) else RELU)

    def _weights(self, *shape: int) -> np.ndarray:
        fan = prod(shape[1:]) if len(shape) != 4 or shape[0] != 1 else prod(shape[1:3])
        spread = self.random.uniform(0.3, 1.5, shape[0] if shape[0] > 1 else 1).reshape(-1, *[1] * (len(shape) - 1))
        return (self.random.normal(size=shape) * spread / np.sqrt(fan)).astype(np.float32)

    def _bias(self, n: int) -> np.ndarray | None:
        return None if self.chance(0.1) else self._offsets(n)

    def _offsets(self, n: int) -> np.ndarray:
        """Return the bias of a convolution, which the interpreter wants."""
        return self.random.normal(0, 0.3, n).astype(np.float32)

    def _window(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int], int, tuple[int, int]]:
        """Return kernel, stride, padding and the size of the output."""
        kernel = tuple(int(min(self.random.choice([1, 1, 2, 3, 3, 3, 4, 5]), n)) for n in (height, width))
        stride = (int(self.random.choice([1, 1, 1, 2, 3])),) * 2
        if self.chance(0.2):
            stride = (1, stride[1])
        padding = self.pick(SAME, SAME, VALID)
        sizes = [
            -(-n // s) if padding == SAME else (n - k) // s + 1
            for n, k, s in zip((height, width), kernel, stride, strict=True)
        ]
        return kernel, stride, padding, (sizes[0], sizes[1])

    def _image(self) -> None:
        grow = [
            self._conv,
            self._conv,
            self._depthwise,
            self._pool,
            self._function,
            self._padded,
            self._add,
            self._gate,
        ]
        grow += [self._concat, self._scaled, self._part, self._same_shape, self._enlarged, self._slopes]
        self.pick(*grow)()

    def _conv(self) -> None:
        _, height, width, channels = self.last
        kernel, stride, padding, size = self._window(height, width)
        filters = int(self.random.integers(1, 13))
        groups = 2 if channels % 2 == 0 and filters % 2 == 0 and self.chance(0.05) else 1
        dilation = 2 if self.chance(self.strange) and kernel != (1, 1) and padding == SAME and stride == (1, 1) else 1
        options = conv_options(stride, padding, self.activation(), dilation)
        weight = self._weights(filters, *kernel, channels // groups)
        self.add("CONV_2D", (1, *size, filters), options, weight=weight, bias=self._offsets(filters))

    def _depthwise(self) -> None:
        _, height, width, channels = self.last
        kernel, stride, padding, size = self._window(height, width)
        if stride[0] != stride[1]:
            return self._conv()
        multiplier = self.pick(1, 1, 1, 2, 3)
        options = depthwise_options(stride, padding, self.activation(), multiplier)
        filters = channels * multiplier
        weight = self._weights(1, *kernel, filters)
        return (
            self.add("DEPTHWISE_CONV_2D", (1, *size, filters), options, weight=weight, bias=self._offsets(filters))
            and None
        )

    def _pool(self) -> None:
        _, height, width, channels = self.last
        kernel, stride, padding, size = self._window(height, width)
        code = self.pick("AVERAGE_POOL_2D", "MAX_POOL_2D")
        activation = self.pick(NONE, NONE, NONE, RELU)
        self.add(code, (1, *size, channels), pool_options(kernel, stride, padding, activation))

    def _function(self) -> None:
        code = self.pick("RELU", "RELU6", "HARD_SWISH", "LEAKY_RELU", "TANH", "LOGISTIC", "RELU_N1_TO_1", "ELU", "GELU")
        options = {
            "HARD_SWISH": (91, {}),
            "LEAKY_RELU": (75, {0: ("f", 0.1)}),
            "GELU": (116, {0: ("?", self.chance(0.5))}),
        }
        self.add(code, self.last, options.get(code))

    def _padded(self) -> None:
        rows, columns = self.random.integers(0, 3, (2, 2)).tolist()
        channels = [1, 2] if self.chance(0.1) else [0, 0]
        amounts = np.array([[0, 0], rows, columns, channels])
        dims = np.array(self.last) + amounts.sum(axis=1)
        self.add("PAD", dims, (22, {}), constants=[(1, amounts)])
        self.pick(self._conv, self._conv, self._depthwise, self._pool)()

    def _add(self) -> None:
        before, shape = len(self.layers) - 1, self.last
        filters = shape[3]
        weight = self._weights(filters, 3, 3, filters)
        options = conv_options((1, 1), SAME, self.activation())
        self.add("CONV_2D", shape, options, weight=weight, bias=self._offsets(filters))
        self._same_shape(before)

    def _same_shape(self, other: int | None = None) -> None:
        last = len(self.layers) - 1
        if other is None:
            alike = [i for i, layer in enumerate(self.layers) if layer.dims == self.last]
            other = int(self.random.choice(alike))
        code, options = self.pick(("ADD", 11), ("ADD", 11), ("SUB", 28), ("MUL", 21))
        self.add(
            code,
            self.last,
            (options, {0: ("b", self.pick(NONE, RELU, RELU6))}),
            *self.pick((other, last), (last, other)),
        )

    def _gate(self) -> None:
        """Squeeze and excitation."""
        before, shape = len(self.layers) - 1, self.last
        keep = self.chance(0.7)
        self.add(
            "MEAN",
            (1, 1, 1, shape[3]) if keep else (1, shape[3]),
            (27, {0: ("?", keep)}),
            constants=[(1, np.array([1, 2]))],
        )
        if keep:
            options = conv_options((1, 1), self.pick(SAME, VALID), RELU)
            self.add(
                "CONV_2D",
                self.last,
                options,
                weight=self._weights(shape[3], 1, 1, shape[3]),
                bias=self._offsets(shape[3]),
            )
        else:
            self.add(
                "FULLY_CONNECTED",
                self.last,
                (8, {}),
                weight=self._weights(shape[3], shape[3]),
                bias=self._offsets(shape[3]),
            )
            self.add("RESHAPE", (1, 1, 1, shape[3]), (17, {}), constants=[(1, np.array([-1, 1, 1, shape[3]]))])
        gate = self.add("LOGISTIC", self.last)
        self.add("MUL", shape, (21, {}), *self.pick((before, gate), (gate, before)))

    def _concat(self) -> None:
        last, size = len(self.layers) - 1, self.last[:3]
        alike = [i for i, layer in enumerate(self.layers) if layer.dims[:3] == size and len(layer.dims) == 4]
        parts = [last, *self.random.choice(alike, self.random.integers(1, 3)).tolist()]
        self.add(
            "CONCATENATION",
            (*size, sum(self.layers[i].dims[3] for i in parts)),
            (10, {0: ("i", self.pick(3, -1))}),
            *parts,
        )

    def _scaled(self) -> None:
        code, kind = self.pick(("MUL", 21), ("ADD", 11), ("SUB", 28))
        shape = self.pick((), (1,), (self.last[-1],), (1, 1, 1, self.last[-1]))
        number = self.random.uniform(-2, 2, shape).astype(np.float32)
        self.add(code, self.last, (kind, {0: ("b", self.pick(NONE, RELU))}), number=number)

    def _part(self) -> None:
        dims = np.array(self.last)
        begin = np.array([0, *(int(self.random.integers(0, (d + 1) // 2)) for d in dims[1:])])
        self.add(
            "SLICE",
            dims - begin,
            (48, {}),
            constants=[(1, begin), (2, np.where(self.chance(0.3), -1, dims - begin) * 1)],
        )

    def _slopes(self) -> None:
        channels = self.last[3]
        self.add("PRELU", self.last, number=self.random.uniform(-0.5, 1.2, (1, 1, channels)).astype(np.float32))

    def _enlarged(self) -> None:
        _, height, width, channels = self.last
        if height * width > 150:
            return self._conv()
        if self.chance(0.5):
            if self.chance(0.5):
                size = int(self.random.integers(1, 18)), int(self.random.integers(1, 18))
                corners = self.chance(0.3)
                options = (15, {2: ("?", corners), 3: ("?", not corners and self.chance(0.6))})
                self.add("RESIZE_BILINEAR", (1, *size, channels), options, constants=[(1, np.array(size))])
                return None
            size = height * self.pick(1, 2, 3), width * self.pick(1, 2)
            options = (74, {0: ("?", False), 1: ("?", self.chance(0.5))})
            self.add("RESIZE_NEAREST_NEIGHBOR", (1, *size, channels), options, constants=[(1, np.array(size))])
            return None
        filters, stride, kernel = int(self.random.integers(1, 7)), self.pick(1, 2, 3), self.pick(1, 2, 3, 4)
        padding = self.pick(SAME, VALID)
        size = [n * stride if padding == SAME else (n - 1) * stride + kernel for n in (height, width)]
        options = (67 - 18, {0: ("b", padding), 1: ("i", stride), 2: ("i", stride)})
        weight = self._weights(filters, kernel, kernel, channels)
        shape = [(0, np.array([1, *size, filters]))]
        self.add(
            "TRANSPOSE_CONV", (1, *size, filters), options, weight=weight, bias=self._offsets(filters), constants=shape
        )
        return None

    def _vector(self) -> None:
        self.pick(self._dense, self._dense, self._function, self._vector_sum)()

    def _vector_sum(self) -> None:
        if len(self.last) != 2:
            return
        units = self.last[1]
        before = len(self.layers) - 1
        self.add("FULLY_CONNECTED", (1, units), (8, {}), weight=self._weights(units, units), bias=self._bias(units))
        self._same_shape(before)

    def _dense(self) -> None:
        features, units = prod(self.last), int(self.random.integers(1, 20))
        options = (8, {0: ("b", self.activation())})
        self.add("FULLY_CONNECTED", (1, units), options, weight=self._weights(units, features), bias=self._bias(units))

    def _merge(self) -> None:
        """Make a vector of an image."""
        if len(self.last) != 4 or self.chance(0.1):
            return
        channels, size = self.last[3], prod(self.last)
        how = self.pick("mean", "mean", "pool", "flatten", "dense", "max")
        if how in ("mean", "max"):
            keep = self.chance(0.3)
            dims = (1, 1, 1, channels) if keep else (1, channels)
            axes = self.pick(
                np.array([1, 2]),
                np.array([2, 1]),
                np.array([-3, -2]),
                np.array([0, 1]) if self.chance(self.strange) else np.array([1, 2]),
            )
            if axes[0] == 0:
                dims = (self.last[2], channels)
            self.add(
                "MEAN" if how == "mean" else "REDUCE_MAX",
                dims,
                (27, {0: ("?", keep and axes[0] != 0)}),
                constants=[(1, axes)],
            )
        elif how == "pool":
            size = (self.last[1], self.last[2])
            self.add("AVERAGE_POOL_2D", (1, 1, 1, channels), pool_options(size, size, VALID))
            self.add("SQUEEZE", (1, channels), (43 - 13, {0: np.array([1, 2], "<i4")}))
        elif how == "flatten":
            self.add(
                "RESHAPE", (1, size), (17, {}), constants=[(1, np.array(self.pick((1, size), (-1, size), (1, -1))))]
            )
        else:
            self._dense()

    def _head(self) -> None:
        if self.last[0] != 1:
            return
        self._dense()
        closing = self.pick(None, "SOFTMAX", "SOFTMAX", "LOGISTIC", "LOG_SOFTMAX")
        options = {"SOFTMAX": (9, {0: ("f", 1.0)}), "LOG_SOFTMAX": (36, {})}
        if closing:
            self.add(closing, self.last, options.get(closing))
