"""What published convolutional networks repeat: a convolution with batch norm and activation, and their kin."""

from latent_nas.graph import Builder, Graph
from latent_nas.operators import Shape
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.operators.window import Padding, Pair

ACTIVATIONS = {"relu": Relu(), "relu6": Relu6()}


class Blocks:
    """A ``graph.Builder`` that adds the usual groups of operators; each method returns the id of the group's output."""

    def __init__(self, input_shape: Shape) -> None:
        self.builder = Builder(input_shape)

    def conv(
        self,
        x: int,
        filters: int,
        kernel: int | Pair = 1,
        stride: int = 1,
        activation: str | None = "relu",
        padding: Padding = "same",
        groups: int = 1,
    ) -> int:
        """Add a convolution, batch norm and an activation ("relu", "relu6" or None)."""
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        made = self.builder.add(Conv2d(filters, size, (stride, stride), padding, groups, bias=False), x)
        made = self.builder.add(BatchNorm(), made)
        return self.builder.add(ACTIVATIONS[activation], made) if activation else made

    def depthwise(
        self, x: int, kernel: int = 3, stride: int = 1, activation: str | None = "relu", padding: Padding = "same"
    ) -> int:
        """Add a depthwise convolution, batch norm and an activation."""
        channels = self.builder.shape(x)[2]
        return self.conv(x, channels, kernel, stride, activation, padding, groups=channels)

    def add(self, a: int, b: int, activation: str | None = None) -> int:
        """Add the sum of two tensors and an activation."""
        total = self.builder.add(Add(), a, b)
        return self.builder.add(ACTIVATIONS[activation], total) if activation else total

    def classify(self, x: int, classes: int, mean: bool = True) -> Graph:
        """Return the graph, closed by a mean over the image and a dense layer.

        Args:
            mean: the published file has MEAN; False: it has AVERAGE_POOL_2D over the image, which other kernels run.
        """
        if mean:
            pooled = self.builder.add(GlobalPool(), x)
        else:
            height, width, _ = self.builder.shape(x)
            window = (height, width)
            pooled = self.builder.add(Flatten(), self.builder.add(AvgPool(window, window, "same"), x))
        self.builder.add(Dense(classes), pooled)
        return self.builder.build()
