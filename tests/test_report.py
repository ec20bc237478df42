"""The report of a run: what it says, that it stands alone, and what it does with runs that are not whole."""

import json
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
from opened_page import Page
from run_folder import NASTY, make

from latent_nas import plugins, report
from latent_nas.records import Record
from latent_nas.report._drawing import draw
from latent_nas.report._html import tag
from latent_nas.report._price import price
from latent_nas.report.again import command
from latent_nas.report.latent import components
from latent_nas.runs.read import Run
from latent_nas.tasks.kinds.confusion import wilson


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run of real records, and its page."""
    folder = make(tmp_path_factory.mktemp("run") / "run", 24)
    return folder, report.write(folder).read_text(encoding="utf-8")


def test_every_section_has_something_to_show_of_a_finished_run(whole):
    page = Page(whole[1])
    foreign = {"anomalies", "scatter"}  # of other kinds of task
    assert len(set(plugins.names("report")) - foreign) == len(page.texts) - 1
    assert "absent" not in re.findall(r'<p class="(\w+)"', whole[1])
    assert {"summary", "network", "latent-space", "confusion", "firmware", "do-it-again"} <= set(page.texts)


def test_the_result_comes_first_and_how_it_was_found_last(whole):
    order = [name for name in Page(whole[1]).texts if name]
    wanted = [
        "summary",
        "objective-and-cost",
        "network",
        "firmware",
        "data",
        "trained-networks",
        "rounds",
        "do-it-again",
    ]
    assert [name for name in order if name in wanted] == wanted
    assert order[0] == "summary"


def told(run, **of_second):
    """A run whose final networks say all that a search of today keeps of them."""
    proof = {"refused": None, "emulated_flash_bytes": 51_200, "emulated_ram_bytes": 5120, "emulated_ms": [2.0, 3.0]}
    kept = {"measured_exported_interval": (0.951, 0.979), "samples": 500, "firmware": proof}
    first, second, *rest = (replace(n, **kept) for n in run.result.networks)
    ranks = (first, replace(second, **of_second), *rest)
    run.result = replace(run.result, networks=ranks, baseline={"text": "", "metrics": {"accuracy": 0.102}})
    return run


def test_all_final_networks_stand_in_a_table_with_interval_firmware_and_the_cheapest_that_is_as_good(whole):
    cheap = {"like_first": True, "flash_bytes": 1024, "latency_ms": 0.5}
    text = Page(report.html(told(Run.read(whole[0]), **cheap))).texts["summary"].replace("\u00a0", " ")
    assert text.count("95 %: 95.1 % to 97.9 %") == 4  # of every rank, and once in words
    assert text.count("firmware 50 KB") == text.count("emulated 2.50 ms ± 20 %") == 3
    assert "balanced accuracy 85.3 %; 10.2 % without a network" in text
    assert "Validation can't tell 2. from 1. (95 %); the cheapest within that error bar is 2." in text
    assert "2.cheapest like 1." in text
    dear = {"like_first": True, "flash_bytes": 32_000, "ram_bytes": {"sram": 16_000}, "ram_high_bytes": 16_000}
    text = Page(report.html(told(Run.read(whole[0]), **dear))).texts["summary"].replace("\u00a0", " ")
    assert "the cheapest within that error bar is 1." in text
    failed = Page(report.html(told(Run.read(whole[0]), seeds=0))).texts["summary"]
    assert "2.final training failed3." in failed


def emulated(place, ms, computed_ms, **of_first):
    """The summary of a run whose final networks' firmware took so long, which limits count."""
    run = told(Run.read(place))
    took = {"flash_bytes": 30_000, "ram_bytes": 5120, "latency_ms": ms}
    fits = max(ms, computed_ms) <= 5
    of_all = {"emulated_limited": took, "latency_ms": computed_ms, "latency_error_ms": 0.7, "fits": fits, **of_first}
    run.result = replace(run.result, networks=tuple(replace(n, **of_all) for n in run.result.networks))
    return Page(report.html(run)).texts["summary"].replace("\u00a0", " ")


def test_what_is_emulated_decides_the_sentence_on_limits_and_each_is_called_what_it_is(whole):
    text = emulated(whole[0], 5.47, 4.83)
    assert "Within:" not in text
    assert "Does not fit: 29.3 KB flash of 32 KB (92 %), 5 KB RAM of 16 KB (31 %), 5.47 ms time of 5 ms (109 %)" in text
    assert "with native, emulated. The emulated time, 5.47 ms, is above the limit of 5 ms" in text
    assert "above the limit of 5 ms; the computed one, 4.83 ms, is not." in text
    assert "The time may be off by 0.50 ms: counted instructions" in text
    assert "What limits most: time: 109 % of the limit is used" in text
    assert "109 % of 5 ms, emulated" in text  # the tile
    text = emulated(whole[0], 4.83, 5.47)
    assert "Does not fit: 29.3 KB" in text
    assert "The computed time, 5.47 ms, is above the limit of 5 ms; the emulated one, 4.83 ms, is not." in text
    text = emulated(whole[0], 5.47, 5.5)
    assert "The computed time, 5.50 ms, is above the limit of 5 ms; the emulated one, 5.47 ms, is as well." in text
    text = emulated(whole[0], 4.5, 4.83)
    assert "Within: 29.3 KB flash of 32 KB (92 %), 5 KB RAM of 16 KB (31 %), 4.50 ms time of 5 ms (90 %)" in text
    assert "is above the limit" not in text
    text = emulated(whole[0], 4.5, 4.83, emulated_limited={})  # limits that count the model alone
    assert "4.83 ms time of 5 ms (97 %) on stm32f405 with native, computed. The time may be off by 0.70 ms" in text


def test_a_firmware_that_was_refused_or_not_checked_does_not_fit_or_may_not(whole):
    refused = {"refused": "2 % of outputs differ from the integer reference"}
    text = emulated(whole[0], 4.5, 4.83, emulated_limited={}, fits=False, firmware=refused)
    assert "Within:" not in text
    assert "Its firmware was refused: 2 % of outputs differ from the integer reference." in text
    unchecked = {"refused": None, "unchecked": "no compiler"}
    text = emulated(whole[0], 4.5, 4.83, emulated_limited={}, fits=None, firmware=unchecked)
    assert "Whether that holds is not known, its firmware could not be checked: no compiler." in text


def test_one_seed_has_no_spread_and_a_warm_start_is_said(whole):
    run = told(Run.read(whole[0]))
    run.result = replace(run.result, networks=tuple(replace(n, seeds=1) for n in run.result.networks))
    run.config = {**run.config, "warm_start": ["shipped:mcu_cnn-digits", "mine.parquet"]}
    text = Page(report.html(run)).texts["summary"].replace("\u00a0", " ")
    assert "measured, test, one seed" in text
    assert "which began from shipped:mcu_cnn-digits and mine.parquet" in text
    found = text[text.index("Found:") : text.index("Within:")]
    assert "±" not in found
    assert "one seed)" in found


def test_one_training_says_how_far_its_samples_tell(tmp_path):
    run = Run.read(make(tmp_path / "run", 6, finished=False))
    run.records = [replace(record, samples=100) for record in run.records]
    text = Page(report.html(run)).texts["summary"].replace("\u00a0", " ")
    low, high = wilson(100 * run.best[0].measured_objective, 100)
    assert f"(95 %: {100 * low:.1f} % to {100 * high:.1f} %, 100 samples)" in text


def test_axes_of_accuracy_end_at_a_hundred_percent(tmp_path):
    run = Run.read(make(tmp_path / "run", 6))
    perfect = {"measured_int8": {"accuracy": 1.0}, "measured_float": {"accuracy": 1.0}}
    run.records = [replace(run.records[0], **perfect), *run.records[1:]]
    axes = [
        axis
        for _, figure in Page(report.html(run)).charts
        for name, axis in figure["layout"].items()
        if name in ("xaxis", "yaxis") and "accuracy" in axis["title"]["text"]
    ]
    assert len(axes) >= 8
    assert [axis["range"][1] for axis in axes if "range" in axis and axis["range"][1] > 100] == []
    assert sum(axis.get("range", [0, 0])[1] == 100 for axis in axes) >= 4


@pytest.mark.parametrize(
    ("task", "title"),
    [
        ("digits", "digits on stm32f405"),
        ("/home/me/photos of parts?input=48x48x1", "photos of parts on stm32f405"),
        ("/data/steps.csv", "steps on stm32f405"),
        ("char_lm:/data/mine.txt", "char_lm (mine) on stm32f405"),
        ("/me/own.py#Gears", "Gears on stm32f405"),
        ("Gears@0123abcd", "Gears on stm32f405"),
    ],
)
def test_the_title_is_the_tasks_own_name(whole, task, title):
    run = Run.read(whole[0])
    run.target = {**run.target, "task": task}
    assert re.search("<h1>(.*?)</h1>", report.html(run))[1] == title


def test_few_predictions_say_nothing_of_ranks(tmp_path):
    texts = [Page(report.html(Run.read(make(tmp_path / str(n), n)))).texts["rounds"] for n in (8, 24)]
    assert "4 predictions are too few to say whether the surrogates rank networks" in texts[0]
    assert "Over all 20 predictions" in texts[1]
    assert "so the surrogates rank networks." in texts[1]


def test_every_chart_has_points_titles_and_units_where_they_belong(whole):
    page = Page(whole[1])
    assert len(page.charts) >= 16
    for section, figure in page.charts:
        assert any(len([v for v in trace.get("y", trace.get("x")) if v is not None]) for trace in figure["data"]), (
            section
        )
        assert figure["layout"]["xaxis"]["title"]["text"]


def test_the_page_loads_nothing_and_names_no_other_place(whole):
    page = Page(whole[1])
    inside = ("#", "data:image/svg+xml;base64,")  # the picture of the samples is in the page itself
    assert all(link.startswith(inside) or not re.match(r"\w+:|/", link) for link in page.links)
    assert "default-src &#x27;none&#x27;" in whole[1]
    own = re.sub(r"<script>.*?</script>", "", whole[1], flags=re.DOTALL)  # plotly's own text names hosts
    assert not re.findall(r"https?://", own)


def test_the_summary_says_what_was_found_within_what_and_what_binds(whole):
    text = Page(whole[1]).texts["summary"].replace("\u00a0", " ")
    result = json.loads((whole[0] / "result.json").read_text())
    first = result["networks"][0]
    assert f"{100 * first['measured_int8']['accuracy']:.1f} %" in text
    assert "32 KB" in text
    assert "16 KB" in text
    assert "5 ms" in text
    binding = {"flash_bytes": "flash", "ram_bytes": "RAM", "latency_ms": "time"}[first["binding"]["limit"]]
    assert f"What limits most: {binding}" in text
    assert "What a point of accuracy costs" in text


def test_the_network_drawn_is_that_of_the_first_final_network_and_its_columns_add_up(whole):
    run = Run.read(whole[0])
    first = run.result.networks[0]
    assert run.costs.macs == first.macs == sum(layer.macs for layer in run.costs.layers)
    assert run.costs.flash_bytes == first.flash_bytes
    assert draw(run.graph, run.costs.layers).count('class="box"') == len(run.graph.nodes)


def test_arcs_of_a_branched_network_lie_side_by_side():
    from latent_nas.costs import costs
    from latent_nas.devices import open_device
    from latent_nas.graph.deploy import deploy
    from latent_nas.runtimes import open_runtime
    from latent_nas.zoo import open_network

    graph = deploy(open_network("mlperf_resnet8")).graph
    cost = costs(graph, open_device("stm32f746"), open_runtime("cmsis_nn"))
    drawing = draw(graph, cost.layers)
    skips = sum(node.id - i > 1 for node in graph.nodes for i in node.inputs)
    assert skips > 0
    assert drawing.count('class="skip"') == skips


def test_the_matrix_is_the_sum_of_the_seeds(whole):
    run = Run.read(whole[0])
    genes = run.result.networks[0].genes
    counts = np.sum([r.evidence["confusion"] for r in run.finals if r.genes == genes], axis=0)
    ((_, figure),) = [c for c in Page(whole[1]).charts if c[0] == "confusion"]
    assert figure["data"][0]["customdata"] == counts.tolist()


@pytest.mark.parametrize(
    ("section", "evidence", "words"),
    [
        ("confusion", {"confusion": [[3, 1], [0, 4]]}, "1 of 8 are wrong"),
        ("anomalies", {"scores": [[1.0, 0], [9.0, 1]]}, "The threshold 4, chosen"),
        ("scatter", {"scatter t": [[1.0, 1.5], [2.0, 2.0]]}, "off by 0.25 in the mean"),
    ],
)
def test_pictures_are_of_the_trainings_that_the_figures_are_of(whole, section, evidence, words):
    """A final training that had not learnt, and was done again with another seed, is in none of them."""
    run = Run.read(whole[0])
    first = run.result.networks[0]
    kept = replace(
        next(r for r in run.finals if r.genes == first.genes),
        seed=7,
        evidence=evidence,
        measured_beside={"threshold": 4.0, "detection_rate": 1.0, "false_alarm_rate": 0.0},
    )
    wrong = {
        "confusion": [[0, 4], [4, 0]],
        "scores": [[9.0, 0], [1.0, 1]],
        "scatter t": [[1.0, 9.0], [2.0, 9.0]],
    }
    given_up = replace(
        kept,
        seed=5,
        evidence={name: wrong[name] for name in evidence},
        measured_beside={"threshold": 99.0, "detection_rate": 0.0, "false_alarm_rate": 0.5},
    )
    run.finals = [given_up, kept]
    only = replace(first, measured_int8_by_seed={"7": {"accuracy": 1.0}}, exported_seed=7)
    run.result = replace(run.result, networks=(only,))
    assert words in str(plugins.load("report", section)().show(run))


def test_all_trainings_are_in_the_table(whole):
    rows = re.findall(r'<td class="genes">([\d ]+)</td>', whole[1])
    assert [tuple(map(int, row.split())) for row in rows] == [r.genes for r in Run.read(whole[0]).records]


def test_whatever_comes_from_files_is_escaped(tmp_path):
    folder = make(tmp_path / "run", 6, reason=NASTY, strategy=NASTY)
    text = report.write(folder).read_text(encoding="utf-8")
    Page(text)
    assert NASTY not in text
    assert "&lt;/script&gt;" in text


def test_an_element_escapes_children_and_attributes():
    assert tag("a", "<b>", tag("i", "&"), None, href='"x"') == '<a href="&quot;x&quot;">&lt;b&gt;<i>&amp;</i></a>'


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda f: (f / "result.json").unlink(), "Unfinished"),
        (lambda f: (f / "result.json").write_text("{"), "result.json is damaged"),
        (lambda f: (f / "config.json").write_text("no"), "config.json is damaged"),
        (lambda f: (f / "study.sqlite").unlink(), "study.sqlite is missing"),
        (lambda f: (f / "study.sqlite").write_bytes(b"x" * 5000), "not a whole study file"),
        (lambda f: (f / "latent.safetensors").write_bytes(b"x"), "latent.safetensors is damaged"),
        (lambda f: (f / "latent.safetensors").unlink(), "the run has no latent.safetensors"),
        (lambda f: (f / "networks" / "1" / "graph.json").write_text("[]"), "sha256 differs"),
        (lambda f: (f / "best_architecture.json").unlink(), "Found"),
    ],
)
def test_a_run_that_is_not_whole_is_shown_as_far_as_it_goes(tmp_path, harm, words):
    folder = make(tmp_path / "run", 6)
    harm(folder)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    text = report.write(folder, tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(text)
    assert words in " ".join(page.texts.values())
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_run_that_has_just_begun_and_one_whose_trainings_fail_are_shown(tmp_path):
    for n, reason in ((0, ""), (4, "diverged")):
        folder = make(tmp_path / str(n), n, finished=False, reason=reason, failing=True)
        page = Page(report.write(folder).read_text(encoding="utf-8"))
        assert "Unfinished" in page.texts[""]
        assert "no training has succeeded yet" in page.texts["summary"]
    assert "diverged" in page.texts["trained-networks"]


def test_a_prediction_that_is_no_accuracy_is_counted_and_left_out(tmp_path):
    run = Run.read(make(tmp_path / "run", 12))
    last = run.rounds[-1]
    absurd = replace(last.predictions[0], predicted_objective=-5e19)
    run.rounds[-1] = replace(last, predictions=(absurd, *last.predictions[1:]), optimism=-1e19)
    page = Page(report.html(run))
    assert "1 prediction is far outside" in page.texts["rounds"]
    drawn = [v for _, figure in page.charts for trace in figure["data"] for v in trace.get("y", ()) if v is not None]
    assert min(v for v in drawn if not isinstance(v, str)) > -1000


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a run folder"):
        report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_gives_the_configuration_back(whole):
    config = json.loads((whole[0] / "config.json").read_text())
    words = shlex.split(command(config))
    assert words[:2] == ["latent-nas", "search"]
    pairs = dict(zip(words[2::2], words[3::2], strict=True))
    assert pairs["--trainings"] == "24"
    assert pairs["--device"] == "stm32f405"


def point(accuracy, flash):
    """A record with one accuracy and one cost."""
    return Record(
        (flash,), "s", "t", 0, measured_int8={"accuracy": accuracy}, flash_bytes=flash, ram_bytes=1, latency_ms=1.0
    )


def test_the_price_of_a_point_is_that_of_the_front():
    points = [point(0.90 + 0.01 * k, 1024 * 2**k) for k in range(4)]  # a point per doubling
    text = price(points[::-1], "flash_bytes", 32 * 1024).replace("\u00a0", " ")
    assert "about 16 KB, within the limit" in text
    assert "with 4 KB flash instead of 8 KB" in text
    assert "more than the limit" in price(points[::-1], "flash_bytes", 9 * 1024)
    assert "too few" in price(points[-1:], "flash_bytes", 32 * 1024)
    nearly = [replace(points[0], measured_int8={"accuracy": 0.995})]
    assert "less than one is missing" in price(nearly, "flash_bytes", 9000)


def test_components_are_those_of_the_largest_variance():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 5)) * [9, 4, 0.1, 0.1, 0.1] + 7
    (mean, directions), (first, second) = components(rows)
    assert np.allclose(mean, rows.mean(axis=0))
    assert abs(directions[0, 0]) > 0.99
    assert abs(directions[1, 1]) > 0.99
    assert first > second > 0.1
    assert components(rows[:1])[1] == (0.0, 0.0)
