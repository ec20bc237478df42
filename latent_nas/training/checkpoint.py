"""A float training on disk after every epoch: one safetensors file with all that it needs to go on."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from latent_nas import artifacts
from latent_nas.training.network import Network

HISTORY = ("learning_rate", "train_loss", "valid_score", "wall_s")  # of an epoch; valid_score may be NaN: not judged

SUM = "sha256"  # over all else


class Checkpoint:
    """The state of one training, kept in a file.

    Attributes:
        history: what every finished epoch gave, (epochs, len(HISTORY)).
    """

    def __init__(self, path: Path, model: Network, judged: Network, optimiser: torch.optim.Optimizer) -> None:
        """Take up what the file holds, if it is there: the networks and the optimiser are set to it.

        Raises:
            ValueError: the file is damaged, or is of another training.
        """
        self.path, self.model, self.judged, self.optimiser = path, model, judged, optimiser
        self.history = np.zeros((0, len(HISTORY)))
        self.best: dict[str, torch.Tensor] | None = None
        if path.exists():
            try:
                self._restore(_read(path))
            except (KeyError, ValueError, RuntimeError) as error:
                reason = str(error).splitlines()[0][:100]
                raise ValueError(
                    f"{path} is not a checkpoint of this training: {reason}; delete it to begin anew"
                ) from None

    def save(self, history: np.ndarray, best: dict[str, torch.Tensor] | None) -> None:
        """Write the state after an epoch; ``best``: the weights of the best epoch so far."""
        arrays = {"history": history, "random": torch.get_rng_state().numpy()}
        if self.model.device.type == "cuda":
            arrays["random_cuda"] = torch.cuda.get_rng_state().numpy()
        parts = {"model": self.model.state_dict(), "best": best or {}}
        if self.judged is not self.model:
            parts["judged"] = self.judged.state_dict()
        arrays |= {f"{part}.{k}": v.cpu().numpy() for part, state in parts.items() for k, v in state.items()}
        for i, state in self.optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser.{i}.{k}": v.cpu().numpy() for k, v in state.items() if v is not None}
        artifacts.write(self.path, artifacts.pack({**arrays, SUM: _sum(arrays)}))

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self.history = arrays["history"]
        self.model.load_state_dict(_part(arrays, "model"))
        if self.judged is not self.model:
            self.judged.load_state_dict(_part(arrays, "judged"))
        self.best = _part(arrays, "best") or None
        state: dict[int, dict[str, torch.Tensor]] = {}
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        for key, value in _part(arrays, "optimiser").items():
            number, name = key.split(".")
            like = parameters[int(number)]
            # fused optimisers go through memory as it lies, so a moment lies as its parameter does
            laid = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
            state.setdefault(int(number), {})[name] = laid
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
        torch.set_rng_state(torch.from_numpy(arrays["random"]))
        if self.model.device.type == "cuda" and "random_cuda" in arrays:
            torch.cuda.set_rng_state(torch.from_numpy(arrays["random_cuda"]))


def usable(path: Path, epochs: int) -> bool:
    """Return whether a file is whole and of a training that has gone on for no more than so many epochs."""
    try:
        return len(_read(path)["history"]) <= epochs
    except (KeyError, ValueError):
        return False


def _read(path: Path) -> dict[str, np.ndarray]:
    arrays = artifacts.unpack(path.read_bytes())
    known = arrays.pop(SUM, None)  # release 0.1 wrote none
    if known is not None and (known != _sum(arrays)).any():
        raise ValueError("it has changed since it was written (its checksum differs)")
    return arrays


def _sum(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.frombuffer(sha256(artifacts.pack(arrays)).digest(), np.uint8)


def _part(arrays: dict[str, np.ndarray], name: str) -> dict[str, torch.Tensor]:
    return {k.split(".", 1)[1]: torch.from_numpy(np.array(v)) for k, v in arrays.items() if k.startswith(f"{name}.")}
