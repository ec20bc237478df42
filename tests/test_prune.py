"""Structured pruning: which channels go together, what each matters, and networks that fit, deployed as others."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from killed import gone_on
from test_qat import GENES, SPACE, TASK

from latent_nas import seeds
from latent_nas.cli import main
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.evaluators.analog import Analog
from latent_nas.graph import Builder
from latent_nas.graph.channels import FIXED, groups, with_channels
from latent_nas.jobs.able import able
from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy
from latent_nas.jobs.fitting import excess
from latent_nas.jobs.summary import summary
from latent_nas.jobs.train_config import TrainConfig
from latent_nas.jobs.validate import validate
from latent_nas.modules import cost
from latent_nas.operators.add import Add
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.relu import Relu
from latent_nas.records import Record
from latent_nas.report.again import command
from latent_nas.runs.folder import RunFolder
from latent_nas.runs.trained import read_training
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.target import MAIN_TARGET, open_target
from latent_nas.tasks import Part, Recipe
from latent_nas.tasks.digits import Digits
from latent_nas.training import CanNotFit, train
from latent_nas.training.importance import importances
from latent_nas.training.network import Network, to_tensor
from latent_nas.training.prune import chosen, recipe_of, said, sliced
from latent_nas.training.quantise import QuantisedNetwork

GRAPH = SPACE.graph(GENES)
QUICK = Recipe(epochs=2, learning_rate=6e-3, average=0.9)
DEVICE, NATIVE = open_device("stm32f405"), open_runtime("native")
FLASH = costs(GRAPH, DEVICE, NATIVE).flash_bytes
TO = f"flash_bytes={FLASH - 1500}"


def residual():
    """A network whose sum ties two convolutions and a depthwise one between them."""
    b = Builder((6, 6, 3))
    first = b.add(Relu(), b.add(BatchNorm(), b.add(Conv2d(12, bias=False), 0)))  # 1, 2, 3
    deep = b.add(BatchNorm(), b.add(Conv2d(12, groups=12, bias=False), first))  # 4, 5
    wide = b.add(Relu(), b.add(Conv2d(20, (1, 1)), deep))  # 6, 7
    total = b.add(Add(), first, b.add(Conv2d(12, (1, 1)), wide))  # 8, 9
    b.add(Dense(5), b.add(GlobalPool(), total))  # 10, 11
    return b.build()


def learnt(graph, seed=0):
    """A network with drawn weights, biases and statistics."""
    torch.manual_seed(seed)
    model = Network(graph)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.normal_(0.2, 0.5)
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
    return model.eval()


class TestGroups:
    def test_what_is_added_or_convolved_channel_by_channel_goes_together(self):
        of = groups(residual())
        assert len({of[i] for i in (1, 2, 3, 4, 5, 8, 9, 10)}) == 1
        assert of[6] == of[7] != of[8]
        assert {of[0], of[11]} == {FIXED}
        small = with_channels(residual(), {of[1]: 8, of[6]: 4})
        assert [n.operator.filters for n in small.nodes if isinstance(n.operator, Conv2d)] == [8, 8, 4, 8]

    def test_what_reads_places_as_well_keeps_its_input(self):
        b = Builder((4, 4, 1))
        b.add(Dense(3), b.add(Dense(8), b.add(Flatten(), b.add(Conv2d(8), 0))))
        of = groups(b.build())
        assert of[:3] == (FIXED, FIXED, FIXED)
        assert of[3] != FIXED


class TestSlicing:
    @pytest.mark.parametrize(("space", "shape"), [("mcu_cnn", (9, 12, 2)), ("mcu_cnn1d", (24, 6, 2))])
    def test_channels_that_say_nothing_leave_the_outputs_as_they_are(self, space, shape):
        opened, rng = open_space(space, shape, 5), seeds.rng(0, "prune")
        for seed, genes in enumerate(opened.canonical(opened.sample(rng, 8))):
            graph = opened.graph(tuple(map(int, genes)))
            model, of, kept = learnt(graph, seed), groups(graph), {}
            with torch.no_grad():
                for node in graph.nodes:
                    if of[node.id] == FIXED:
                        continue
                    many = node.shape[-1]
                    rows = kept.setdefault(of[node.id], np.sort(rng.permutation(many)[: max(many // 2, 1)]))
                    if isinstance(node.operator, BatchNorm):  # what it makes of others is 0, and a ReLU leaves that
                        gone = np.setdiff1d(np.arange(many), rows)
                        model.operators[node.id].weight[gone] = 0
                        model.operators[node.id].bias[gone] = 0
            x = rng.normal(size=(4, *shape)).astype(np.float32)
            small = sliced(model, kept)
            assert small.graph.parameters < graph.parameters
            assert np.allclose(small.outputs(x), model.outputs(x), rtol=1e-3, atol=1e-4)


class TestImportance:
    def test_it_is_the_losss_first_order_change_without_a_channel(self):
        part = Part(TASK.data().train.x[:40], TASK.data().train.y[:40])
        model = learnt(GRAPH)
        of, step = groups(GRAPH), 1e-2
        node = next(n for n in GRAPH.nodes if isinstance(n.operator, Relu))  # of the stem
        found = importances(model, TASK, part)[of[node.id]]
        wanted = np.zeros(node.shape[2])

        def losses():
            logits = model(to_tensor(part.x)).detach().double()
            return torch.nn.functional.cross_entropy(logits, torch.from_numpy(part.y), reduction="none").numpy()

        for channel in range(node.shape[2]):
            values = []
            for factor in (1 - step, 1 + step):
                scale = torch.ones(node.shape[2])
                scale[channel] = factor
                hook = model.operators[node.id].register_forward_hook(lambda _, __, y, s=scale: y * s[:, None, None])
                values.append(losses())
                hook.remove()
            wanted[channel] = np.mean(((values[1] - values[0]) / (2 * step)) ** 2)
        assert np.allclose(found, wanted, rtol=0.05, atol=1e-4 * wanted.max())

    def test_a_channel_that_nobody_hears_matters_nothing_and_goes_first(self):
        part = Part(TASK.data().train.x[:40], TASK.data().train.y[:40])
        model, of = learnt(GRAPH), groups(GRAPH)
        dense = GRAPH.nodes[-1]
        group = of[dense.inputs[0]]
        deaf = [1, 4, 7, 9]
        with torch.no_grad():
            model.operators[dense.id].weight[:, deaf] = 0
        found = importances(model, TASK, part)
        assert (found[group][deaf] == 0).all()
        assert np.count_nonzero(found[group]) > 0
        kept = chosen(GRAPH, found, lambda graph: 2.0 if graph.nodes[-2].shape == GRAPH.nodes[-2].shape else 0.5)
        assert len(kept[group]) == len(found[group]) - 4
        assert not set(deaf) & set(kept[group])


class TestChosen:
    def test_it_goes_by_fours_until_the_network_fits(self):
        graph = residual()
        of = groups(graph)
        importance = {of[1]: np.arange(12.0), of[6]: 10 + np.arange(20.0)}
        limit = 0.85 * graph.parameters
        kept = chosen(graph, importance, lambda one: one.parameters / limit)
        counts = {group: len(rows) for group, rows in kept.items()}
        assert with_channels(graph, counts).parameters <= limit
        assert all(many % 4 == 0 for many in counts.values())
        for group, rows in kept.items():
            assert rows.tolist() == list(range(len(importance[group]) - len(rows), len(importance[group])))
        one_round = chosen(graph, importance, lambda one: one.parameters / 10)  # far from it: a step at once, no more
        assert 0.6 < with_channels(graph, {g: len(r) for g, r in one_round.items()}).parameters / graph.parameters < 0.8
        least = with_channels(graph, {of[1]: 4, of[6]: 4})
        with pytest.raises(CanNotFit, match="with 4 channels wherever any can go, the network still takes"):
            chosen(least, {of[1]: np.ones(4), of[6]: np.ones(4)}, lambda one: one.parameters / 10)

    def test_no_group_loses_more_than_half_at_once(self):
        of = groups(residual())
        importance = {of[1]: np.full(12, 1e-9), of[6]: np.full(20, 1e9)}  # the first would all go
        kept = chosen(residual(), importance, lambda one: one.parameters / 300)
        assert len(kept[of[1]]) >= 6


class TestTraining:
    def given(self, n=300, **changes):
        data = TASK.data()
        learn = Part(data.train.x[:n], data.train.y[:n])
        return GRAPH, TASK, replace(QUICK, **changes), 0, learn, data.valid

    def test_it_fits_and_a_killed_training_goes_on_to_the_same_network(self, tmp_path):
        fitting = excess([TO], "digits", "stm32f405", "native")
        whole = train(*self.given(epochs=4), excess=fitting)
        assert costs(whole.network.graph, DEVICE, NATIVE).flash_bytes <= FLASH - 1500
        assert fitting(whole.model.graph) <= 1 < fitting(GRAPH)
        assert whole.pruned.epochs >= 1
        assert whole.outputs.shape == (len(TASK.data().valid), 10)
        state = tmp_path / "state.safetensors"
        resumed = gone_on(*self.given(epochs=4), keep=state, after=4, excess=fitting)
        assert np.array_equal(resumed.answers, whole.answers)
        assert (tmp_path / "state.pruned.1.safetensors").exists()
        again = train(*self.given(epochs=4), keep=state, excess=fitting)  # goes on from behind the pruning
        assert np.array_equal(again.answers, whole.answers)

    def test_a_network_that_fits_is_left_as_it_is(self):
        plain = train(*self.given())
        made = train(*self.given(), excess=excess(["flash_kb=100"], "digits", "stm32f405", "native"))
        assert made.pruned is None
        assert np.array_equal(made.outputs, plain.outputs)

    def test_a_dense_layer_that_loses_units_is_told_as_well(self):
        b = Builder(TASK.input_shape)
        hidden = b.add(Dense(24), b.add(Flatten(), b.add(Relu(), b.add(Conv2d(4), 0))))
        b.add(Dense(10), b.add(Relu(), hidden))
        graph = b.build()
        whole = costs(graph, DEVICE, NATIVE).flash_bytes
        fitting = excess([f"flash_bytes={whole - 2000}"], "digits", "stm32f405", "native")
        made = train(graph, *self.given()[1:], excess=fitting)
        units = made.model.graph.nodes[4].operator.units
        assert made.pruned.channels == ((4, 4), (24, units))
        assert units < 24
        assert f"channels 24 to {units};" in said(TASK, made.pruned, 0.5)

    def test_with_branches_four_bits_and_no_look_at_the_judging_part(self):
        fitting = excess([f"flash_bytes={FLASH - 4500}"], "digits", "stm32f405", "native", 4)
        given = self.given(branches=1, qat="auto")
        made = train(*given, 2, qat_epochs=1, weight_bits=4, eight_bit_ends=False, excess=fitting)
        assert made.pruned.epochs >= 2
        assert costs(made.network.graph, DEVICE, NATIVE).flash_bytes <= FLASH - 4500
        assert {n.operator.bits for n in made.network.graph.nodes if isinstance(n.operator, (Conv2d, Dense))} == {4}
        other = train(
            *given[:5], TASK.data().test, 2, qat_epochs=1, weight_bits=4, eight_bit_ends=False, excess=fitting
        )
        for one, same in zip(made.network.constants, other.network.constants, strict=True):
            assert all(np.array_equal(one[name], same[name]) for name in one)

    def test_learning_on_is_shorter_and_from_a_lower_rate(self):
        after = recipe_of(
            replace(QUICK, epochs=40, branches=3, whiten=True, schedule="plateau"), judged=False, last=True
        )
        assert recipe_of(replace(QUICK, epochs=40), judged=True, last=False).epochs == 4
        assert (after.epochs, after.learning_rate, after.branches, after.whiten) == (20, 3e-3, 0, False)
        assert (after.schedule, after.to_end) == ("cosine", True)


class TestCommand:
    @pytest.mark.skipif(not importlib.util.find_spec("unicorn"), reason="extra mcu: unicorn not installed")
    def test_it_is_trained_pruned_and_bit_exact_on_the_device(self, tmp_path, capsys):
        names = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**names, "genes": list(GENES)}))
        out = tmp_path / "run"
        line = ["train", str(tmp_path / "genes.json"), "--epochs", "2", "--samples", "300", "--prune-to", TO]
        with pytest.raises(SystemExit, match="0"):
            main([*line, "--out", str(out)])
        assert "pruned: channels " in capsys.readouterr().err
        result = read_training(json.loads((out / "result.json").read_text()), "result.json")
        network = QuantisedNetwork.load(out / "int8")
        assert result.flash_bytes == costs(network.graph, DEVICE, NATIVE).flash_bytes <= FLASH - 1500
        assert cost(out)["flash_bytes"] == result.flash_bytes
        assert result.parameters == network.graph.parameters < GRAPH.parameters
        assert any(a > b for a, b in result.channels)
        report = deploy(out, "stm32f405", tmp_path / "firmware", Build(emulator="unicorn"), 5, 1, lambda line: None)
        assert report["emulated"]["bit_exact"]
        assert abs(report["flash_bytes"] / result.flash_bytes - 1) < 0.1

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (["--prune-to", "flash=12"], "no limit 'flash'"),
            (["--prune-to", "flash_kb=0"], "wants a positive number"),
            (["--device", "stm32f405"], "device and runtime are of the limits of prune_to"),
            (["--prune-to", "flash_kb=12", "--device", "stm32f999"], "stm32f999"),
        ],
    )
    def test_what_is_wrong_is_said_before_a_folder_is_made(self, more, told, tmp_path, capsys):
        names = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**names, "genes": list(GENES)}))
        with pytest.raises(SystemExit, match="2"):
            main(["train", str(tmp_path / "genes.json"), *more, "--out", str(tmp_path / "run")])
        assert told in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_limits_that_no_pruning_reaches(self, tmp_path, capsys):
        names = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**names, "genes": list(GENES)}))
        with pytest.raises(SystemExit, match="2"):
            main(["train", str(tmp_path / "genes.json"), "--prune-to", "flash_kb=2", "--out", str(tmp_path / "run")])
        assert "with 4 channels wherever any can go" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()

    def test_a_network_without_channels_to_spare(self, tmp_path, capsys):
        b = Builder(TASK.input_shape)
        b.add(Dense(10), b.add(Flatten(), 0))
        (tmp_path / "graph.json").write_text(json.dumps(b.build().to_json()))
        with pytest.raises(SystemExit, match="2"):
            main(["train", str(tmp_path / "graph.json"), "--prune-to", "flash_kb=1", "--out", str(tmp_path / "run")])
        assert "no channels that can be pruned" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


class TestValidation:
    @pytest.fixture
    def genes(self, tmp_path, monkeypatch):
        monkeypatch.setattr(Digits, "recipes", {**Digits.recipes, "full": replace(QUICK, epochs=3)})
        names = {"space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
        (tmp_path / "genes.json").write_text(json.dumps({**names, "genes": list(GENES)}))
        return tmp_path / "genes.json"

    def test_final_networks_are_pruned_and_priced_as_they_are_kept(self, genes, tmp_path):
        out, limit, weight_bits = tmp_path / "run", FLASH - 4500, 4
        asked = 1, 2, 1, 0, out, print, lambda *_: None
        result = validate(genes, *asked, weight_bits=weight_bits, prune_to=(f"flash_bytes={limit}",))
        (final,) = result.networks
        kept = QuantisedNetwork.load(out / "networks" / "1")
        assert final.flash_bytes == costs(kept.graph, DEVICE, NATIVE).flash_bytes <= limit
        assert cost(out)["flash_bytes"] == final.flash_bytes
        assert result.limits["flash_bytes"] == limit
        assert final.seeds == 2
        assert final.parameters == kept.graph.parameters < GRAPH.parameters
        assert any(a > b for a, b in final.channels)
        assert "pruned, channels " in summary(result, out)
        if final.firmware is not None:  # compiler and emulator are installed
            assert final.firmware["emulated_bit_exact"]
            assert final.fits == (final.firmware["emulated_flash_bytes"] <= limit)
        records = RunFolder(out).store().records()
        assert len(records) == 3
        assert all(r.flash_bytes <= limit and r.channels for r in records)
        assert f"--prune-to flash_bytes={limit}" in command(json.loads((out / "config.json").read_text()))
        again = validate(genes, *asked, weight_bits=weight_bits, prune_to=(f"flash_bytes={limit}",))
        assert again.networks == result.networks

    def test_what_can_not_fit_is_refused_before_any_training(self, genes, tmp_path):
        out, told = tmp_path / "run", "with 4 channels wherever any can go, the network still takes"
        with pytest.raises(ValueError, match=told):
            validate(genes, 1, 1, 1, 0, out, print, lambda *_: None, prune_to=("flash_bytes=3000",))
        assert not out.exists()

    def test_of_several_networks_those_that_can_fit_are_trained(self):
        setup = open_target(replace(MAIN_TARGET, prune_to=("flash_bytes=11000",)))
        drawn = SPACE.sample(seeds.rng(0, "able"), 40)
        records = [Record(tuple(map(int, genes)), "mcu_cnn", "digits", 0) for genes in drawn]
        lines: list[str] = []
        found = able(setup, records, lines.append)
        assert 0 < len(found) < len(records) == len(found) + len(lines)
        assert all("is left out: with 4 channels" in line for line in lines)
        for record in found:  # pruning gets there
            graph, fits = SPACE.graph(record.genes), setup.excess
            while fits(graph) > 1:
                even = {g: np.ones(n.shape[-1]) for g, n in zip(groups(graph), graph.nodes, strict=True) if g != FIXED}
                graph = with_channels(graph, {g: len(rows) for g, rows in chosen(graph, even, fits).items()})
        with pytest.raises(ValueError, match="none of 2 networks can be trained so: with 4 channels"):
            able(setup, [r for r in records if r not in found][:2], lines.append)

    def test_what_failed_for_good_is_not_promised_again(self, genes, tmp_path):
        asked = 1, 1, 1, 0, tmp_path / "run", print, lambda *_: None
        result = validate(genes, *asked, recipe=("learning_rate=1e30",))
        assert (result.networks, result.failed_trainings) == ((), 1)
        text = summary(result, tmp_path / "run")
        assert "once more" not in text
        assert "training failed, and would again" in text

    def test_analog_memory_is_not_pruned(self):
        with pytest.raises(ValueError, match="leave --prune-to out"):
            Analog.check(replace(MAIN_TARGET, prune_to=("flash_kb=12",)))

    def test_searches_and_records_of_before_count_nothing_of_it(self):
        assert open_target(replace(MAIN_TARGET, prune_to=("flash_kb=1",))).costs(GENES) == costs(GRAPH, DEVICE, NATIVE)
        record = Record(GENES, "mcu_cnn", "digits", 0, channels=((16, 8), (4, 4)))
        assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record
        plain = record.to_json()
        del plain["channels"]
        assert Record.from_json(plain).channels == ()


def test_a_configuration_of_before_is_read():
    config = TrainConfig("genes.json", "digits", QUICK)
    assert config.excess is None
    assert (config.prune_to, config.device) == ((), "")
