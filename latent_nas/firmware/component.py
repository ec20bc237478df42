"""A network as the C of a component sees it: what every file of it is written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latent_nas.preprocessing import Preprocessing
from latent_nas.resampling import Frame
from latent_nas.spectral import SpectralFrontEnd
from latent_nas.training.metadata import Metadata
from latent_nas.training.quantise import QuantisedNetwork


@dataclass(frozen=True)
class Component:
    """A network as C sees it.

    Attributes:
        prefix: of its names. network: as it runs there. about: what travels with it. arena_bytes: what it needs.
        seen: how raw data become its input; None of text. figures: flash, RAM and cycles by a macro's ending, once
            they were measured. frame: of a camera, that it takes beside raw data; None for none.
    """

    prefix: str
    network: QuantisedNetwork
    about: Metadata
    seen: Preprocessing | None
    arena_bytes: int
    figures: Mapping[str, Any]
    frame: Frame | None = None

    @property
    def golden(self) -> bool:
        """Whether there is a sample to test it with."""
        return self.about.golden_input is not None and self.seen is not None

    @property
    def series(self) -> SpectralFrontEnd | None:
        """What makes features of a series, None where nothing does."""
        front = self.seen and self.seen.front_end
        return front if isinstance(front, SpectralFrontEnd) else None
