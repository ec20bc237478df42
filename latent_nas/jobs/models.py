"""Codec and cost surrogate of a target: those that ship where they fit, else made here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from latent_nas import artifacts, seeds, shipped
from latent_nas.codec import Codec, CodecSettings
from latent_nas.codec.quality import exact
from latent_nas.surrogates import Surrogate, design, restore
from latent_nas.surrogates.mlp import Mlp
from latent_nas.target import Setup
from latent_nas.units import COSTS

Say = Callable[[str], None]
COST_SAMPLES = 16_000
CODEC_SAMPLES = 4000  # exact costs that shape a codec's latent
QUICK_SAMPLES = 2000  # where a search waits for them; proposals are checked exactly all the same
EXACT = 0.99  # share of random networks that a codec made for another input must code exactly


def pretrained(setup: Setup, name: str) -> Path:
    """Return where an artefact of this space and task ships, whether or not it is there."""
    return shipped.folder("pretrained") / f"{setup.target.space}-{setup.task.name}" / name


def cost_name(setup: Setup) -> str:
    """Return the name of the cost surrogate of the target's device and runtime."""
    return f"costs-{setup.target.device}-{setup.target.runtime}"


def sampled_costs(setup: Setup, seed: int, n: int = CODEC_SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Return n random genes (n, g) and the logarithms of their exact costs (n, 3)."""
    genes = setup.space.sample(seeds.rng(seed, "costs"), n)
    return genes, np.log(setup.exact(genes))


def fit_costs(setup: Setup, seed: int, say: Say, n: int | None = None) -> tuple[Surrogate, dict[str, float]]:
    """Return a surrogate of log flash, RAM and latency, and its median relative errors on a tenth held out."""
    n = COST_SAMPLES if n is None else n
    say(f"fitting the cost surrogate for {setup.target.device} with {setup.target.runtime} on {n} exact costs")
    genes, logs = sampled_costs(setup, seed, n)
    inputs, held = design(setup.space, genes), n // 10
    model = Mlp.for_costs(seeds.derive(seed, "cost surrogate") % 2**31).fit(inputs[held:], logs[held:])
    error = np.median(np.abs(np.expm1(model.predict(inputs[:held]) - logs[:held])), axis=0)
    return model, {f"median_error_{k.partition('_')[0]}": float(e) for k, e in zip(COSTS, error, strict=True)}


def costs_made(setup: Setup, seed: int) -> dict[str, Any]:
    """Return what a cost surrogate's manifest says of its making."""
    target = setup.target
    made = {"space": target.space, "input_shape": list(setup.space.input_shape), "outputs": setup.space.outputs}
    return {**made, "device": target.device, "runtime": target.runtime, "samples": COST_SAMPLES, "seed": seed}


def cost_surrogate(setup: Setup, seed: int, say: Say, place: Path | None = None) -> Surrogate:
    """Return the cost surrogate of ``place``, by default what ships, if it is of this target, else fit one."""
    folder = (place or pretrained(setup, ".")) / cost_name(setup)
    if folder.is_dir() and setup.target.weight_bits == 8:  # what ships knows of no other costs
        artifact = artifacts.load(folder, "surrogate")
        wanted = costs_made(setup, seed)
        if all(artifact.made.get(k) == wanted[k] for k in ("space", "input_shape", "outputs", "device", "runtime")):
            return restore(artifact)
    model, errors = fit_costs(setup, seed, say, QUICK_SAMPLES)
    say("costs by the surrogate are off by " + ", ".join(f"{k[13:]} {v:.1%}" for k, v in errors.items()) + " (median)")
    return model


def codec(setup: Setup, folder: Path | None, keep: Path, seed: int, say: Say) -> Codec:
    """Return the codec that a run keeps in ``keep``, else that of a folder if one is named, else the shipped one.

    Without any it is a shipped one of another input, where random networks of this one come back from it; else it is
    trained now. All but the shipped one are then kept: a run goes on with its codec, whatever becomes of the named
    folder.

    Raises:
        ValueError: the named or shipped folder holds no codec of this space.
    """
    if keep.is_dir():
        return Codec.load(keep, setup.space)
    if folder is None and (ready := pretrained(setup, "codec")).is_dir():
        return Codec.load(ready, setup.space)
    found = Codec.load(folder, setup.space) if folder is not None else _lent(setup, seed, say)
    if found is None:
        from latent_nas.codec.train import train_codec  # imports torch

        settings = CodecSettings()
        say(f"no codec that ships fits this space: training one, {settings.steps} steps")

        def progress(step: int, losses: dict[str, float]) -> None:
            if step % 500 == 0:
                say(f"codec: {step} of {settings.steps} steps")

        found = train_codec(setup.space, settings, seed, sampled_costs(setup, seed), progress=progress)
    found.save(keep)
    return found


def ready(setup: Setup, folder: Path | None, seed: int, say: Say) -> Codec:
    """Return the codec of a folder if one is named, else a shipped one that fits; none is trained.

    Raises:
        ValueError: the folder holds no codec of this space, or none that ships fits.
    """
    ours = folder or pretrained(setup, "codec")
    if folder is not None or ours.is_dir():
        return Codec.load(ours, setup.space)
    found = _lent(setup, seed, say)
    if found is None:
        raise ValueError(f"no codec that ships fits space {setup.space.name!r}; make one: `latent-nas codec train`")
    return found


def _lent(setup: Setup, seed: int, say: Say) -> Codec | None:
    """Return the first shipped codec, of this space before others, that codes random networks of this input exactly.

    Genes, not pixels, are what a codec sees: the input only decides which of them are canonical.
    """
    own = f"{setup.target.space}-"
    folders = (p.parent for p in shipped.folder("pretrained").glob("*/codec/manifest.json"))
    for folder in sorted(folders, key=lambda p: (not p.parent.name.startswith(own), p)):
        if artifacts.load(folder, "codec").made.get("gene sizes") != setup.space.sizes.tolist():
            continue
        found = Codec.load(folder, setup.space, like=True)
        share = exact(found, seed)
        if share >= EXACT:
            found.quality = {"exact": share}
            say(f"codec: that of {folder.parent.name}; {share:.1%} of random networks of this input come back exactly")
            return found
    return None
