"""What a part of latent_rl adds on a table: it runs without the part, seed by seed; a file as of `latent-nas bench`.

python benchmarks/ablation.py --table FILE --objective metric.valid_accuracy --space nasbench201 --out FILE.json
    [--seeds 20] [--trainings 192] [--workers 0] [--variants as-it-is,mean-alone,...]

Then `python benchmarks/regret.py FILE.json --reference as-it-is` for medians and paired differences. The codecs, both
without labels, are kept beside --out.
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import fields
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from latent_nas import artifacts
from latent_nas.codec import Codec
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.jobs.bench.contest import Contest, settings, trained_codec
from latent_nas.judge.scorer import Scorer

WITHOUT: dict[str, dict[str, Any]] = {  # what a run is without: attributes of its scorer
    "as-it-is": {},
    "mean-alone": {"beta": 0.0, "kappa": 0.0},  # no uncertainty, neither in the acquisition nor in the agent's reward
    "reward-by-mean": {"kappa": 0.0},
    "beta-1": {"beta": 1.0},
    "with-latent": {},
    "costs-in-codec": {},  # the codec is supervised by the space's computed costs
}
LATENT = ("with-latent", "costs-in-codec")  # variants whose judge sees it
CODEC_STEPS = 1200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--objective", required=True)
    parser.add_argument("--space", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trainings", type=int, default=192)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--variants", default=",".join(WITHOUT))
    args = parser.parse_args()
    variants = args.variants.split(",")
    config = BenchConfig(
        args.table, args.objective, ("latent_rl",), args.trainings, args.seeds, space=args.space, stop=True
    )
    contest = open_contest(config.check())
    plain = trained_codec(contest, args.out, print)
    codecs = dict.fromkeys(variants, plain)
    if "costs-in-codec" in variants:
        codecs["costs-in-codec"] = supervised(contest, args.out)
    result: dict[str, Any] = {"config": config.decisive(), "table": contest.summary(), "runs": []}
    if args.out.exists():
        result["runs"] = json.loads(args.out.read_text())["runs"]
    held = {(r["strategy"], r["seed"]) for r in result["runs"]}
    jobs = [(v, s) for s in range(args.seeds) for v in variants if (v, s) not in held]
    with ProcessPoolExecutor(args.workers or os.cpu_count(), get_context("spawn")) as pool:
        work = partial(run, config)
        for future in as_completed([pool.submit(work, name, seed, codecs[name]) for name, seed in jobs]):
            result["runs"].append(future.result())
            result["runs"].sort(key=lambda r: (variants.index(r["strategy"]), r["seed"]))
            artifacts.write(args.out, json.dumps(result) + "\n")
            print(f"{len(result['runs'])} of {len(variants) * args.seeds} runs", flush=True)


def run(config: BenchConfig, variant: str, seed: int, codec: Path) -> dict[str, Any]:
    """Return one run of latent_rl, named after what it is without."""

    class Without(Contest):
        def judge(self, seed: int) -> Scorer:
            scorer = super().judge(seed)
            scorer.codec = Codec.load(codec, self.space) if variant in LATENT else None
            for name, value in WITHOUT[variant].items():
                setattr(scorer, name, value)
            return scorer

    import torch

    torch.set_num_threads(1)
    match = open_contest(config)
    given = {field.name: getattr(match, field.name) for field in fields(match)}
    return {**Without(**given).run("latent_rl", seed, codec), "strategy": variant}


def supervised(contest: Contest, out: Path) -> Path:
    """Return the folder of a codec that has seen the computed costs of the space's networks."""
    from latent_nas.codec.train import train_codec

    folder = out.parent / "codec-costs"
    if not folder.is_dir():
        space = contest.space
        genes = space.listed
        assert genes is not None, "a table lists its networks"
        named = [i for i, name in enumerate(space.feature_names) if name in ("macs", "parameters")]
        train_codec(space, settings(space, CODEC_STEPS), 0, (genes, space.features(genes)[:, named])).save(folder)
    quality = Codec.load(folder, contest.space).quality
    print(f"codec supervised by costs: {quality}")
    return folder


if __name__ == "__main__":
    main()
