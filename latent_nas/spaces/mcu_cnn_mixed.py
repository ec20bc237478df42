"""Images, with weights of 8 or 4 bits: the networks of ``mcu_cnn``, each stage as wide as its gene says."""

from latent_nas.spaces._mixed import Mixed
from latent_nas.spaces.mcu_cnn import McuCnn


class McuCnnMixed(Mixed):
    """Every network of ``mcu_cnn``, and every choice of 8 and 4 bits for its stages and its head."""

    name = "mcu_cnn_mixed"
    staged = McuCnn


Plugin = McuCnnMixed
