"""Measure a codec: validity, reconstruction, codebook use, reach, smoothness and speed, as JSON.

python benchmarks/codec_quality.py --codec DIR
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from latent_nas import artifacts, seeds
from latent_nas.codec import Codec
from latent_nas.codec.quality import measure, smoothness
from latent_nas.spaces import Space, open_space


def column(space: Space, i: int, genes: np.ndarray) -> np.ndarray:
    """Return the i-th feature of genes (n, genes), (n,)."""
    found: np.ndarray = space.features(genes)[:, i]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codec", type=Path, required=True, help="folder of the codec")
    parser.add_argument("--outputs", type=int, default=10, help="of the task that the space is opened for")
    parser.add_argument("--rows", type=int, default=5000, help="held-out architectures")
    parser.add_argument("--features", nargs="*", default=["parameters"], help="of the space, for the smoothness")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="also write the JSON here")
    args = parser.parse_args()

    made = artifacts.load(args.codec, "codec").made
    space = open_space(made["space"], tuple(made["input_shape"]), args.outputs)
    codec = Codec.load(args.codec, space)
    genes = space.sample(seeds.rng(args.seed, "benchmark"), args.rows)
    columns = {name: space.feature_names.index(name) for name in args.features}
    values: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        name: partial(column, space, i) for name, i in columns.items()
    }
    codes = seeds.rng(args.seed, "speed").integers(codec.codes, size=(1024, codec.slots))
    sampled, latent = space.sample(seeds.rng(args.seed, "speed"), 1024), codec.latent(codes)
    result = {
        "codec": {k: made[k] for k in ("space", "input_shape", "settings", "seed", "labels")},
        "quality": measure(codec, args.seed, args.rows),
        "smoothness": smoothness(codec, args.seed, values, genes),
        "rows_per_cpu_second": {
            "decode_codes": speed(lambda: codec.decode_codes(codes)),
            "of which canonical": speed(lambda: space.canonical(sampled)),
            "encode": speed(lambda: codec.encode(sampled)),
            "nearest": speed(lambda: codec.nearest(latent)),
        },
    }
    text = json.dumps(result, indent=1)
    print(text)
    if args.out:
        artifacts.write(args.out, text + "\n")


def speed(work: Callable[[], object], rows: int = 1024, seconds: float = 1.0) -> int:
    """Return the rows that a call works through per second of this process's CPU time, best of repeats."""
    best, start = 0.0, time.process_time()
    while time.process_time() - start < seconds:
        before = time.process_time()
        for _ in range(10):
            work()
        best = max(best, 10 * rows / (time.process_time() - before))
    return int(best)


if __name__ == "__main__":
    main()
