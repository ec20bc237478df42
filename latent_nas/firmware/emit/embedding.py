"""Tokens to rows of a table."""

import numpy as np

from latent_nas.firmware.emit import C, Call, Emitter
from latent_nas.firmware.emit.constants import ALIGNED, array, factor, struct

STRUCT = """typedef struct {
    const int8_t *weight;    /* (tokens, n); embedding4: packed rows, see nibble.h */
    const nn_factor *factor; /* per token */
    uint16_t n;
    int8_t zero;
} nn_embedding_args;"""
PROTOTYPE = "void nn_embedding(const nn_embedding_args *op, uint32_t tokens, const uint16_t *x, int8_t *y);"


def table(call: Call, weight: np.ndarray, routine: str) -> C:
    """Return the constants of a table of rows, and the call of the routine that reads them."""
    c, i = call.constants, call.node.id
    factors = [factor(int(m), int(s)) for m, s in zip(c["multiplier"], c["shift"], strict=True)]
    data = array("int8_t", f"weight_{i}", weight.reshape(-1).tolist(), ALIGNED)
    data += array("nn_factor", f"factor_{i}", factors)
    fields = [f"weight_{i}", f"factor_{i}", call.node.shape[-1], call.integer("output_zero_point")]
    tokens = f"(const uint16_t *)(const void *)({call.xs[0]})"
    statement = f"{routine}(&op_{i}, {call.node.shape[0]}, {tokens}, {call.y});"
    return data + struct("nn_embedding_args", f"op_{i}", fields), statement


def embedding(call: Call) -> C:
    """Return the constants of a table, and its call."""
    return table(call, call.constants["weight"], "nn_embedding")


Kernel = Emitter(embedding, (STRUCT, PROTOTYPE))
