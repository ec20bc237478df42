"""Convolutional networks for images on microcontrollers."""

from latent_nas.operators import Shape
from latent_nas.spaces._staged import Staged, genes_of


class McuCnn(Staged):
    """About 10^21 canonical networks of plain, separable and inverted-bottleneck blocks; any input from 8x8x1 on."""

    name = "mcu_cnn"
    kernels, stem_kernels = (3, 5, 7), (3, 5)
    genes = genes_of(kernels, stem_kernels)

    def __init__(self, input_shape: Shape, outputs: int) -> None:
        """Bind the space to a task.

        Raises:
            ValueError: the input is not an image of at least 2x2, or there is no output.
        """
        super().__init__(input_shape, outputs)
        if min(input_shape[:2]) < 2:
            raise ValueError(f"space 'mcu_cnn' takes images (height, width, channels), got {tuple(input_shape)}")


Plugin = McuCnn
