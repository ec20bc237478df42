"""What ships is of today's costs: the table, the cost surrogate and the agent's elites."""

import numpy as np
import pytest

from latent_nas import artifacts, seeds
from latent_nas.jobs.make import dataset
from latent_nas.jobs.make.artefacts import shipped_table
from latent_nas.jobs.models import cost_name, cost_surrogate, pretrained
from latent_nas.surrogates import design
from latent_nas.target import MAIN_TARGET, Setup

SETUP = Setup(MAIN_TARGET)


def test_the_table_has_the_costs_of_the_main_target():
    records = dataset.read(shipped_table(SETUP))[::40]
    assert {(r.device, r.runtime) for r in records} == {(MAIN_TARGET.device, MAIN_TARGET.runtime)}
    exact = SETUP.exact(np.array([r.genes for r in records]))
    assert [dataset.cost_row(r) for r in records] == [pytest.approx(tuple(row), rel=1e-6) for row in exact.tolist()]


def test_the_cost_surrogate_is_as_near_as_its_manifest_says():
    artifact = artifacts.load(pretrained(SETUP, ".") / cost_name(SETUP), "surrogate")
    genes = SETUP.space.sample(seeds.rng(5, "shipped"), 400)
    predicted = cost_surrogate(SETUP, 0, lambda _: None).predict(design(SETUP.space, genes))
    off = np.median(np.abs(np.expm1(predicted - np.log(SETUP.exact(genes)))), axis=0)
    stated = [artifact.quality[f"median_error_{name}"] for name in ("flash", "ram", "latency")]
    assert (off < 1.5 * np.array(stated) + 0.002).all(), (off, stated)
