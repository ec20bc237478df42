"""A run with 4-bit final networks: its trainings measure 8 bits, its costs are of 4, and what shows both says so."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
from opened_page import Page
from run_folder import make

from latent_nas import artifacts, report
from latent_nas.costs import costs
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.runs import line_of
from latent_nas.jobs.summary import summary
from latent_nas.report.quantisation import Quantisation
from latent_nas.runs.read import Run
from latent_nas.runs.schema import read_architecture
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.training.quantise import KIND
from latent_nas.ui.network_page import graph_of, show

SETUP = open_target(MAIN_TARGET)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A finished run with 4-bit final networks."""
    return make(tmp_path_factory.mktemp("four") / "run", 8, weight_bits=4)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run with networks of 8 bits."""
    return make(tmp_path_factory.mktemp("eight") / "run", 8)


def under_way(place, folder):
    """The run as it was before its final networks."""
    shutil.copytree(place, folder / "run", ignore=shutil.ignore_patterns("result.json", "networks", "firmware"))
    return Run.read(folder / "run")


@pytest.fixture(params=["finished", "under way"])
def run(request, place, tmp_path):
    """The run, and as it was before its final networks."""
    return Run.read(place) if request.param == "finished" else under_way(place, tmp_path)


def rows(run, name):
    """The rows of a table of a run."""
    return list(csv.DictReader((run.path / name).read_text().splitlines()))


class TestFiles:
    @pytest.mark.parametrize("name", ["history.csv", "pareto.csv"])
    def test_rows_say_which_bits_were_measured_and_which_are_counted(self, place, whole, name):
        narrow = rows(Run.read(place), name)
        assert {(row["measured_weight_bits"], row["weight_bits"]) for row in narrow} == {("8", "4")}
        assert set(narrow[0]) - set(rows(Run.read(whole), name)[0]) == {"measured_weight_bits", "weight_bits"}

    def test_so_does_the_best_architecture_and_none_of_8_bits(self, place, whole):
        data, plain = (json.loads((run / "best_architecture.json").read_text()) for run in (place, whole))
        best = read_architecture(data, "best")
        assert (best.measured_weight_bits, best.weight_bits) == (8, 4)
        assert not {"measured_weight_bits", "weight_bits"} & set(plain)
        assert read_architecture(plain, "best").weight_bits == 8

    def test_full_trainings_measure_the_bits_that_are_deployed(self):
        target = replace(MAIN_TARGET, weight_bits=4)
        assert [target.measured_bits(fidelity) for fidelity in ("search", "short", "full")] == [8, 8, 4]

    def test_a_run_that_is_under_way_is_listed_with_what_was_measured(self, place, tmp_path):
        assert line_of(under_way(place, tmp_path)).measured_on == "valid, 8-bit weights"


class TestReport:
    def test_front_table_and_summary_say_it(self, run, whole):
        texts, plain = Page(report.html(run)).texts, Page(report.html(Run.read(whole))).texts
        for section in ("objective-and-cost", "trained-networks", "summary"):
            assert "Trainings of the search measure 8-bit weights; their costs" in texts[section]
            assert "8-bit weights" not in plain[section]

    def test_the_headline_names_the_bits(self, place, tmp_path):
        run = Run.read(place)
        first, *others = run.result.networks
        for whole, text in ((False, "4-bit weights"), (True, "4-bit weights but in the first and the last layer")):
            networks = (replace(first, eight_bit_ends=whole), *others)
            told = replace(run, result=replace(run.result, networks=networks))
            html = report.html(told)
            assert f'<div class="more">{text}</div>' in html
            assert f"<small>{text}</small>" in html
            assert f"a network of mcu_cnn of {text} with" in Page(html).texts["summary"]
            assert f" {text};" in summary(told.result, place)

    def test_int8_against_float_leaves_them_out(self, place, whole, tmp_path):
        run = Run.read(place)
        text = Page(report.html(run)).texts["int8-against-float"]
        assert f"over {len(run.records)} trainings" in text
        assert "Final networks have 4-bit weights and are left out." in text
        eight = Run.read(whole)
        assert f"over {len(eight.records) + len(eight.finals)} trainings" in str(Quantisation().show(eight))
        alone = replace(run, records=[])
        with pytest.raises(ValueError, match="its networks have 4-bit weights"):
            Quantisation().show(alone)


class TestNetworkPage:
    def test_every_network_is_drawn_and_priced_with_its_bits(self, run):
        assert run.weight_bits == 4
        for record in run.records:
            found = costs(graph_of(run, record), SETUP.device, SETUP.runtime)
            assert (found.flash_bytes, found.latency_ms) == (record.flash_bytes, record.latency_ms)
            assert found.flash_bytes != SETUP.costs(record.genes).flash_bytes

    def test_a_final_one_is_drawn_as_it_is_kept(self, place, tmp_path):
        shutil.copytree(place, tmp_path / "run")
        (genes, rank), *_ = Run.read(place).ranks.items()
        graph = open_space("mcu_cnn", (8, 8, 1), 10).graph(genes)
        kept = deploy(with_weight_bits(graph, 4, ends(graph))).graph
        files = {"graph.json": json.dumps(kept.to_json()).encode(), "integers.safetensors": artifacts.pack({})}
        artifacts.save(tmp_path / "run" / "networks" / str(rank), artifacts.Artifact(KIND, {}, files=files))
        run = Run.read(tmp_path / "run")
        (record,) = (r for r in run.records if r.genes == genes)
        assert graph_of(run, record) == kept
        assert open_source(tmp_path / "run", rank).deployed() == kept

    def test_ranks_are_those_of_the_folders_where_one_before_failed(self, place, tmp_path):
        shutil.copytree(place, tmp_path / "run")
        result = json.loads((place / "result.json").read_text())
        result["networks"][0]["seeds"] = 0
        result.pop("sha256_of_all_else")
        (tmp_path / "run" / "result.json").write_text(json.dumps(result))
        assert list(Run.read(tmp_path / "run").ranks.values()) == [2, 3]

    def test_it_says_which_bits_were_measured_and_which_are_counted(self, run):
        text = str(show("", run, "run", 1, ()))
        assert "<dd>8 bits measured, 4 bits in costs and drawing</dd>" in text
