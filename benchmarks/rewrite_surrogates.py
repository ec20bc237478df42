"""Write a folder of accuracy surrogates again, as this version writes them; their predictions stay.

python benchmarks/rewrite_surrogates.py pretrained/mcu_cnn-digits/accuracy

Version 0.1 kept the Cholesky factor of the Gaussian process, four fifths of the folder.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from latent_nas import artifacts
from latent_nas.judge.accuracy import AccuracyModel
from latent_nas.judge.scorer import KIND


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the surrogates, which is written over")
    folder = parser.parse_args().folder
    try:
        before = artifacts.load(folder, KIND)
        after = replace(before, files=AccuracyModel.of_files(before.files).files())
        artifacts.save(folder, after)
    except ValueError as error:
        parser.error(str(error))
    old, new = (sum(map(len, artifact.files.values())) for artifact in (before, after))
    print(f"{folder}: {old:,} bytes before, {new:,} now")


if __name__ == "__main__":
    main()
