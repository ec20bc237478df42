"""The codec: a supervised VQ-VAE between genes and a few codes of a learnt codebook (van den Oord et al. 2017).

genes -> encoder -> latent (slots, dim) -> nearest code of each slot's own codebook -> decoder -> genes. ``train_codec``
in ``latent_nas.codec.train`` makes one; here it is used, in numpy alone.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts
from latent_nas.codec.choices import Choices
from latent_nas.codec.decoder import Decoder
from latent_nas.codec.perceptron import Perceptron
from latent_nas.spaces import Space

HEADS = ("costs", "accuracy")


@dataclass(frozen=True)
class CodecSettings:
    """How a codec is built and trained.

    Attributes:
        slots: codes per architecture. codes: per slot, in its codebook. dim: of a code. hidden: units of the decoder
            (the hot path) and width: of the encoder. steps, batch, learning_rate: of Adam. usage: weight of codebooks
            that use too few codes. edit: weight of how far one replaced code moves the labels, by their linear fit.
            costs, accuracy: weights of the heads' squared errors, in standard deviations.
    """

    slots: int = 24
    codes: int = 32
    dim: int = 8
    hidden: int = 64
    width: int = 256
    steps: int = 3000
    batch: int = 512
    learning_rate: float = 3e-3
    usage: float = 0.3
    edit: float = 1.0
    costs: float = 1.0
    accuracy: float = 1.0


class Codec:
    """A trained codec, bound to its space.

    Attributes:
        codebook: (slots, codes, dim) float32. made: how it was made. quality: what was measured then.
    """

    def __init__(
        self, space: Space, arrays: dict[str, np.ndarray], made: dict[str, Any], quality: dict[str, Any]
    ) -> None:
        self.space, self.made, self.quality = space, made, quality
        self.codebook = arrays["codebook"]
        self.slots, self.codes, self.dim = self.codebook.shape
        self._arrays = arrays
        self._choices = Choices(space)
        self._encoder = Perceptron.named(arrays, "encoder")
        self._decoder = Decoder(Perceptron.named(arrays, "decoder"), self._choices, self.codebook)
        self._heads = {name: Perceptron.named(arrays, name) for name in HEADS if f"{name}.first" in arrays}
        self._norms = (self.codebook**2).sum(axis=2)[:, None]
        self._rows = self.codebook.reshape(-1, self.dim)
        self._offsets = np.arange(self.slots) * self.codes

    @property
    def settings(self) -> CodecSettings:
        """How it was built and trained."""
        return CodecSettings(**self.made["settings"])

    def encode(self, genes: np.ndarray) -> np.ndarray:
        """Return codes (n, slots) int64 of genes (n, genes), which need not be canonical.

        Raises:
            ValueError: genes of another space or out of range.
        """
        return self.nearest(self.continuous(genes))

    def continuous(self, genes: np.ndarray) -> np.ndarray:
        """Return the encoder's latent (n, slots, dim) of genes (n, genes) before it is moved to the nearest codes."""
        x = self._choices.one_hot(self.space.canonical(self.space.check(genes)))
        return self._encoder(x).reshape(len(x), self.slots, self.dim)

    def latent(self, codes: np.ndarray) -> np.ndarray:
        """Return the codebook's vectors (n, slots, dim) for codes (n, slots)."""
        return self._rows.take(self._checked_codes(codes) + self._offsets, axis=0)

    def nearest(self, latent: np.ndarray) -> np.ndarray:
        """Return the index of the nearest code of each slot: latent (n, slots, dim) -> codes (n, slots) int64."""
        by_slot = self._checked(latent).transpose(1, 0, 2)
        distance = self._norms - 2 * (by_slot @ self.codebook.transpose(0, 2, 1))
        return distance.argmin(axis=2).T

    def decode(self, latent: np.ndarray) -> np.ndarray:
        """Return canonical genes (n, genes) of any finite latent (n, slots, dim), on the codebook or off it.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        flat = self._checked(latent).reshape(len(latent), self.slots * self.dim)
        return self.space.canonical(self._decoder.of_latent(flat))

    def decode_codes(self, codes: np.ndarray) -> np.ndarray:
        """Return canonical genes (n, genes) of codes (n, slots)."""
        return self.space.canonical(self._decoder.of_codes(self._checked_codes(codes)))

    def predict_heads(self, latent: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the heads predict for latent (n, slots, dim), in the units of the labels.

        "costs" (n, targets) if the codec was trained with costs, "accuracy" (n,) if with accuracies, and "measures"
        (n, metrics) if with further metrics beside them.
        """
        flat = self._checked(latent).reshape(len(latent), self.slots * self.dim)
        predicted = {name: head(flat) for name, head in self._heads.items()}
        if "accuracy" in predicted:
            every = predicted["accuracy"]
            predicted |= {"accuracy": every[:, 0]} | ({"measures": every[:, 1:]} if every.shape[1] > 1 else {})
        return predicted

    def _checked_codes(self, codes: np.ndarray) -> np.ndarray:
        codes = np.asarray(codes)
        if codes.ndim != 2 or codes.shape[1] != self.slots or not np.issubdtype(codes.dtype, np.integer):
            raise ValueError(
                f"got codes {codes.shape} of {codes.dtype}, wanted (n, {self.slots}) integers;"
                f" is the codec trained for space {self.space.name!r}?"
            )
        if codes.size and (codes.min() < 0 or codes.max() >= self.codes):
            raise ValueError(f"codes are 0 to {self.codes - 1}, got {codes.min()} to {codes.max()}")
        return codes

    def _checked(self, latent: np.ndarray) -> np.ndarray:
        latent = np.asarray(latent, np.float32)
        if latent.ndim != 3 or latent.shape[1:] != (self.slots, self.dim):
            raise ValueError(
                f"got latent {latent.shape}, wanted (n, {self.slots}, {self.dim});"
                f" is the codec trained for space {self.space.name!r}?"
            )
        if not np.isfinite(latent).all():
            row = np.argwhere(~np.isfinite(latent))[0]
            raise ValueError(f"latent has NaN or infinity, first in row {row[0]}, slot {row[1]}, dimension {row[2]}")
        return np.clip(latent, -1e6, 1e6)  # so that nothing overflows

    def save(self, folder: Path) -> None:
        """Write the codec as an artefact."""
        files = {"codec.safetensors": artifacts.pack(self._arrays)}
        artifacts.save(folder, artifacts.Artifact("codec", self.made, self.quality, files))

    @classmethod
    def load(cls, folder: Path, space: Space, like: bool = False) -> "Codec":
        """Return the codec of a folder.

        Args:
            like: whether one of another space or input shape will do that has the same choices; it becomes this one's.

        Raises:
            ValueError: no codec there, a damaged one, or one of another space.
        """
        artifact = artifacts.load(folder, "codec")
        if like and artifact.made.get("gene sizes") == space.sizes.tolist():
            lent = {"made for": {key: artifact.made.get(key) for key in bound(space)}}
            artifact = replace(artifact, made={**lent, **artifact.made, **bound(space)})
        wanted, found = bound(space), {key: artifact.made.get(key) for key in bound(space)}
        for key in wanted:
            if found[key] != wanted[key]:
                raise ValueError(
                    f"{folder} holds a codec of {key} {found[key]}, wanted {wanted[key]}; train one for this space"
                )
        try:
            arrays = artifacts.unpack(artifact.files["codec.safetensors"])
            return cls(space, arrays, artifact.made, artifact.quality)
        except (KeyError, TypeError):
            raise ValueError(f"{folder} holds no whole codec; train it again or fetch it again") from None


def bound(space: Space) -> dict[str, Any]:
    """Return what a codec's space must agree in."""
    return {"space": space.name, "input_shape": list(space.input_shape), "gene sizes": space.sizes.tolist()}


def made(space: Space, settings: CodecSettings, seed: int, labels: dict[str, int]) -> dict[str, Any]:
    """Return what a manifest says of a codec's making; ``labels`` counts the labelled architectures of each head."""
    return {**bound(space), "settings": asdict(settings), "seed": seed, "labels": labels}
