"""Random ONNX graphs, each held against onnxruntime: how many are read, refused (why), or wrong.

python benchmarks/fuzz_onnx.py [--graphs 3000] [--seed 0] [--makers helper,qdq,torchscript,dynamo] [--keep FOLDER]
"""

import argparse
import re
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import torch
from drawn_files import MAKERS
from held_onnx import Fate, fate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--makers", default=",".join(MAKERS))
    parser.add_argument("--keep", type=Path, help="where files are left that are refused or wrong")
    parser.add_argument("--reasons", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    makers = args.makers.split(",")
    fates: dict[str, Counter] = {name: Counter() for name in makers}
    reasons: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(args.graphs):
            name, seed = makers[i % len(makers)], args.seed * 1_000_000 + i
            path = Path(folder) / "drawn.onnx"
            MAKERS[name](seed, path)
            found = fate(path, seed)
            fates[name][found.kind] += 1
            if found.kind not in ("accepted", "no graph"):
                reasons[_kind(found)] += 1
                if args.keep:
                    args.keep.mkdir(parents=True, exist_ok=True)
                    (args.keep / f"{name}-{seed}.onnx").write_bytes(path.read_bytes())
                    print(name, seed, found.kind, found.why, flush=True)
    for reason, count in reasons.most_common(args.reasons):
        print(f"{count:6} {reason}")
    for name, counts in fates.items():
        graphs = sum(counts.values()) - counts["no graph"]
        print(f"{name}: {graphs} graphs, {counts['accepted'] / max(1, graphs):.1%} accepted; {dict(counts)}")


def _kind(found: Fate) -> str:
    """Return what became of a file and why, without names and numbers."""
    why = re.sub(r"; known: .*", "", found.why)
    return f"{found.kind}: {re.sub(r'[0-9]+', 'N', re.sub(chr(39) + '[^' + chr(39) + ']*' + chr(39), '', why))}"


if __name__ == "__main__":
    main()
