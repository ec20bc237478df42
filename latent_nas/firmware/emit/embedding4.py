"""Tokens to rows of a table of 4-bit weights."""

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import packed
from latent_nas.firmware.emit.embedding import STRUCT, table

PROTOTYPE = "void nn_embedding4(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y);"


def embedding4(call: Call) -> C:
    """Return the constants of a table, and its call."""
    return table(call, packed(call.constants["weight"]), "nn_embedding4")


Kernel = Emitter(embedding4, (STRUCT, PROTOTYPE), ("embedding4.c", "nibble.h"))
