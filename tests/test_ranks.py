"""Final networks by size: which a search trains in full, --rank small and so on, what validation can't tell apart."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from latent_nas import cli
from latent_nas.evaluators import Evaluator
from latent_nas.jobs import final, ranks
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.resume import going_on
from latent_nas.jobs.summary import summary
from latent_nas.limits import Limits
from latent_nas.records import Record
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.schema import Result
from latent_nas.store import Store
from latent_nas.target import MAIN_TARGET, Target, open_target
from latent_nas.tasks import open_task

DIGITS = open_task("digits").kind
SETUP = open_target(Target("mcu_cnn", "digits", MAIN_TARGET.device, "cmsis_nn"))


def record(number, accuracy, kb):
    value = {"accuracy": accuracy}
    costs = {"flash_bytes": int(1024 * kb), "ram_bytes": int(512 * kb), "latency_ms": kb / 10}
    return Record((number,), "mcu_cnn", "digits", 0, measured_int8=value, measured_float=value, **costs)


class Full(Evaluator):
    """Full trainings of given accuracy on the validation part, with its interval, and one on the test part."""

    def __init__(self, accuracies, tested):
        self.accuracies, self.tested = accuracies, tested

    def evaluate(self, jobs):
        for job in jobs:
            value = self.tested[job.genes] if job.part == "test" else self.accuracies[job.genes]
            known = Record(job.genes, "mcu_cnn", "digits", job.seed, job.fidelity, job.part, epochs=3, samples=300)
            yield replace(
                known,
                measured_int8={"accuracy": value},
                measured_float={"accuracy": value},
                interval=(value - 0.02, value + 0.02),
            )


@pytest.fixture(scope="module")
def made():
    """Four networks of the space: the largest first."""
    genes = SETUP.space.sample(np.random.default_rng(0), 400)
    costs = SETUP.exact(genes)
    order = np.argsort(-np.log(costs).sum(axis=1))[[0, 100, 200, 399]]
    return [tuple(genes[i].tolist()) for i in order]


def finals(made, tmp_path, monkeypatch, valid, tested=(0.5, 0.6, 0.7, 0.9)):
    """Return the final networks of four with given accuracies on the validation part."""
    monkeypatch.setattr(final, "tools_missing", lambda setup: "not wanted here")
    evaluator = Full(dict(zip(made, valid, strict=True)), dict(zip(made, tested, strict=True)))
    search = [Record(g, "mcu_cnn", "digits", 0, measured_int8={"accuracy": 0.9}, samples=1) for g in made]
    with closing(Store(tmp_path / "s.sqlite")) as store:
        return final.finalise(
            SETUP, Limits(), search, evaluator, store, 0, 1, tmp_path / "n", lambda line: None, lambda a, b: None
        )


def test_networks_that_validation_cant_tell_from_the_first_are_said_with_the_one_that_takes_least(
    made, tmp_path, monkeypatch
):
    networks = finals(made, tmp_path, monkeypatch, (0.95, 0.94, 0.935, 0.92))
    assert [network.genes for network in networks] == made
    assert [network.like_first for network in networks] == [None, True, True, False]
    text = summary(Result(tuple(networks), objective="int8_accuracy", higher_is_better=True), tmp_path)
    assert "Within the error bar of validation (95 %) of 1.: 2., 3.; the one that takes least is 3." in text
    assert "By size: small 4., medium 2., large 1." in text


def test_a_smaller_network_that_is_better_leaves_no_larger_one_on_the_front(made, tmp_path, monkeypatch):
    networks = finals(made, tmp_path, monkeypatch, (0.80, 0.94, 0.60, 0.95))
    assert [network.genes for network in networks] == [made[3], made[1], made[0], made[2]]
    assert ranks.on_front(networks) == [1]
    assert {ranks.by_name(name, networks) for name in ranks.SIZES} == {1}
    text = summary(Result(tuple(networks), objective="int8_accuracy", higher_is_better=True), tmp_path)
    assert "By size" not in text
    assert "of 1.: 2.; the one that takes least is 1." in text
    assert ranks.on_front([replace(networks[0], fits=False), *networks[1:]]) == [4, 2]
    with pytest.raises(ValueError, match="no final network that fits"):
        ranks.by_name("small", [replace(network, fits=False) for network in networks])


def test_the_test_part_moves_nothing(made, tmp_path, monkeypatch):
    found = []
    for name, tested in (("up", (0.5, 0.6, 0.7, 0.9)), ("down", (0.9, 0.7, 0.6, 0.5))):
        (tmp_path / name).mkdir()
        found.append(finals(made, tmp_path / name, monkeypatch, (0.95, 0.94, 0.935, 0.92), tested))
    assert ranks.lines(found[0]) == ranks.lines(found[1])
    assert ranks.on_front(found[0]) == ranks.on_front(found[1])


def test_a_search_trains_networks_along_the_front():
    near_twins = [record(i, 0.95 - i / 1000, 60 + i) for i in range(6)]
    smaller = [record(10, 0.93, 30), record(11, 0.90, 15), record(12, 0.85, 8), record(13, 0.05, 1)]
    beaten = [record(20, 0.80, 31), record(21, 0.89, 15.5)]
    order = [*near_twins, *smaller, *beaten]

    def chosen(count, records=order):
        return [r.genes[0] for r in ranks.along_front(records, count, DIGITS, 0.1)]

    assert chosen(1) == [0]
    assert chosen(2) == [0, 12]
    assert chosen(3) == [0, 10, 12]
    assert chosen(4) == [0, 10, 11, 12]
    assert chosen(6) == [0, 10, 11, 12, 1, 2]
    assert chosen(3, near_twins) == [0, 1, 2]
    assert chosen(3, []) == []
    assert chosen(3, smaller[-1:]) == [13]


def test_what_a_search_may_ask_for():
    with pytest.raises(ValueError, match="finals 'frnt'; there are: best, front; did you mean 'front'"):
        SearchConfig(finals="frnt").check()
    assert going_on(SearchConfig(), {"finals": "front"})[0].finals == "front"


def test_a_rank_is_a_number_or_a_size_of_a_finished_run(made, tmp_path, monkeypatch):
    networks = finals(made, tmp_path, monkeypatch, (0.95, 0.94, 0.935, 0.92))
    RunFolder.create(tmp_path / "run", {"strategy": "random"}).write_result(Result(tuple(networks)))
    assert ranks.rank_of(tmp_path / "run", "2") == (2, "")
    found = {name: ranks.rank_of(tmp_path / "run", name) for name in ranks.SIZES}
    assert {name: rank for name, (rank, _) in found.items()} == {"small": 4, "medium": 2, "large": 1}
    assert found["small"][1] == "--rank small: network 4 of 4, of 4 along the front of size"
    for asked, said in (("0", "wanted a number from 1"), ("huge", "small, medium, large"), ("-1", "from 1")):
        with pytest.raises(ValueError, match=said):
            ranks.rank_of(tmp_path / "run", asked)
    with pytest.raises(ValueError, match="is for a finished run"):
        ranks.rank_of(tmp_path, "small")
    (tmp_path / "run" / "result.json").write_text("{")
    with pytest.raises(ValueError, match=r"result\.json"):
        ranks.rank_of(tmp_path / "run", "small")


def test_deploy_takes_a_network_by_its_size(made, tmp_path, monkeypatch, capsys):
    networks = finals(made, tmp_path, monkeypatch, (0.95, 0.94, 0.935, 0.92))
    RunFolder.create(tmp_path / "run", {"strategy": "random"}).write_result(Result(tuple(networks)))
    asked = []
    monkeypatch.setattr("latent_nas.jobs.deploy.deploy", lambda *given: asked.append(given[5]) or {"rank": given[5]})
    monkeypatch.setattr("latent_nas.jobs.deployed.same", lambda report: True)
    monkeypatch.setattr("latent_nas.jobs.deployed.keeps_limits", lambda report: True)
    monkeypatch.setattr("latent_nas.jobs.deployed.summary", lambda report, out: str(report))
    with pytest.raises(SystemExit):
        cli.main(["deploy", str(tmp_path / "run"), "--out", str(tmp_path / "fw"), "--rank", "small"])
    said = capsys.readouterr()
    assert asked == [4]
    assert said.out == "{'rank': 4}\n"
    assert "--rank small: network 4 of 4" in said.err


def test_a_search_says_what_it_spent_and_a_validation_nothing_of_the_kind(tmp_path):
    spent = {"trainings": 24, "search_s": 20.0, "wall_s": 33.0}
    told = summary(Result((), config={"strategy": "random"}, **spent), tmp_path)
    assert told.startswith("24 true trainings in 20 s; all took 33 s.\n")
    told = summary(Result((), config={"strategy": "random"}, short_trainings=5, **spent), tmp_path)
    assert told.startswith("24 full trainings and 5 short ones in 20 s; all took 33 s.\n")
    assert summary(Result((), **spent), tmp_path).startswith("Fully trained on train + validation data")
