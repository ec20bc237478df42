"""What `cost` says of a network that was kept with other channels or bits than its genes give: its own figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_qat import GENES

from latent_nas import cli, modules, seeds
from latent_nas.api import tools
from latent_nas.costs import costs
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.graph.channels import FIXED, groups, with_channels
from latent_nas.jobs.networks import open_source
from latent_nas.records import Record
from latent_nas.runs.folder import architecture
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.training.network import Network
from latent_nas.training.quantise import quantise

EIGHT = open_target(MAIN_TARGET)
GRAPH = EIGHT.space.graph(GENES)
WIDTHS = {of: n.shape[-1] for n in GRAPH.nodes if (of := groups(GRAPH)[n.id]) != FIXED}
PRUNED = with_channels(GRAPH, {group: max(width - 4, 4) for group, width in WIDTHS.items()})
KEPT = {
    "8 bits": GRAPH,
    "4 bits": with_weight_bits(GRAPH, 4),
    "8-bit ends": with_weight_bits(GRAPH, 4, ends(GRAPH)),
    "pruned": PRUNED,
    "pruned, 4 bits": with_weight_bits(PRUNED, 4),
}
NAMES = {name: getattr(MAIN_TARGET, name) for name in ("space", "task", "device", "runtime")}


def save(graph, folder, **made):
    """Keep an untrained network of a graph as a search and a training do."""
    inputs = np.random.default_rng(0).random((8, *graph.input_shape), np.float32)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with seeds.isolated(0):
        quantise(graph, Network(graph), inputs).save(folder, {**NAMES, **made})
    return folder


def printed(capsys, place, *more):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["cost", str(place), "--json", *more])
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", KEPT)
def test_costs_of_what_was_kept_are_its_own(name, tmp_path, capsys):
    graph, training = KEPT[name], tmp_path / "training"
    final = save(graph, tmp_path / "run" / "networks" / "1", genes=list(GENES))
    save(graph, training / "int8")
    (training / "graph.json").write_text(json.dumps(GRAPH.to_json()))  # what was trained, as `train` keeps it
    wanted = costs(graph, EIGHT.device, EIGHT.runtime)
    assert (name == "8 bits") == (wanted.flash_bytes == EIGHT.costs(GENES).flash_bytes)
    for place in (tmp_path / "run", final, training):
        (listed,) = tools.cost(str(place), ["stm32f405"])
        for found in (printed(capsys, place), modules.cost(place), listed):
            assert (found["flash_bytes"], found["ram_bytes"]) == (wanted.flash_bytes, wanted.ram_bytes), place
            assert found["latency_ms"] == pytest.approx(wanted.latency_ms)
        assert open_source(place).graph() == GRAPH  # what `train` begins with


def test_the_best_of_a_search_costs_what_its_file_says(tmp_path, capsys):
    record = Record(genes=GENES, seed=0, fidelity="search", **NAMES, flash_bytes=0, ram_bytes=0, latency_ms=0.0)
    for bits in (8, 4):
        best = architecture(open_target(replace(MAIN_TARGET, weight_bits=bits)), record)
        (tmp_path / "best_architecture.json").write_text(json.dumps(best.to_json()))
        for place in (tmp_path, tmp_path / "best_architecture.json"):
            found = printed(capsys, place)
            assert (found["flash_bytes"], found["macs"]) == (best.flash_bytes, best.macs)


def test_for_another_task_they_are_of_the_genes(tmp_path, capsys):
    save(KEPT["4 bits"], tmp_path / "networks" / "1", genes=list(GENES))
    other = open_target(replace(MAIN_TARGET, task="cifar10"))
    assert printed(capsys, tmp_path, "--task", "cifar10")["macs"] == other.costs(GENES).macs
