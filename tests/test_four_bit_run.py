"""A run with 4-bit final networks: its trainings measure 8 bits, its costs are of 4, and what shows both says so."""

import json
import shutil

import pytest
from run_folder import make

from latent_nas import artifacts
from latent_nas.costs import costs
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.graph.deploy import deploy
from latent_nas.jobs.networks import open_source
from latent_nas.runs.read import Run
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.training.quantise import KIND
from latent_nas.ui.network_page import graph_of, show

SETUP = open_target(MAIN_TARGET)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A finished run with 4-bit final networks."""
    return make(tmp_path_factory.mktemp("four") / "run", 8, weight_bits=4)


@pytest.fixture(params=["finished", "under way"])
def run(request, place, tmp_path):
    """The run, and as it was before its final networks."""
    if request.param == "finished":
        return Run.read(place)
    shutil.copytree(place, tmp_path / "run", ignore=shutil.ignore_patterns("result.json", "networks", "firmware"))
    return Run.read(tmp_path / "run")


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
