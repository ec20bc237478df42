"""What the weighted objective is, and a search of language models by the weighted one, whose history is written."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_nas import cli, seeds
from latent_nas.devices import open_device
from latent_nas.jobs.search.config import default_limits
from latent_nas.limits import Limits
from latent_nas.objectives import Judged, Objective, open_objective
from latent_nas.records import Record, ranked

LIMITS = open_device("stm32f405").limits
RECORD = Record(
    (0,), "s", "t", 0, measured_int8={"accuracy": 0.8}, flash_bytes=256 * 1024, ram_bytes=1000, latency_ms=20.0
)


class TestWeighted:
    def test_by_hand(self):
        value = open_objective("weighted", LIMITS).judge(RECORD).score
        assert value == pytest.approx(0.5 * 0.8 + 0.25 * (1 - 0.25) + 0.25 * (1 - 0.2))

    def test_milliseconds_are_milliseconds(self):
        """Milliseconds taken for seconds would be far beyond 100, and seconds for milliseconds almost free."""
        objective = open_objective("weighted", LIMITS)
        fast, slow = (objective.judge(replace(RECORD, latency_ms=ms)).score or 0 for ms in (1.0, 100.0))
        assert fast - slow == pytest.approx(0.25 * 0.99)

    @pytest.mark.parametrize(
        ("cost", "value"),
        [("flash_bytes", 1024 * 1024), ("ram_bytes", 128 * 1024), ("latency_ms", 100.0)],
    )
    def test_nothing_beyond_a_limit(self, cost: str, value: float):
        objective = open_objective("weighted", LIMITS)
        assert (objective.judge(replace(RECORD, **{cost: value})).score or 0) > 0
        assert objective.judge(replace(RECORD, **{cost: value * 1.001})).score == 0

    def test_what_it_can_not_judge(self):
        with pytest.raises(ValueError, match="limit of flash"):
            open_objective("weighted", Limits())
        with pytest.raises(ValueError, match="measures accuracy"):
            open_objective("weighted", LIMITS).judge(replace(RECORD, measured_int8={}))

    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ("--task", "diabetes", "objective 'weighted' wants a task that measures accuracy, not 'diabetes'"),
            (
                "--measure",
                "analog",
                "objective 'weighted' is of int8 networks, and 'analog' measures none;"
                " leave --objective or --measure out",
            ),
        ],
    )
    def test_what_it_can_not_judge_is_refused_before_anything_is_written(self, tmp_path, capsys, option, value, said):
        arguments = [option, value, "--objective", "weighted", "--strategy", "random", "--trainings", "1"]
        with pytest.raises(SystemExit) as end:
            cli.main(["search", *arguments, "--limit", "flash_kb=64", "--workers", "1", "--out", str(tmp_path / "run")])
        assert end.value.code == 2
        assert capsys.readouterr().err == f"error: {said}\n"
        assert not (tmp_path / "run").exists()

    def test_the_limits_of_a_search_that_is_told_none(self):
        assert default_limits("digits", "weighted") == Limits(latency_ms=100.0)
        assert default_limits("digits", "metric").flash_bytes == 32 * 1024
        assert default_limits("char_lm", "metric").flash_bytes == 1024 * 1024


def test_unknown_names_those_there_are():
    with pytest.raises(ValueError, match="no objective 'best'; there are: metric, weighted"):
        open_objective("best", LIMITS)


def test_an_evaluator_is_judged_and_closed():
    class Fixed:
        closed = False

        def evaluate(self, jobs):
            yield from (replace(RECORD, genes=job) for job in jobs)

        def close(self):
            self.closed = True

    inner = Fixed()
    judged = Judged(inner, open_objective("weighted", LIMITS))  # type: ignore[arg-type]
    assert [r.score for r in judged.evaluate([(1,), (2,)])] == [pytest.approx(0.7875)] * 2  # type: ignore[list-item]
    judged.close()
    assert inner.closed


class Odd(Objective):
    """Gives a value that the test wants."""

    name = "odd"

    def value(self, record):
        return self.wanted[record.genes]


def odd(**wanted):
    objective = Odd(LIMITS)
    objective.wanted = {(i,): value for i, value in enumerate(wanted.values())}
    return objective, [replace(RECORD, genes=genes) for genes in objective.wanted]


def test_one_that_is_no_finite_number_has_failed_and_leaves_the_order_alone():
    objective, records = odd(a=0.5, b=float("nan"), c=0.9, d=float("inf"), e=0.1)
    assert [r.genes for r in ranked([objective.judge(record) for record in records])] == [(2,), (0,), (4,)]

    class Fixed:
        def evaluate(self, jobs):
            yield from records

    judged = list(Judged(Fixed(), objective).evaluate([]))  # type: ignore[arg-type]
    assert [r.status for r in judged] == ["ok", "failed", "ok", "failed", "ok"]
    assert judged[1].reason == "odd is nan, not a finite number"


def test_numbers_of_numpy_are_kept_as_pythons_and_others_are_said():
    objective, records = odd(a=np.float32(0.5), b=np.int64(2), c=1)
    for record in records:
        judged = objective.judge(record)
        assert type(judged.measured_beside["odd"]) is float
        json.dumps(judged.to_json())
    objective, records = odd(a="0.5", b=np.array([0.5]))
    for record in records:
        with pytest.raises(ValueError, match=r"test_objectives.py:\d+: value\(\) gives .*; wanted a number, or None"):
            objective.judge(record)


def _search(*more: str) -> int:
    task = ["--task", "char_lm:t.txt", "--space", "tiny_transformer", "--runtime", "native"]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["search", *task, "--strategy", "random", "--workers", "1", "--out", "run", *more])
    return int(stopped.value.code or 0)


def test_a_search_of_language_models_writes_its_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    rng = seeds.rng(0, "words")
    letters = list("abcdefghijklmnop")
    words = ["".join(rng.choice(letters, int(rng.integers(2, 8)))) for _ in range(500)]
    Path("t.txt").write_text(" ".join(rng.choice(words, 6000)), encoding="utf-8")
    assert (
        _search("--trainings", "3", "--batch", "2", "--top", "1", "--final-seeds", "1", "--objective", "weighted") == 0
    )
    with open("run/history.csv", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    assert [row["training"] for row in history] == ["1", "2", "3"]
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    network = result["networks"][0]
    assert set(network["measured_int8"]) == {"bits_per_character", "accuracy"}
    assert set(network["measured_beside"]) == {"weighted"}
    assert network["firmware"]["emulated_bit_exact"]  # of a text without lines, its first character is the prompt
    assert network["fits"]
    best = 0.0
    for row in history:  # what was maximised is what was asked for
        flash, ms = int(row["flash_bytes"]) / LIMITS.flash_bytes, float(row["latency_ms"]) / 100  # type: ignore[operator]
        best = max(best, 0.5 * float(row["measured_int8_accuracy"]) + 0.25 * (1 - flash) + 0.25 * (1 - ms))
        assert float(row["best_weighted"]) == pytest.approx(best)
        assert int(row["ram_bytes"]) > 2 * 32 * 64


def test_a_text_that_supports_no_such_vocabulary_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text("to be or not to be. " * 400, encoding="utf-8")
    assert _search() == 2
    said = capsys.readouterr().err
    assert "supports a vocabulary of" in said
    assert said.count("\n") == 1
    assert not Path("run").exists()
