"""SqueezeNet v1.1 (Iandola et al. 2016) of the ST model zoo, for any input."""

from latent_nas.graph import Graph
from latent_nas.operators import Shape
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.zoo._blocks import Blocks

FIRES = ((16, 64), (16, 64), None, (32, 128), (32, 128), None, (48, 192), (48, 192), (64, 256), (64, 256))


def squeezenet_v11(input_shape: Shape, classes: int) -> Graph:
    """Return the float graph: fire modules (squeeze, expand), None is a max pooling between them."""
    b = Blocks(input_shape)
    x = _conv(b, 0, 64, 3, 2, "valid")
    x = b.builder.add(MaxPool((3, 3), (2, 2)), x)
    for fire in FIRES:
        if fire is None:
            x = b.builder.add(MaxPool((3, 3), (2, 2)), x)
            continue
        squeezed = _conv(b, x, fire[0])
        x = b.builder.add(Concat(), _conv(b, squeezed, fire[1]), _conv(b, squeezed, fire[1], 3))
    b.builder.add(GlobalPool(), b.builder.add(Conv2d(classes, (1, 1)), x))
    return b.builder.build()


def _conv(b: Blocks, x: int, filters: int, kernel: int = 1, stride: int = 1, padding: str = "same") -> int:
    """Add a convolution with a bias and no batch norm, and ReLU."""
    return b.builder.add(Relu(), b.builder.add(Conv2d(filters, (kernel, kernel), (stride, stride), padding), x))
