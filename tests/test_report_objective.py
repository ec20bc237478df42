"""A report shows what a search maximised: by its name, in its unit, the way round that people know."""

import re
from dataclasses import replace

import pytest
from opened_page import Page
from run_folder import make

from latent_nas import report
from latent_nas.records import objective_of
from latent_nas.runs.read import Run
from latent_nas.runs.scale import Scale


def weighted(record):
    value = 0.5 * record.measured_int8["accuracy"] + 0.1
    return replace(record, measured_beside={"weighted": value}, objective="weighted")


def lost(record):
    """A record of a task of text: bits, of which less is better, beside an accuracy."""
    bits = 5 - 2 * record.measured_int8["accuracy"]
    metrics = {"bits_per_character": bits, "accuracy": record.measured_int8["accuracy"]}
    curve = tuple(-6 + v for v in record.curve)
    named = {"objective": "int8_bits_per_character", "higher_is_better": False}
    return replace(record, measured_int8=metrics, measured_float=metrics, curve=curve, **named)


def analog(record):
    """A record of analog memory: there is no int8 network."""
    metrics = {"analog_accuracy_1s": 0.99, "analog_accuracy_1d": record.measured_int8["accuracy"] - 0.01}
    return replace(record, measured_beside=metrics, measured_int8={}, objective="analog_accuracy_1d")


KINDS = {
    "weighted": (weighted, "weighted", "weighted", r"^0\.\d{4}$"),
    "lost": (lost, "metric", "int8 bits per character", r"^3\.\d{3}$"),
    "analog": (analog, "metric", "analog accuracy 1d (%)", r"^9\d\.\d %$"),
}


@pytest.fixture(scope="module", params=KINDS)
def shown(request, tmp_path_factory):
    """A run of another objective: its page, its axis title, what a number of it looks like."""
    judge, objective, title, number = KINDS[request.param]
    path = make(tmp_path_factory.mktemp("runs") / "run", 12, judge=judge, objective=objective)
    return Page(report.html(Run.read(path))), Run.read(path), title, number


def test_axes_and_columns_have_its_name_and_unit(shown):
    page, run, title, number = shown
    assert run.scale.title == title
    assert re.match(number, run.scale.number(run.best[0].measured_objective).replace("\u00a0", " "))
    titles = [axis.get("title", {}).get("text", "") for _, f in page.charts for axis in axes(f["layout"])]
    assert sum(t.startswith(title) for t in titles) >= 4
    assert f"measured {title}" in titles
    assert f"predicted {title}" in titles
    assert f"{title}, measured" in page.texts["trained-networks"]


def axes(layout):
    """All axes of a chart."""
    return [value for key, value in layout.items() if re.match(r"[xy]axis", key)]


def test_charts_show_its_numbers(shown):
    page, run, _, _ = shown
    progress = next(figure for section, figure in page.charts if section == "rounds")
    best, values = progress["data"][0]["y"], progress["data"][1]["y"]
    assert values == pytest.approx([run.scale.of_record(r) for r in run.records])
    assert best[-1] == pytest.approx(max(values) if run.scale.higher_is_better else min(values))


def test_the_summary_speaks_of_it(shown):
    page, run, title, _ = shown
    text = page.texts["summary"].replace("\u00a0", " ")
    wanted = title.removesuffix(" (%)")
    assert f"{wanted} on the test part" in text
    assert ("What a point" in text) is run.scale.share


def test_final_networks_are_shown_where_they_were_measured(shown):
    _, run, _, _ = shown
    assert len(run.networks) == 3
    found = run.scale.final(run.networks[0])
    assert found[0] == pytest.approx(run.scale.of_record(run.best[0]))


def test_what_is_optimised_is_read_from_the_records(shown):
    _, run, _, _ = shown
    plain = [replace(r, objective="int8_accuracy", higher_is_better=True) for r in run.records]
    assert objective_of(plain) == ("int8_accuracy", True)
    assert Scale.of(plain) == Scale()
    with pytest.raises(ValueError, match="several objectives: int8_accuracy, macs"):
        objective_of([plain[0], replace(plain[1], objective="macs")])
