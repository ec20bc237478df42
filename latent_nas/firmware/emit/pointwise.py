"""Convolution of 1x1 windows, whose C stands beside that of others."""

from latent_nas.firmware.emit import Emitter
from latent_nas.firmware.emit.conv2d import FILES, PROTOTYPES, STRUCT, convolution

Kernel = Emitter(convolution, (STRUCT, PROTOTYPES), FILES)
