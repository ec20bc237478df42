"""Any function of one value: a table, as of a hard swish."""

from latent_nas.firmware.emit.hard_swish import Kernel as Lookup

Kernel = Lookup
