"""How well the surrogates predict networks they have not seen, on a table of true trainings; prints JSON.

    python benchmarks/surrogate_quality.py --records datasets_arch/mcu_cnn-digits.parquet --train 500,2000 --seeds 5

Every seed splits the table anew. Kendall's tau is tau-b; its interval is a 95 % bootstrap over the held-out networks.
``--held-out repeated`` tests on the networks trained with several seeds, against the mean of those, which is nearer the
truth than one training is.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from scipy.stats import kendalltau

from latent_nas import plugins, seeds
from latent_nas.codec import Codec
from latent_nas.jobs.make import dataset
from latent_nas.judge.link import Link
from latent_nas.judge.scorer import Scorer, labels
from latent_nas.limits import Limits
from latent_nas.surrogates import design
from latent_nas.surrogates.mlp import Mlp
from latent_nas.target import Setup, Target

BOOTSTRAPS = 200
LIMITS = Limits(flash_bytes=32 * 1024, ram_bytes=16 * 1024, latency_ms=5.0)


def tau(predicted, measured):
    return float(kendalltau(predicted, measured).statistic)


def judged(predicted, measured, rng):
    """Return tau, tau of the top quarter, and bootstrapped taus, of held-out networks."""
    best = measured >= np.quantile(measured, 0.75)
    draws = rng.integers(len(measured), size=(BOOTSTRAPS, len(measured)))
    return {
        "tau": tau(predicted, measured),
        "tau_top_quarter": tau(predicted[best], measured[best]),
        "boot": [tau(predicted[d], measured[d]) for d in draws],
    }


def summary(runs):
    boot = np.mean([r.pop("boot") for r in runs], axis=0)
    figures = {k: round(float(np.mean([r[k] for r in runs])), 4) for k in runs[0]}
    return figures | {"tau_95": [round(float(q), 4) for q in np.quantile(boot, [0.025, 0.975])]}


def cost_errors(setup, samples, records):
    """Return the cost surrogate and its relative errors on fresh networks and on the table's."""
    genes = setup.space.sample(seeds.rng(0, "cost quality"), samples + 1000)
    exact = setup.exact(genes)
    known = np.array(sorted({r.genes for r in records}))
    model = Mlp.for_costs().fit(design(setup.space, genes[:samples]), np.log(exact[:samples]))
    found = {}
    for name, some, truth in (
        ("fresh", genes[samples:], exact[samples:]),
        ("table", known, setup.exact(known)),
    ):
        error = np.abs(np.exp(model.predict(design(setup.space, some))) / truth - 1)
        for i, cost in enumerate(("flash", "ram", "latency")):
            found[f"{name}_{cost}"] = {
                "median": round(float(np.median(error[:, i])), 4),
                "p95": round(float(np.quantile(error[:, i], 0.95)), 4),
            }
    return model, found


def noise_ceiling(records):
    """Return tau between one seed and the mean of the others, of networks trained with several; None without."""
    runs = {}
    for r in records:
        if r.ok:
            runs.setdefault(r.genes, []).append(r.measured_int8["accuracy"])
    many = [v for v in runs.values() if len(v) > 2]
    return round(tau([v[0] for v in many], [np.mean(v[1:]) for v in many]), 4) if len(many) > 20 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=Path, required=True, help="a table of scripts/build_dataset.py")
    parser.add_argument("--train", default="500,2000", help="numbers of networks to train on")
    parser.add_argument("--seeds", type=int, default=5, help="splits")
    parser.add_argument("--cost-samples", type=int, default=4000, help="exact costs to fit the cost surrogate to")
    parser.add_argument("--codec", type=Path, help="a codec whose latent is to be among the inputs")
    parser.add_argument("--each", action="store_true", help="every surrogate alone as well")
    parser.add_argument("--device", default="stm32f405")
    parser.add_argument("--runtime", default="native")
    parser.add_argument(
        "--held-out", choices=("random", "repeated"), default="random", help="which networks to test on"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    records = dataset.read(args.records)
    setup = Setup(Target(records[0].space, records[0].task, args.device, args.runtime))
    costs, errors = cost_errors(setup, args.cost_samples, records)
    genes, accuracy = labels(records)
    codec = Codec.load(args.codec, setup.space) if args.codec else None
    result = {
        "networks": len(genes),
        "held_out": args.held_out,
        "noise_ceiling_tau": noise_ceiling(records),
        "cost_errors": errors,
        "accuracy": {},
    }
    by_genes = {}
    for r in records:
        by_genes.setdefault(r.genes, []).append(r)
    repeated = np.array([len(by_genes[tuple(g)]) > 2 for g in genes.tolist()])
    for n in map(int, args.train.split(",")):
        runs = {}
        for seed in range(args.seeds):
            rng = seeds.rng(seed, "surrogate quality", n)
            order = rng.permutation(len(genes))
            if args.held_out == "repeated":
                order = np.concatenate([order[~repeated[order]], order[repeated[order]]])
                train, test = order[:n], np.flatnonzero(repeated)
            else:
                train, test = order[:n], order[n:]
            scorer = Scorer(setup.space, LIMITS, costs, codec, seed)
            start = time.process_time()
            scorer.refit([r for i in train for r in by_genes[tuple(genes[i].tolist())]])
            spent = time.process_time() - start
            low, high = scorer.interval(genes[test])
            covered = float(((low <= accuracy[test]) & (accuracy[test] <= high)).mean())
            full, fast = scorer.rerank(genes[test]), scorer(genes[test])
            runs.setdefault("full", []).append(
                judged(full.predicted_accuracy, accuracy[test], rng)
                | {"coverage_90": covered, "width_90": float(np.median(high - low)), "refit_cpu_s": spent}
                | {"mean_absolute_error": float(np.abs(full.predicted_accuracy - accuracy[test]).mean())}
            )
            runs.setdefault("fast", []).append(judged(fast.predicted_accuracy, accuracy[test], rng))
            link = Link.of(accuracy[train])
            for name in plugins.names("surrogates") if args.each else ():
                model = plugins.load("surrogates", name)(seed=seed)
                model.fit(design(setup.space, genes[train]), link.forward(accuracy[train]))
                predicted = model.predict(design(setup.space, genes[test]))
                runs.setdefault(f"{name} alone", []).append(judged(predicted, accuracy[test], rng))
        result["accuracy"][str(n)] = {name: summary(found) for name, found in runs.items()}
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
