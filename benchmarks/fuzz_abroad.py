"""Random ONNX files around the operators that spaces lack, each compared with onnxruntime.

python benchmarks/fuzz_abroad.py [--files 1000] [--seed 0]
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from drawn_abroad import DRAWN, drawn_file

from latent_nas.interchange.onnx_network import open_int8


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    fates: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path, data = Path(folder) / "m.onnx", Path(folder) / "x.npz"
        for i in range(arguments.files):
            kind = list(DRAWN)[i % len(DRAWN)]
            shape = drawn_file(arguments.seed * 1_000_000 + i, path, kind)
            np.savez(data, x=np.random.default_rng(i).normal(size=(16, *shape)).astype(np.float32))
            try:
                open_int8(path, data)
                fates[kind, "read"] += 1
            except ValueError as error:
                said = str(error)
                caught = "read wrongly" in said
                fate = "WRONG" if caught else "not run by onnxruntime" if "can't be compared" in said else "refused"
                fates[kind, fate] += 1
                if caught:
                    print(f"seed {arguments.seed * 1_000_000 + i}, {kind}: {said}")
    for (kind, fate), count in sorted(fates.items()):
        print(f"{kind:12} {fate:24} {count}")


if __name__ == "__main__":
    main()
