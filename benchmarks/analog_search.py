"""Search for digits in analog memory: strategies at equal trainings, judged by true noisy evaluation.

python benchmarks/analog_search.py --trainings 40 --seeds 3 --out runs/analog_search

Every run is a run folder that can be continued; the codec is trained once, without any accuracy.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from latent_nas.codec import CodecSettings
from latent_nas.codec.train import train_codec
from latent_nas.jobs import models
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.run import search
from latent_nas.limits import Limits
from latent_nas.runs.folder import RunFolder
from latent_nas.target import Setup, Target

SPACE = "resnet_analog:first=8,12;stages=1-3;repeats=1-2;width=1,2;branches=1-3"
TARGET = Target(SPACE, "digits", "stm32h743", "cmsis_nn")
LIMITS = Limits(flash_bytes=20 * 1024)  # about so many weights, twice as many devices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", default="latent_rl,random,evolution")
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--codec-steps", type=int, default=800)
    parser.add_argument("--out", type=Path, default=Path("runs/analog_search"))
    args = parser.parse_args()
    codec = args.out / "codec"
    if not codec.exists():
        setup = Setup(TARGET)
        settings = CodecSettings(slots=8, steps=args.codec_steps)
        train_codec(setup.space, settings, 0, costs=models.sampled_costs(setup, 0, 500)).save(codec)
    names = args.strategies.split(",")
    best: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for seed in range(args.seeds):
        for name in names:
            config = SearchConfig(
                TARGET,
                name,
                args.trainings,
                args.batch,
                LIMITS,
                workers=args.workers,
                seed=seed,
                top=0,
                codec=str(codec),
                measure="analog",
            )
            place = args.out / f"{name}-{seed}"
            folder = RunFolder.open(place)[0] if place.exists() else RunFolder.create(place, config.to_json())
            search(prepare(config), folder, lambda line: None, lambda what, finished, wanted: None)
            records = [r for r in folder.store().records() if r.ok]
            top = max(records, key=lambda r: r.score or 0)
            best[name].append({**top.measured_beside, "digital": top.measured_float.get("accuracy", 0)})
            print(name, seed, json.dumps(best[name][-1]), flush=True)
    shown = ("analog_accuracy_1d", "analog_accuracy_1d_std", "analog_variation_1month", "digital")
    print(f"\nbest of {args.trainings} trainings, {args.seeds} seeds, mean +- std over seeds, validation part\n")
    print("| strategy |", " | ".join(shown), "|\n|---|" + "---|" * len(shown))
    for name, rows in best.items():
        cells = [np.array([row[key] for row in rows]) for key in shown]
        print(f"| {name} |", " | ".join(f"{c.mean():.4f} +- {c.std(ddof=1):.4f}" for c in cells), "|")


if __name__ == "__main__":
    main()
