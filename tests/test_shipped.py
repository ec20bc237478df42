"""What ships is of today's costs: the table, the cost surrogate and the agent's elites."""

import numpy as np
import pytest

from latent_nas import artifacts, seeds
from latent_nas.jobs.make import dataset
from latent_nas.jobs.make.artefacts import shipped_table
from latent_nas.jobs.models import cost_name, cost_surrogate, pretrained
from latent_nas.records import SEARCH
from latent_nas.surrogates import design
from latent_nas.target import MAIN_TARGET, Setup
from latent_nas.tasks._changes import told

SETUP = Setup(MAIN_TARGET)


def test_the_table_has_the_costs_of_the_main_target():
    records = dataset.read(shipped_table(SETUP))[::40]
    assert {(r.device, r.runtime) for r in records} == {(MAIN_TARGET.device, MAIN_TARGET.runtime)}
    exact = SETUP.exact(np.array([r.genes for r in records]))
    assert [dataset.cost_row(r) for r in records] == [pytest.approx(tuple(row), rel=1e-6) for row in exact.tolist()]


def test_the_table_is_of_the_trainings_that_a_search_does_today():
    """Else a search that begins with it could not rank its own networks among them."""
    records = dataset.read(shipped_table(SETUP))
    assert {r.recipe for r in records} == {told(MAIN_TARGET.recipe(SETUP.task, SEARCH))}


def test_the_cost_surrogate_is_as_near_as_its_manifest_says():
    artifact = artifacts.load(pretrained(SETUP, ".") / cost_name(SETUP), "surrogate")
    genes = SETUP.space.sample(seeds.rng(5, "shipped"), 400)
    predicted = cost_surrogate(SETUP, 0, lambda _: None).predict(design(SETUP.space, genes))
    off = np.median(np.abs(np.expm1(predicted - np.log(SETUP.exact(genes)))), axis=0)
    stated = [artifact.quality[f"median_error_{name}"] for name in ("flash", "ram", "latency")]
    assert (off < 1.5 * np.array(stated) + 0.002).all(), (off, stated)
