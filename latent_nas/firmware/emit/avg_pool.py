"""Average pooling."""

from latent_nas.firmware.emit import Emitter
from latent_nas.firmware.emit.max_pool import STRUCT, pool

PROTOTYPE = "void nn_avg_pool(const nn_window *op, const int8_t *x, int8_t *y);"

Kernel = Emitter(pool, (STRUCT, PROTOTYPE), ("avg_pool.c", "window.h"))
