"""Images at several sizes: the networks of ``mcu_cnn`` behind the input, or behind the means of 2x2 to 4x4 pixels."""

from latent_nas.spaces._sized import Sized
from latent_nas.spaces.mcu_cnn import McuCnn


class McuCnnSized(Sized):
    """Every network of ``mcu_cnn`` at up to four sizes of the input; at least 4x4 pixels are left."""

    name = "mcu_cnn_sized"
    staged = McuCnn
    axes = {"means": ((1, 1), (2, 2), (3, 3), (4, 4))}  # noqa: RUF012


Plugin = McuCnnSized
