"""Text from a network of tokens: sampled in integers, so that a device and the reference draw the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_nas import seeds
from latent_nas.firmware.naming import PREFIX, string
from latent_nas.training.quantise import QuantisedNetwork


@dataclass(frozen=True)
class Speech:
    """What a device says: it reads the prompt, then draws one token after another.

    Attributes:
        pieces: the text of every token. prompt: tokens. state: of the generator before the first draw, not 0.
        chance: of a token whose logit is 0, 1, ..., 255 below the best, up to 2^15.
    """

    pieces: tuple[str, ...]
    prompt: tuple[int, ...]
    state: int
    chance: tuple[int, ...]

    @property
    def read(self) -> str:
        """What it reads first."""
        return "".join(self.pieces[token] for token in self.prompt)

    @staticmethod
    def of(
        network: QuantisedNetwork, pieces: Sequence[str], prompt: Sequence[int], seed: int, temperature: float
    ) -> "Speech":
        """Return the speech of a network.

        Args:
            temperature: divides the logits; below 1 likely tokens become likelier.

        Raises:
            ValueError: no prompt, a temperature that is not positive, or pieces of another vocabulary.
        """
        if not prompt or not 0.01 <= temperature <= 100:
            raise ValueError(
                f"text wants a prompt of one token or more and a temperature from 0.01 to 100, got {len(prompt)} tokens"
                f" and {temperature}"
            )
        if len(pieces) != network.graph.output_shape[-1]:
            has = network.graph.output_shape[-1]
            raise ValueError(f"the network has {has} tokens, the task's vocabulary {len(pieces)}")
        step = network.quants[-1].scale / temperature
        chance = tuple(round(2**15 * math.exp(-step * below)) for below in range(256))
        return Speech(tuple(pieces), tuple(prompt), seeds.derive(seed, "text") % (2**32 - 1) + 1, chance)

    def generate(self, network: QuantisedNetwork, characters: int) -> str:
        """Return so many characters by the integer reference, the whole text before worked out anew for each token."""
        tokens, state, text = list(self.prompt), self.state, ""
        while len(text) < characters:
            token, state = self.draw(network.integers(np.array([tokens]))[0, -1], state)
            tokens.append(token)
            text += self.pieces[token]
        return text[:characters]

    def draw(self, logits: np.ndarray, state: int) -> tuple[int, int]:
        """Return the token drawn from int8 logits (vocabulary,), and the generator's next state (Marsaglia 2003)."""
        for shift in (13, -17, 5):
            state ^= (state << shift if shift > 0 else state >> -shift) & 0xFFFFFFFF
        chances = np.array(self.chance, np.int64)[int(logits.max()) - logits.astype(np.int64)]
        ends = np.cumsum(chances)
        return int(np.searchsorted(ends, (state * int(ends[-1])) >> 32, side="right")), state

    def source(self, prefix: str = PREFIX) -> str:
        """Return the C file that makes a firmware speak; ``prefix``: of the network's names."""
        pieces = ",\n".join(map(string, self.pieces))
        return SOURCE.format(
            prefix=prefix,
            pieces=pieces,
            tokens=len(self.pieces),
            prompt=", ".join(map(str, self.prompt)),
            length=len(self.prompt),
            state=self.state,
            chance=", ".join(map(str, self.chance)),
        )


SOURCE = """/* Text, token by token. */
#include "{prefix}.h"
#include "sample.h"

static const char *const pieces[{tokens}] = {{
{pieces}
}};
static const uint16_t prompt[{length}] = {{{prompt}}};
static const uint16_t chance[256] = {{{chance}}};

/* Put your own display or serial port here. */
void emit(const char *piece);
__attribute__((weak, noinline)) void emit(const char *piece)
{{
    __asm volatile("" : : "r"(piece) : "memory");
}}

void exchange(int8_t *input, const int8_t *output);
void exchange(int8_t *input, const int8_t *output)
{{
    static uint32_t read, state = {state}u;
    uint32_t token;
    if (read < {length}) {{
        token = prompt[read++];
    }} else {{
        token = nn_sample(chance, output, {tokens}, &state);
        emit(pieces[token]);
    }}
    *(uint16_t *)(void *)input = (uint16_t)token;
}}
"""
