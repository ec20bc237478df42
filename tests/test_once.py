"""What is exact and costs nothing is done once: a search is prepared once, a network built once."""

from collections import Counter

import pytest

from latent_nas import target as targets
from latent_nas.crews import Crew
from latent_nas.evaluators import Job, training
from latent_nas.evaluators.work import record_of
from latent_nas.jobs.search import prepare as preparing
from latent_nas.jobs.search import run
from latent_nas.jobs.search.begin import begin
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.limits import Limits
from latent_nas.spaces.mcu_cnn import Plugin as McuCnn
from latent_nas.store import Store
from latent_nas.target import MAIN_TARGET, Target, open_target

QUICK = Target("mcu_cnn", "digits", "stm32f405", "cmsis_nn", search_epochs=1)
TINY = Limits(flash_bytes=9 * 1024, ram_bytes=4096, latency_ms=0.6)  # its networks train in seconds


class Inline(Crew):
    """Does the work at once in this process, where it can be counted."""

    slots = 1

    def start(self, work, *arguments):
        self.results = [*getattr(self, "results", []), work(*arguments)]
        return len(self.results) - 1

    def finished(self, handles):
        return handles

    def result(self, handle):
        return self.results[handle]

    def close(self):
        """Nothing to give back."""


@pytest.fixture
def built(monkeypatch):
    """How often each network's graph was made, and how often any costs were worked out."""
    graphs, costs = Counter(), Counter()
    graph_of, costs_of = McuCnn.graph, targets.costs

    def graph(self, genes):
        graphs[tuple(map(int, genes))] += 1
        return graph_of(self, genes)

    def counted(*arguments):
        costs["all"] += 1
        return costs_of(*arguments)

    monkeypatch.setattr(McuCnn, "graph", graph)
    monkeypatch.setattr(targets, "costs", counted)
    targets._OPENED.clear()
    return graphs, costs


def test_a_search_is_prepared_once_and_builds_every_network_once(built, monkeypatch, tmp_path):
    graphs, costs = built
    prepared = Counter()

    def reachable(*arguments):
        prepared["all"] += 1

    monkeypatch.setattr(preparing, "check_reachable", reachable)
    monkeypatch.setattr(training, "open_crew", lambda *arguments: Inline())
    config = SearchConfig(QUICK, "random", trainings=4, batch=2, limits=TINY, top=1, final_seeds=1)
    run.search(*begin(config, tmp_path / "run"), lambda line: None, lambda what, finished, wanted: None)
    assert prepared["all"] == 1
    store = Store(tmp_path / "run" / "study.sqlite")
    trained = {record.genes for record in store.records()}
    store.close()
    assert len(trained) == 4
    assert {genes: graphs[genes] for genes in trained} == dict.fromkeys(trained, 1)
    assert costs["all"] == sum(graphs.values())


def test_a_worker_takes_the_graph_and_costs_that_came_with_the_job(built):
    graphs, costs = built
    genes = (0, 1, 0, 0, 0, 1, 1, 1, 0) + (0,) * 26
    known = open_target(QUICK).built(genes)
    targets._OPENED.clear()  # as in a process that was just begun
    before = graphs.total(), costs.total()
    record = record_of(QUICK, Job(genes, 0, built=known))
    assert (graphs.total(), costs.total()) == before
    assert (record.flash_bytes, record.macs) == (known.costs.flash_bytes, known.costs.macs)
    assert record_of(QUICK, Job(genes, 0)).flash_bytes == record.flash_bytes  # where none came along
    assert graphs.total() == before[0] + 1


def test_only_the_last_networks_are_kept_and_their_costs_stay_known(monkeypatch):
    monkeypatch.setattr(targets, "KEPT", 3)
    setup = open_target(MAIN_TARGET, anew=True)
    genes = setup.space.sample(targets.np.random.default_rng(0), 8)
    first = setup.exact(genes)
    assert len(setup._built) == 3
    assert (setup.exact(genes) == first).all()
    assert open_target(MAIN_TARGET) is setup
    assert open_target(MAIN_TARGET, anew=True) is not setup
