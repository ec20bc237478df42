"""Gradient-boosted trees (Chen and Guestrin 2016): a small bagged ensemble, one booster per target and member."""

import json

import numpy as np

from latent_nas import seeds
from latent_nas.surrogates import Surrogate
from latent_nas.surrogates._trees import Trees


class Xgb(Surrogate):
    """Bagged XGBoost; the std is that over the members.

    Args:
        members: boosters per target. rounds, depth, rate: of each booster. row_share: rows that a member sees, drawn
            without replacement. column_share: columns that a split may use. leaf_l2: shrinkage of leaves.
            threads: of XGBoost.
    """

    def __init__(
        self,
        members: int = 5,
        rounds: int = 200,
        depth: int = 5,
        rate: float = 0.06,
        row_share: float = 0.8,
        column_share: float = 0.3,
        leaf_l2: float = 1.0,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.members, self.rounds, self.depth, self.rate = members, rounds, depth, rate
        self.row_share, self.column_share, self.leaf_l2 = row_share, column_share, leaf_l2
        self.seed, self.threads = seed, threads

    def _fit(self, X: np.ndarray, y: np.ndarray) -> None:
        import xgboost

        self.mean_, self.scale_ = y.mean(axis=0), y.std(axis=0)
        scaled = (y - self.mean_) / np.where(self.scale_ > 0, self.scale_, 1)
        written = []
        for target in range(y.shape[1]):
            for member in range(self.members):
                rng = seeds.rng(self.seed, "xgb", target, member)
                rows = np.sort(rng.choice(len(X), max(1, round(self.row_share * len(X))), replace=False))
                settings = {
                    "max_depth": self.depth,
                    "eta": self.rate,
                    "colsample_bynode": self.column_share,
                    "subsample": 0.9 if len(rows) > 20 else 1.0,
                    "lambda": self.leaf_l2,
                    "base_score": 0.0,
                    "tree_method": "hist",
                    "nthread": self.threads,
                    "seed": int(rng.integers(2**31)),
                }
                data = xgboost.DMatrix(X[rows], scaled[rows, target], nthread=self.threads)
                written.append(bytes(xgboost.train(settings, data, self.rounds).save_raw("json")))
        self._take(written)

    def _take(self, written: list[bytes]) -> None:
        """Take boosters as XGBoost writes them."""
        self._written, self._trees = written, [Trees.of_json(data) for data in written]

    def _predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raw = np.stack([trees.predict(X) for trees in self._trees])
        raw = raw.reshape(self.targets_, self.members, len(X)).astype(np.float64)
        return raw.mean(axis=1).T * self.scale_ + self.mean_, raw.std(axis=1).T * self.scale_

    def _files(self) -> dict[str, bytes]:
        scaling = {"mean": self.mean_.tolist(), "scale": self.scale_.tolist()}
        boosters = {f"booster{i}.json": data for i, data in enumerate(self._written)}
        return {"scaling.json": json.dumps(scaling).encode(), **boosters}

    def _restore(self, files: dict[str, bytes]) -> None:
        scaling = json.loads(files["scaling.json"])
        self.mean_, self.scale_ = np.array(scaling["mean"]), np.array(scaling["scale"])
        if self.mean_.shape != (self.targets_,) or self.scale_.shape != (self.targets_,):
            raise ValueError(f"scaling.json is not of {self.targets_} targets")
        self._take([files[f"booster{i}.json"] for i in range(self.members * self.targets_)])
        for i, trees in enumerate(self._trees):
            if trees.columns != self.n_features_in_:
                raise ValueError(f"booster{i}.json has {trees.columns} columns, not {self.n_features_in_}")


Plugin = Xgb
