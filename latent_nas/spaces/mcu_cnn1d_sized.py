"""Series at several rates: the networks of ``mcu_cnn1d`` behind the input as it is, or means of steps and of bands."""

from latent_nas.spaces._sized import Sized
from latent_nas.spaces.mcu_cnn1d import McuCnn1d


class McuCnn1dSized(Sized):
    """Every network of ``mcu_cnn1d`` behind the means of up to four steps and two values; four of each are left."""

    name = "mcu_cnn1d_sized"
    staged = McuCnn1d
    axes = {"steps": ((1, 1), (2, 1), (3, 1), (4, 1)), "values": ((1, 1), (1, 2))}  # noqa: RUF012
    published = McuCnn1d.published


Plugin = McuCnn1dSized
