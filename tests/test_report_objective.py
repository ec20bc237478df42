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
    return replace(record, measured_objective=0.5 * record.measured_int8_accuracy + 0.1)


def lost(record):
    """A record of a task of text: bits, of which less is better, beside an accuracy."""
    bits = 5 - 2 * record.measured_int8_accuracy
    metrics = {"bits_per_character": bits, "accuracy": record.measured_int8_accuracy}
    curve = tuple(-6 + v for v in record.curve)
    return replace(record, measured_objective=-bits, measured_metrics=metrics, curve=curve)


def analog(record):
    """A record of analog memory: there is no int8 network."""
    metrics = {"analog_accuracy_1s": 0.99, "analog_accuracy_1d": record.measured_int8_accuracy - 0.01}
    told = metrics["analog_accuracy_1d"]
    return replace(record, measured_objective=told, measured_metrics=metrics, measured_int8_accuracy=None)


KINDS = {
    "weighted": (weighted, "weighted", "objective 'weighted'", r"^0\.\d{3}$"),
    "lost": (lost, "metric", "bits per character", r"^3\.\d{3}$"),
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
    assert re.match(number, run.scale.number(run.best[0].objective).replace("\u00a0", " "))
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
    assert values == pytest.approx([run.scale.of_value(r.objective) for r in run.records])
    assert best[-1] == pytest.approx(min(values) if run.scale.factor < 0 else max(values))


def test_the_summary_speaks_of_it(shown):
    page, run, title, _ = shown
    text = page.texts["summary"].replace("\u00a0", " ")
    wanted = "int8 accuracy" if title == "objective 'weighted'" else title.removesuffix(" (%)")
    assert f"{wanted} on the test part" in text
    assert ("What a point" in text) is run.scale.share


def test_final_networks_are_shown_where_they_were_measured(shown):
    _, run, title, _ = shown
    assert len(run.networks) == 3
    found = run.scale.final(run.networks[0])
    assert (found is None) is (title == "objective 'weighted'")
    if found:
        assert found[0] == pytest.approx(run.scale.of_value(run.best[0].objective))


def test_what_is_maximised_is_read_from_the_records(shown):
    _, run, _, _ = shown
    plain = [replace(r, measured_objective=None, measured_int8_accuracy=0.9) for r in run.records]
    assert objective_of(plain) == ("int8_accuracy", 1.0)
    assert Scale.of(plain) == Scale()
    assert objective_of([replace(r, measured_metrics={"macs": 3.0}, measured_objective=0.5) for r in plain])[0] == (
        "objective"
    )
