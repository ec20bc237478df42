"""Series, with weights of 8 or 4 bits: the networks of ``mcu_cnn1d``, each stage as wide as its gene says."""

from latent_nas.spaces._mixed import Mixed
from latent_nas.spaces.mcu_cnn1d import McuCnn1d


class McuCnn1dMixed(Mixed):
    """Every network of ``mcu_cnn1d``, and every choice of 8 and 4 bits for its stages and its head."""

    name = "mcu_cnn1d_mixed"
    staged = McuCnn1d
    published = McuCnn1d.published


Plugin = McuCnn1dMixed
