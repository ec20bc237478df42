"""Bounds, as of a relu."""

from latent_nas.firmware.emit.relu import Kernel as Clamp

Kernel = Clamp
