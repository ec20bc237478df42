"""Convolution of 1x1 windows with 4-bit weights, whose C is that of others."""

from latent_nas.firmware.emit import Emitter
from latent_nas.firmware.emit.conv2d4 import FILES, PROTOTYPE, STRUCT, convolution4

Kernel = Emitter(convolution4, (STRUCT, PROTOTYPE), FILES)
