"""A question to what ships waits for no library that it does not need, and gets the same answer without it."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import xgboost
from scipy.stats import kendalltau
from sklearn.base import clone, is_regressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latent_nas import artifacts, shipped
from latent_nas.adam import Adam, one_cycle
from latent_nas.judge.accuracy import AccuracyModel
from latent_nas.rank_agreement import kendall
from latent_nas.surrogates import restore
from latent_nas.surrogates._kernel import JITTER, STRIP, distances, factor_of, matern
from latent_nas.surrogates._trees import Trees
from latent_nas.surrogates.gp import Gp
from latent_nas.surrogates.xgb import Xgb

UNNEEDED = {"torch", "sklearn", "pandas", "pyarrow", "xgboost", "networkx", "scipy.stats", "scipy.optimize", "optuna"}


def problem(n):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.integers(2, size=(n, 6)), rng.normal(size=(n, 4))], axis=1).astype(np.float32)
    return X, np.sin(2 * X[:, 6]) + X[:, 7] + 0.5 * X[:, 0] * X[:, 8]


def test_a_query_imports_little():
    command = [sys.executable, "-X", "importtime", "-m", "latent_nas", "query", "--top", "1", "--queries", "300"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    assert len(json.loads(done.stdout)["candidates"]) == 1
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "numpy" in imported
    assert not UNNEEDED & imported


def test_a_round_of_the_q_agent_imports_no_library_of_other_agents_no_statistics_and_no_compiler():
    """They take three seconds, where all rounds of a search of 24 trainings take three."""
    code = """if True:
        import sys, numpy, latent_nas.study, latent_nas.report.rounds
        from latent_nas.agent.q_learner import Replay, fresh, learn
        from latent_nas.surrogates.mlp import Mlp

        rows = numpy.random.default_rng(0).random((60, 4))
        Mlp(members=1, epochs=0, steps=20).fit(rows, rows)
        zeros = numpy.zeros((60, 3), int)
        learn(fresh(3, 4, rows, rows[0], 0), Replay(zeros, rows, zeros[:, 0], zeros[:, 0] + 1, rows), 2, 0)
        print(*sys.modules)
        """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "torch" in imported
    assert not {"stable_baselines3", "gymnasium", "scipy.stats", "torch._dynamo"} & imported


@pytest.mark.parametrize(("decay", "steps"), [(0.0, 12), (1e-2, 45)])
def test_adam_steps_as_torch_optim_does_to_the_last_bit(decay, steps):
    rng = torch.Generator().manual_seed(0)
    theirs = [torch.randn(shape, generator=rng).requires_grad_() for shape in ((37, 5), (9,))]
    ours = [p.detach().clone().requires_grad_() for p in theirs]
    optimiser = torch.optim.AdamW(theirs, lr=3e-3, weight_decay=decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps, pct_start=0.1)
    adam = Adam(ours, decay)
    for rate, beta in one_cycle(3e-3, steps, 0.1):
        assert (optimiser.param_groups[0]["lr"], optimiser.param_groups[0]["betas"][0]) == (rate, beta)
        for one, other in zip(theirs, ours, strict=True):
            one.grad = torch.randn(one.shape, generator=rng)
            other.grad = one.grad.clone()
        optimiser.step()
        schedule.step()
        adam.step(rate, beta)
    assert all(torch.equal(one, other) for one, other in zip(theirs, ours, strict=True))


@pytest.mark.parametrize("n", [0, 1, 2, 4, 30, 200_000])  # pairs of the last would take 300 GB
def test_agreement_is_that_of_scipy(n):
    rng = np.random.default_rng(n)
    tied = rng.integers(0, 4, n), rng.integers(0, 3, n)
    for one, other in ((rng.random(n), rng.random(n)), tied, (np.ones(n), rng.random(n))):
        wanted = kendalltau(one, other).statistic if n > 1 else np.nan
        np.testing.assert_equal(kendall(one, other), wanted)


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


def equations(gp, S):
    """The kernel matrix of inputs S on their length scales, as the head of surrogates/gp.py writes it."""
    amplitude, slope, noise = np.exp(gp.theta[0, -3:])
    return amplitude * matern(distances(S, S)) + slope * S @ S.T + (noise + JITTER) * np.eye(len(S))


def of_version_0_1(gp):
    """The artefact of a fitted process of one target as version 0.1 wrote it."""
    new = gp.artifact()
    arrays = artifacts.unpack(new.files["gp.safetensors"])
    arrays = {name: arrays[name] for name in ("shift", "mean", "scale", "theta")}
    for target, (scale, S, _) in enumerate(gp._parts):
        arrays |= {f"scales{target}": scale, f"inputs{target}": S, f"alpha{target}": gp.alpha[target]}
        arrays[f"factor{target}"] = gp._factors[target][np.tril_indices(len(S))]
    return replace(new, files={"gp.safetensors": artifacts.pack(arrays)})


@pytest.mark.parametrize("rows", [80, STRIP, STRIP + 88])
class TestStoredProcess:
    def test_it_is_the_same_as_the_fitted_one(self, rows):
        X, y = problem(rows + 50)
        gp = Gp(fitted_rows=60).fit(X[:rows], np.stack([y, -3 * y], axis=1)[:rows])
        again = restore(gp.artifact())
        np.testing.assert_array_equal(again.predict(X, return_std=True), gp.predict(X, return_std=True))
        for target in range(2):
            np.testing.assert_array_equal(again.covariance(X, target)[0], gp.covariance(X, target)[0])
        assert again.artifact() == gp.artifact()

    def test_it_keeps_the_weights_and_no_matrix_of_rows_by_rows(self, rows):
        X, y = problem(rows)
        gp = Gp(fitted_rows=60).fit(X, y)
        arrays = artifacts.unpack(gp.artifact().files["gp.safetensors"])
        assert sum(array.size for array in arrays.values()) < 1.1 * rows * (X.shape[1] + 1) + 100
        K = equations(gp, gp._scaled(0))
        np.testing.assert_allclose(arrays["alpha"][0], np.linalg.solve(K, gp.outputs[:, 0]), rtol=1e-3, atol=1e-5)

    def test_the_factor_is_that_of_the_kernel(self, rows):
        X, y = problem(rows)
        gp = Gp(fitted_rows=60).fit(X, y)
        S = gp._scaled(0)
        wanted = np.linalg.cholesky(equations(gp, S))
        np.testing.assert_allclose(
            np.tril(factor_of(S, gp.theta[0], np.zeros((len(S), 0)))), wanted, rtol=1e-7, atol=1e-9
        )

    def test_one_of_version_0_1_is_read(self, rows):
        X, y = problem(rows + 50)
        X[:, 4] = 1  # a choice that nobody has made otherwise
        y += np.random.default_rng(1).normal(0, 0.3, len(y))  # without noise the weights are large and roundings too
        gp = Gp(fitted_rows=60).fit(X[:rows], y[:rows])
        old = restore(of_version_0_1(gp))
        for found, wanted in zip(old.predict(X, return_std=True), gp.predict(X, return_std=True), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=5e-5)
        again = restore(old.artifact())
        np.testing.assert_array_equal(again.predict(X, return_std=True), old.predict(X, return_std=True))


def test_one_of_version_0_1_of_several_targets_is_refused_in_a_line():
    X, y = problem(40)
    gp = Gp(fitted_rows=30).fit(X, np.stack([y, -y], axis=1))
    with pytest.raises(ValueError, match=r"version 0\.1 wrote it, for 2 targets.*; fit it again"):
        restore(of_version_0_1(gp))


def test_the_shipped_process_is_solved_right():
    """K times K^-1 y gives the labels back, which were standardised."""
    (folder,) = shipped.folder("pretrained").glob("mcu_cnn-digits/accuracy")
    gp = AccuracyModel.of_files(artifacts.load(folder, "accuracy surrogates").files).full.parts["gp"]
    labels = equations(gp, gp._scaled(0)) @ gp.alpha[0].astype(float)
    assert len(labels) == 3000
    assert abs(labels.mean()) < 0.02
    assert labels.std() == pytest.approx(1, abs=0.02)


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
