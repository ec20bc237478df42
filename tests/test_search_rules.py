"""What a search promises beside its loop: limits found by descent, corrections, the order of the final networks."""

from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from latent_nas import seeds
from latent_nas.evaluators import Evaluator
from latent_nas.jobs import final
from latent_nas.jobs.reach import check_reachable
from latent_nas.jobs.search import run
from latent_nas.jobs.search.assemble import assemble
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.prepare import Prepared
from latent_nas.jobs.search.resume import check_judged
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs.folder import RunFolder
from latent_nas.store import Store
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.tasks.kinds.regress import Regression

SETUP = open_target(MAIN_TARGET)


def test_limits_that_no_sample_keeps_are_reached_by_descent():
    tight = Limits(latency_ms=0.1)
    samples = SETUP.space.sample(seeds.rng(0, "reach"), 256)
    assert not SETUP.fits(samples, tight).any()
    check_reachable(SETUP, tight)
    with pytest.raises(ValueError, match="flash_bytes <= 300"):
        check_reachable(SETUP, Limits(flash_bytes=300))


class Reversed(Evaluator):
    """Full trainings after which the worst of the search is the best on the validation part."""

    scores = (0.5, 0.7, 0.9)  # in full, of those that the search had at 0.9, 0.8, 0.7

    def __init__(self, genes):
        self.full = dict(zip(genes, self.scores, strict=True))

    def evaluate(self, jobs):
        for job in jobs:
            known = Record(job.genes, "mcu_cnn", "digits", job.seed, job.fidelity, job.part, epochs=3)
            value = 0.6 if job.part == "test" else self.full[job.genes]
            yield replace(known, measured_int8={"accuracy": value}, measured_float={"accuracy": value})


def test_final_networks_are_ordered_by_full_trainings_on_the_validation_part(tmp_path, monkeypatch):
    monkeypatch.setattr(final, "tools_missing", lambda setup: "not wanted here")
    genes = [tuple(row) for row in SETUP.space.sample(np.random.default_rng(0), 3).tolist()]
    search = [Record(g, "mcu_cnn", "digits", 0, measured_int8={"accuracy": 0.9 - i / 10}) for i, g in enumerate(genes)]
    lines, full = [], Reversed(genes)
    with closing(Store(tmp_path / "s.sqlite")) as store:
        networks = final.finalise(
            SETUP, Limits(), search, full, store, 0, 2, tmp_path / "networks", lines.append, lambda a, b: None
        )
    for score in ("0.5000", "0.7000", "0.9000"):  # before the trainings behind it, which take as long again
        assert sum(f"in full: int8 accuracy {score} on validation, epoch 3" in line for line in lines[:3]) == 1
    assert [network.genes for network in networks] == genes[::-1]
    assert [network.measured_valid_int8["accuracy"] for network in networks] == [0.9, 0.7, 0.5]
    assert [network.seeds for network in networks] == [2, 2, 2]


def test_what_devices_took_makes_limits_stricter_and_never_looser(tmp_path):
    """Emulated networks that took less than was computed let no network in that exceeds the computed limits."""
    genes = SETUP.space.sample(np.random.default_rng(1), 30)
    flash = np.sort(SETUP.exact(genes)[:, 0])
    limits = Limits(flash_bytes=int(flash[15]))
    config = SearchConfig(strategy="random", limits=limits)
    folder = RunFolder.create(tmp_path / "run", config.to_json())
    study = assemble(Prepared(config, SETUP, limits), folder, Reversed([()] * 3), print, lambda a, b: None)
    fits, computed = study.strategy.problem.fits, SETUP.fits(genes, limits)
    assert (fits(genes) == computed).all()
    one = Record((0,), "s", "t", 0, flash_bytes=100, ram_bytes=100, latency_ms=1.0, emulated_instructions=1)
    less, more = (
        replace(one, emulated_flash_bytes=took, emulated_ram_bytes=100, emulated_latency_ms=1.0) for took in (50, 200)
    )
    study.records = [less] * 20
    assert (fits(genes) == computed).all()
    study.records = [more] * 20
    assert fits(genes).sum() < computed.sum()
    study.store.close()


def test_a_run_whose_networks_another_metric_decided_does_not_go_on(tmp_path):
    """As one for two targets of unlike spreads: by the RMSE before, by R2 now; the first would rank below any other."""
    targets = np.array([[0, 0], [1, 1000]], np.float32)
    kind = Regression.of(targets, ("a", "b"))
    setup = SimpleNamespace(task=SimpleNamespace(kind=kind))
    folder = RunFolder.create(tmp_path / "run", SearchConfig(strategy="random").to_json())
    check_judged(folder, kind)
    known = Record((0,), "s", "t", 0, objective="int8_rmse", measured_int8={"rmse": 9.0, "mae": 5.0, "r2": 0.9})
    with closing(folder.store()) as store:
        store.add(known)
    before = (folder.path / "config.json").read_bytes()
    with pytest.raises(ValueError, match=r"were compared by RMSE, and are by R2 now; .* begin another run with --out"):
        run.search(Prepared(SearchConfig(strategy="reinforce"), setup, Limits()), folder, print, print)
    assert (folder.path / "config.json").read_bytes() == before
    check_judged(folder, Regression.of(targets / targets.max(axis=0), ("a", "b")))
