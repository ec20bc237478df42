"""How well surrogates rank a table's networks from a few random ones: features, latent and model, one by one; JSON.

python benchmarks/table_surrogate.py --table FILE --objective metric.valid_accuracy --space nasbench201 --work DIR
    [--train 100 192 400] [--seeds 5] [--input proxy.]

Kendall's tau-b of the full surrogate on all networks that it has not seen. The codec, label-free, is kept in --work.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import kendalltau

from latent_nas import artifacts, seeds
from latent_nas.codec import Codec
from latent_nas.jobs.bench.config import BenchConfig, open_contest
from latent_nas.jobs.bench.contest import trained_codec
from latent_nas.judge.link import Link
from latent_nas.surrogates import design
from latent_nas.surrogates.gp import Gp
from latent_nas.surrogates.mlp import Mlp
from latent_nas.surrogates.stack import Stack
from latent_nas.surrogates.xgb import Xgb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", required=True)
    parser.add_argument("--objective", required=True)
    parser.add_argument("--space", default="")
    parser.add_argument("--minimise", action="store_true")
    parser.add_argument("--input", action="append", default=[], help="columns that surrogates may see")
    parser.add_argument("--work", type=Path, required=True, help="folder of the codec")
    parser.add_argument("--train", type=int, nargs="+", default=[100, 192, 400])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    import torch

    torch.set_num_threads(1)
    config = BenchConfig(
        args.table,
        args.objective,
        ("latent_rl",),
        space=args.space,
        minimise=args.minimise,
        inputs=tuple(args.input),
    )
    contest = open_contest(config)
    space = contest.space
    assert space.listed is not None, "the table has too many networks to go through"
    codec = Codec.load(trained_codec(contest, args.work / "bench", print), space)
    y = space.table.values[args.objective] * (-1.0 if args.minimise else 1.0)
    y = y[space.network(space.listed)]
    one_hots = int(space.sizes.sum())
    plain = design(space, space.listed)
    latent = codec.latent(codec.encode(space.listed)).reshape(len(y), -1)
    inputs = {
        "one-hots": plain[:, :one_hots],
        "features": plain[:, one_hots:],
        "both": plain,
        "both + latent": np.concatenate([plain, latent], axis=1),
        "latent": latent,
    }
    jobs = [(name, "stack") for name in inputs if inputs[name].shape[1]]
    jobs += [("both", model) for model in ("gp", "xgb", "mlp")]
    result: dict[str, dict[str, dict[str, float]]] = {}
    for n in args.train:
        found: dict[str, list[float]] = {}
        for seed in range(args.seeds):
            order = seeds.rng(seed, "table surrogate", n).permutation(len(y))
            train, test = order[:n], order[n:]
            t = Link.of(y[train]).forward(y[train])
            for name, model in jobs:
                X = inputs[name]
                own = plain.shape[1]
                made = {
                    "stack": Stack(own=own, seed=seed),
                    "gp": Gp(own=own, seed=seed),
                    "xgb": Xgb(members=3, rounds=100, rate=0.1, seed=seed),
                    "mlp": Mlp(seed=seed),
                }[model]
                predicted = made.fit(X[train], t).predict(X[test])
                found.setdefault(f"{model} on {name}", []).append(float(kendalltau(predicted, y[test]).statistic))
        result[str(n)] = {
            name: {"tau": round(float(np.mean(v)), 4), "std": round(float(np.std(v, ddof=1)), 4)}
            for name, v in found.items()
        }
    text = json.dumps({"networks": len(y), "seeds": args.seeds, "tau": result}, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


if __name__ == "__main__":
    main()
