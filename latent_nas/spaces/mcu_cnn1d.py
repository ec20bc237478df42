"""Convolutional networks over time, for recordings and time series on microcontrollers.

The stem's windows span a whole spectrum, as those of TC-ResNet (Choi et al. 2019): from there on there is time and
channels only.
"""

from latent_nas.spaces._staged import Staged, genes_of


class McuCnn1d(Staged):
    """The blocks of ``mcu_cnn`` with windows of 3, 5 or 9 steps; input (steps, values, channels), e.g. 49x20x1.

    Of one step, e.g. 1x10x1, it is a table's row: the stem sees all values, the blocks are dense layers.
    """

    name = "mcu_cnn1d"
    kernels, stem_kernels = (3, 5, 9), (3, 9)
    genes = genes_of(kernels, stem_kernels)
    flat = True
    published = ((49, 10, 1), 12)


Plugin = McuCnn1d
