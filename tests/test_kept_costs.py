"""What `cost` says of a network that was kept with other channels or bits than its genes give: its own figures."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_qat import GENES

from latent_nas import cli, modules, seeds
from latent_nas.api import tools
from latent_nas.costs import costs
from latent_nas.costs.front_end import front_end_cost
from latent_nas.devices import open_device
from latent_nas.firmware import Overflow
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.linker import arena_region
from latent_nas.front_end import FrontEnd
from latent_nas.graph import Builder
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.graph.channels import FIXED, groups, with_channels
from latent_nas.jobs import cost
from latent_nas.jobs.networks import open_source
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.preprocessing import SOUND, Preprocessing
from latent_nas.records import Record
from latent_nas.runs.folder import architecture
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.training.metadata import Metadata
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


class TestFrontEnd:
    """What runs before a kept network counts: a recording's bands can take more than the network."""

    EAR = FrontEnd.of(8000, 8000)

    def kept(self, folder):
        """Keep an untrained network behind the front end, as a training does, without its genes."""
        b = Builder(self.EAR.shape)
        b.add(Dense(2), b.add(GlobalPool(), b.add(Conv2d(4), 0)))
        shift, gain = (0.0,) * self.EAR.bins, (1.0,) * self.EAR.bins
        about = Metadata(preprocessing=Preprocessing(self.EAR.shape, SOUND, shift=shift, gain=gain, front_end=self.EAR))
        drawn(b.build(), 0, 4)[0].save(folder, {}, about.files())
        return folder

    def test_it_is_said_and_taken_off_the_limits(self, tmp_path, capsys):
        board = open_device("rp2040")
        wanted = front_end_cost(self.EAR, board)
        found = printed(capsys, self.kept(tmp_path / "net"), "--device", "rp2040", "--limit", "latency_ms=100")
        assert found["front_end"] == {**wanted.to_json(), "apart": False}
        left = {row["limit"]: row["at_most"] for row in found["limits"]}
        assert left["flash_bytes"] == board.flash_bytes - wanted.flash_bytes
        assert left["latency_ms"] == 100 - wanted.latency_ms
        assert modules.cost(tmp_path / "net", device="rp2040")["front_end"] == found["front_end"]
        assert tools.cost(str(tmp_path / "net"), ["rp2040"])[0]["front_end"] == found["front_end"]
        with pytest.raises(SystemExit, match="0"):
            cli.main(["cost", str(tmp_path / "net"), "--device", "rp2040,nrf5340"])
        assert f"rp2040, native: before the network runs its front end, {wanted.latency_ms:,.2f} ms" in (
            capsys.readouterr().out
        )

    def test_a_limit_that_it_takes_alone_is_refused_unless_it_is_apart(self, tmp_path, capsys):
        place = self.kept(tmp_path / "net")
        with pytest.raises(SystemExit, match="2"):
            cli.main(["cost", str(place), "--device", "rp2040", "--limit", "latency_ms=5"])
        assert "nothing is left of latency_ms <= 5" in capsys.readouterr().err
        found = printed(capsys, place, "--device", "rp2040", "--limit", "latency_ms=5", "--front-end-apart")
        assert {row["limit"]: row["at_most"] for row in found["limits"]}["latency_ms"] == 5
        assert found["front_end"]["apart"]

    def test_the_first_region_holds_its_buffers(self, tmp_path, capsys):
        text = 'core = "cortex-m33"\nclock_mhz = 64\nflash_kb = 256\nregions = [\n'
        text += '{ name = "a", kb = KB, address = 0x20000000 }, { name = "b", kb = 64, address = 0x20010000 }]\n'
        for kb, fits in ((2, False), (3, False), (8, True)):
            (tmp_path / "board.toml").write_text(text.replace("KB", str(kb)))
            found = printed(capsys, self.kept(tmp_path / f"net{kb}"), "--device", str(tmp_path / "board.toml"))
            assert found["fits"] == fits
            assert ("a, the first region, is" in cost.table(found)) != fits


def test_a_stack_that_its_region_does_not_hold_does_not_fit(tmp_path):
    text = 'core = "cortex-m33"\nclock_mhz = 64\nflash_kb = 256\nregions = [\n'
    text += '{ name = "a", kb = 1, address = 0x20000000 }, { name = "b", kb = 64, address = 0x20010000 }]\n'
    (tmp_path / "board.toml").write_text(text)
    board = open_device(str(tmp_path / "board.toml"))
    assert costs(GRAPH, board, EIGHT.runtime).region is None
    with pytest.raises(Overflow, match="the stack of 2048 B exceeds a, the first region of board, by 1024 B"):
        arena_region(board, 100, "1:conv2d")
