"""A question to what ships waits for no library that it does not need, and gets the same answer without it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import xgboost
from sklearn.base import clone, is_regressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latent_nas import artifacts, shipped
from latent_nas.judge.accuracy import AccuracyModel
from latent_nas.surrogates._trees import Trees
from latent_nas.surrogates.gp import Gp, _distances, _matern
from latent_nas.surrogates.xgb import Xgb

UNNEEDED = {"torch", "sklearn", "pandas", "pyarrow", "xgboost", "networkx", "scipy.stats", "scipy.optimize", "optuna"}


def problem(n):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.integers(2, size=(n, 6)), rng.normal(size=(n, 4))], axis=1).astype(np.float32)
    return X, np.sin(2 * X[:, 6]) + X[:, 7] + 0.5 * X[:, 0] * X[:, 8]


def test_a_query_imports_little():
    command = [sys.executable, "-X", "importtime", "-m", "latent_nas", "query", "--top", "1", "--queries", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert len(json.loads(done.stdout)["candidates"]) == 1
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "numpy" in imported
    assert not UNNEEDED & imported


class TestTrees:
    @pytest.mark.parametrize("depth", [0, 1, 6])
    def test_they_say_what_xgboost_says(self, depth):
        X, y = problem(300)
        X[::7, 8] = np.nan
        settings = {"max_depth": depth, "base_score": 0.25, "nthread": 1, "tree_method": "hist"}
        booster = xgboost.train(settings, xgboost.DMatrix(X[:200], y[:200]), 0 if depth == 0 else 40)
        if depth == 0:  # no split is worth its price: trees of a leaf each
            booster = xgboost.train(settings | {"max_depth": 2, "gamma": 1e9}, xgboost.DMatrix(X, y), 3)
        trees = Trees.of_json(bytes(booster.save_raw("json")))
        np.testing.assert_array_equal(trees.predict(X), booster.inplace_predict(X))

    @pytest.mark.parametrize("data", [b"", b"{}", b'{"learner": 3}', b"\xff\xfe"])
    def test_what_is_no_model_is_said(self, data):
        with pytest.raises(ValueError, match="no whole XGBoost model"):
            Trees.of_json(data)

    def test_files_stay_those_of_xgboost(self):
        X, y = problem(60)
        model = Xgb(members=1, rounds=20).fit(X, y)
        booster = xgboost.Booster(model_file=bytearray(model.artifact().files["booster0.json"]))
        raw = booster.inplace_predict(X).astype(float)
        np.testing.assert_array_equal(model.predict(X), raw * model.scale_ + model.mean_)


def test_a_stored_process_is_solved_already():
    """What an artefact keeps is what the kernel's equations give of the inputs and their labels."""
    X, y = problem(80)
    gp = Gp().fit(X, y)
    arrays = artifacts.unpack(gp.artifact().files["gp.safetensors"])
    amplitude, slope, noise = np.exp(gp.theta[0, -3:])
    S = gp.inputs * np.exp(-gp.theta[0, :-3])[gp.of]
    K = amplitude * _matern(_distances(S, S)) + slope * S @ S.T + (noise + 1e-4) * np.eye(80)
    np.testing.assert_allclose(arrays["alpha0"], np.linalg.solve(K, gp.outputs[:, 0]), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(arrays["factor0"], np.linalg.cholesky(K)[np.tril_indices(80)], rtol=1e-4, atol=1e-6)


def test_the_shipped_process_is_solved_right():
    """The first rows of a Cholesky factor depend on nothing behind them, so a corner of it can be worked out anew."""
    (folder,) = shipped.folder("pretrained").glob("mcu_cnn-digits/accuracy")
    gp = AccuracyModel.of_files(artifacts.load(folder, "accuracy surrogates").files).full.parts["gp"]
    _, S, alpha, factor = gp._parts[0]
    amplitude, slope, noise = np.exp(gp.theta[0, -3:])
    corner = S[:300].astype(float)
    K = amplitude * _matern(_distances(corner, corner)) + slope * corner @ corner.T + (noise + 1e-4) * np.eye(300)
    np.testing.assert_allclose(factor[:300, :300], np.linalg.cholesky(K), rtol=1e-3, atol=1e-4)
    assert len(alpha) == len(factor) == len(S)


@pytest.mark.parametrize("make", [lambda: Xgb(members=2, rounds=30), Gp])
class TestScikitLearn:
    def test_it_is_a_regressor_by_its_methods(self, make):
        X, y = problem(90)
        assert is_regressor(make())
        assert cross_val_score(make(), X, y, cv=3).mean() > 0.3
        assert make_pipeline(StandardScaler(), make()).fit(X, y).score(X, y) > 0.8

    def test_parameters_are_set_by_name(self, make):
        assert clone(make()).set_params(seed=3).get_params()["seed"] == 3
        with pytest.raises(ValueError, match="no parameter 'speed'; there are: "):
            make().set_params(speed=1)
