"""4-bit weights of a search's and a validation's final networks: decided on validation, priced as they are deployed."""

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from test_qat import GENES, QUICK, TASK

from latent_nas import Study, cli, modules
from latent_nas.costs import costs
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import record_of
from latent_nas.graph.bits import ends, with_weight_bits
from latent_nas.jobs.final import _ends
from latent_nas.jobs.make.dataset import with_costs
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.jobs.search.prepare import prepare
from latent_nas.jobs.search.resume import going_on
from latent_nas.jobs.validate import _chosen, validate
from latent_nas.limits import Limits
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.records import Record
from latent_nas.report.again import command
from latent_nas.runs.folder import RunFolder
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.tasks.digits import Digits
from latent_nas.training import aware, train
from latent_nas.training.quantise import QuantisedNetwork

FOUR = replace(MAIN_TARGET, weight_bits=4)
SETUP, EIGHT = open_target(FOUR), open_target(MAIN_TARGET)
GRAPH = EIGHT.space.graph(GENES)


def bits(graph):
    return [n.operator.bits for n in graph.nodes if isinstance(n.operator, (Conv2d, Dense))]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(Digits, "recipes", {**Digits.recipes, "full": replace(QUICK, epochs=2)})


def genes_file(folder):
    """The genes of one network and its target, as in best_architecture.json."""
    names = {name: getattr(MAIN_TARGET, name) for name in ("space", "task", "device", "runtime")}
    path = folder / "genes.json"
    path.write_text(json.dumps({**names, "genes": list(GENES)}))
    return path


class TestCosts:
    def test_they_are_of_the_narrow_network_and_records_and_limits_count_them(self):
        wanted = costs(with_weight_bits(GRAPH, 4), EIGHT.device, EIGHT.runtime)
        assert SETUP.costs(GENES) == wanted
        assert wanted.flash_bytes < EIGHT.costs(GENES).flash_bytes
        assert SETUP.built(GENES).graph == GRAPH  # what is trained
        genes = np.array([GENES])
        between = Limits(flash_bytes=(wanted.flash_bytes + EIGHT.costs(GENES).flash_bytes) // 2)
        assert SETUP.fits(genes, between).all()
        assert not EIGHT.fits(genes, between).any()

    def test_ends_of_8_bits_are_no_choice_beyond_the_limits(self):
        mixed = SETUP.costs_of(GRAPH, eight_bit_ends=True)
        assert mixed == costs(with_weight_bits(GRAPH, 4, ends(GRAPH)), EIGHT.device, EIGHT.runtime)
        assert _ends(SETUP, Limits(flash_bytes=mixed.flash_bytes), GENES) is None
        assert _ends(SETUP, Limits(flash_bytes=mixed.flash_bytes - 1), GENES) is False
        assert _ends(EIGHT, Limits(flash_bytes=1), GENES) is None


class TestTraining:
    def test_what_is_decided_is_followed_without_a_look_at_the_judging_part(self, monkeypatch):
        data = TASK.data()
        monkeypatch.setattr(aware, "NARROW_LOST", -1)  # ends would be tried, and the better one taken
        recipe = replace(QUICK, qat="auto", epochs=2)
        for whole in (True, False):
            made = train(
                GRAPH, TASK, recipe, 0, data.train, data.valid, 2, qat_epochs=1, weight_bits=4, eight_bit_ends=whole
            )
            assert made.eight_bit_ends is whole
            assert bits(made.network.graph) == ([8, 4, 4, 4, 8] if whole else [4] * 5)
            assert made.qat_epochs == 1
            other = train(
                GRAPH, TASK, recipe, 0, data.train, data.test, 2, qat_epochs=1, weight_bits=4, eight_bit_ends=whole
            )
            for one, same in zip(made.network.constants, other.network.constants, strict=True):
                assert all(np.array_equal(one[name], same[name]) for name in one)
        untuned = train(GRAPH, TASK, recipe, 0, data.train, data.valid, 2, qat_epochs=0, weight_bits=4)
        assert (untuned.qat_epochs, untuned.eight_bit_ends) == (0, False)

    def test_only_full_trainings_have_them_and_records_say_what_was_decided(self, quick, monkeypatch):
        target = replace(FOUR, qat="never", search_epochs=1)
        search = record_of(target, Job(GENES, 0))
        assert search.measured_eight_bits == {}
        assert search.measured_int8 == record_of(replace(target, weight_bits=8), Job(GENES, 0)).measured_int8
        assert search.flash_bytes == SETUP.costs(GENES).flash_bytes
        monkeypatch.setattr(aware, "NARROW_LOST", 2)
        plain = record_of(target, Job(GENES, 0, "full"))
        assert (plain.eight_bit_ends, plain.flash_bytes) == (False, search.flash_bytes)
        assert (
            plain.measured_eight_bits == record_of(replace(target, weight_bits=8), Job(GENES, 0, "full")).measured_int8
        )
        kept = record_of(target, Job(GENES, 0, "full", eight_bit_ends=True))
        assert kept.eight_bit_ends
        assert kept.flash_bytes == SETUP.costs_of(GRAPH, True).flash_bytes > plain.flash_bytes


class TestJobs:
    def test_a_validation_gives_such_networks_with_their_costs_and_bit_exact_firmware(self, quick, tmp_path):
        lines = []
        result = validate(
            genes_file(tmp_path), 1, 1, 1, 0, tmp_path / "run", lines.append, lambda *_: None, weight_bits=4
        )
        (final,) = result.networks
        kept = QuantisedNetwork.load(tmp_path / "run" / "networks" / "1")
        assert 4 in bits(kept.graph)
        wanted = costs(kept.graph, EIGHT.device, EIGHT.runtime)
        assert (final.flash_bytes, final.latency_ms) == (wanted.flash_bytes, wanted.latency_ms)
        assert modules.cost(tmp_path / "run")["flash_bytes"] == final.flash_bytes
        assert (final.weight_bits, final.eight_bit_ends) == (4, bits(kept.graph)[0] == 8)
        assert final.measured_valid_eight_bits
        assert any("4-bit weights in all layers" in line and "8 bits 0." in line for line in lines)
        if final.firmware is not None:  # compiler and emulator are installed
            assert final.firmware["emulated_bit_exact"]
            assert abs(final.firmware["emulated_flash_bytes"] / final.flash_bytes - 1) < 0.1

    def test_a_search_counts_them_in_its_limits_and_goes_on_with_them_alone(self, quick, tmp_path, capsys):
        run = tmp_path / "run"
        line = ["search", "--trainings", "2", "--batch", "2", "--child-epochs", "1", "--top", "1", "--final-seeds", "1"]
        line += ["--strategy", "random", "--workers", "1", "--recipe", "epochs=4"]
        line += ["--weight-bits", "4", "--out", str(run)]
        with pytest.raises(SystemExit, match=r"^[0-9]+$"):
            cli.main(line)
        out, said = capsys.readouterr()
        assert "4-bit weights" in out
        assert "limits and costs are of 4-bit weights" in said
        records = [r for r in RunFolder(run).store().records() if r.fidelity == "search"]
        assert records
        for record in records:
            assert record.flash_bytes == SETUP.costs(record.genes).flash_bytes
        best = json.loads((run / "best_architecture.json").read_text())
        assert any(entry["operator"].get("weight_bits") == 4 for entry in best["graph"])
        assert 4 in bits(QuantisedNetwork.load(run / "networks" / "1").graph)
        saved = json.loads((run / "config.json").read_text())
        assert "--weight-bits 4" in command(saved)
        assert "4-bit weights" in (run / "report.html").read_text()


class TestRefused:
    @pytest.mark.parametrize(
        ("target", "more", "told"),
        [
            (replace(FOUR, weight_bits=3), {}, "weights of 4 or 8 bits, got 3"),
            (replace(FOUR, runtime="cmsis_nn"), {}, "runtime 'cmsis_nn' has no kernels for 4-bit weights; native has"),
            (FOUR, {"measure": "analog"}, "leave --weight-bits out"),
            (FOUR, {"measure": "emulate"}, "whose weights have 8 bits; leave --weight-bits out"),
        ],
    )
    def test_before_anything_is_trained(self, target, more, told):
        with pytest.raises(ValueError, match=told):
            prepare(new_config(target, **more))

    def test_a_run_that_goes_on_keeps_its_own(self):
        config = new_config(FOUR)
        plain = json.loads(json.dumps(config.to_json()))
        assert SearchConfig.from_json(plain) == config
        assert "weight" not in command(new_config(MAIN_TARGET).to_json())
        with pytest.raises(ValueError, match="--weight-bits can't change in a run that goes on"):
            going_on(config, {"weight_bits": 8})
        assert Study(task="digits", weight_bits=4)._config(2).target.weight_bits == 4

    def test_a_validation_of_another_runtime(self, tmp_path):
        path = genes_file(tmp_path)
        path.write_text(path.read_text().replace('"native"', '"cmsis_nn"'))
        with pytest.raises(ValueError, match="native has"):
            validate(path, 1, 1, 1, 0, tmp_path / "run", print, print, weight_bits=4)
        assert not (tmp_path / "run").exists()

    def test_a_run_that_was_measured_by_emulation_has_such_finals_by_training(self, tmp_path):
        target = replace(MAIN_TARGET, runtime="native")
        config = new_config(target, measure="emulate", limits=Limits(flash_bytes=2**20))
        folder = RunFolder.create(tmp_path / "run", config.to_json())
        genes = tuple(map(int, open_target(target).space.sample(np.random.default_rng(0), 1)[0]))
        blank = Record(genes, target.space, target.task, 0, fidelity="search", measured_int8={"accuracy": 0.9})
        with closing(folder.store()) as store:
            store.add(with_costs(open_target(target), [blank])[0])
        assert _chosen(folder.path, 1, print)[3] == "emulate"
        target, _, chosen, kind, _ = _chosen(folder.path, 1, print, weight_bits=4)
        assert (target.weight_bits, len(chosen), kind) == (4, 1, "training")
