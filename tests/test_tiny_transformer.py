"""Causal transformers of text: what a token may see, costs with what is remembered, and text from a device."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from text import text

from latent_nas import cli, seeds
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware import elf
from latent_nas.firmware.check import emulate, sizes
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.firmware.text import Speech
from latent_nas.fixed_point import Quant
from latent_nas.graph import Builder, Graph
from latent_nas.graph.deploy import deploy
from latent_nas.graph.step import stepped
from latent_nas.operators._weights import integer_weight
from latent_nas.operators.add import Add
from latent_nas.operators.attention import HALVED, Attention
from latent_nas.operators.dense import Dense
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.input import Input
from latent_nas.operators.layer_norm import LayerNorm
from latent_nas.operators.relu import Relu
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.spaces.tiny_transformer import TinyTransformer
from latent_nas.tasks import Recipe, open_task
from latent_nas.training import train
from latent_nas.training.network import Network

DEVICE, NATIVE = open_device("stm32f405"), open_runtime("native")
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


def small(bits: int = 8, layers: int = 2, window: int = 6, tokens: int = 19) -> Graph:
    space = TinyTransformer((window,), tokens, (layers,), (12,), (2,), (20,), ("characters",), (bits,))
    return space.graph([0] * 6)


class TestSpace:
    def test_the_lists_of_the_issue_make_144_networks_all_different(self):
        space = open_space("tiny_transformer", (32,), 65)
        assert space.listed is not None
        assert len({space.graph(g).digest for g in space.listed}) == len(space.listed) == 144

    def test_every_list_can_be_set(self):
        space = TinyTransformer((16,), 30, (1, 2, 3), (24,), (1, 3), (8,), ("characters", 40), (8,))
        assert [len(g.choices) for g in space.genes] == [3, 1, 2, 1, 2, 1]
        graph = space.graph((2, 0, 1, 0, 1, 0))
        assert graph.output_shape == (16, 40)
        assert sum(isinstance(n.operator, Attention) for n in graph.nodes) == 3

    @pytest.mark.parametrize(
        ("lists", "words"),
        [
            ({"hidden": (30,), "heads": (4,)}, "shared out"),
            ({"layers": ()}, "layers wants"),
            ({"layers": (1, 1)}, "layers wants"),
            ({"feed_forward": (0,)}, "feed_forward wants"),
        ],
    )
    def test_wrong_lists_are_named(self, lists: dict, words: str):
        with pytest.raises(ValueError, match=words):
            TinyTransformer((32,), 65, **lists)

    def test_images_are_refused(self):
        with pytest.raises(ValueError, match="takes tokens"):
            open_space("tiny_transformer", (8, 8, 1), 10)


class TestCausal:
    """Without a mask a network reads the answer in its input, and 98 % of characters come out right."""

    @pytest.mark.parametrize("bits", [4, 8])
    def test_what_comes_after_changes_nothing_before(self, bits: int):
        graph = small(bits, window=8)
        network, x = drawn(graph, 0)
        model = Network(graph)
        for t in range(1, 8):
            other = x.copy()
            other[:, t:] = (other[:, t:] + 1) % 19
            for run in (network.integers, model.outputs):
                one, two = run(x), run(other)
                assert (one[:, :t] == two[:, :t]).all()
                assert (one[:, t:] != two[:, t:]).any()

    def test_nothing_is_learnt_of_a_text_without_order(self, tmp_path: Path):
        """The honest best is the share of the commonest character, however long the network learns."""
        rng = seeds.rng(0, "noise")
        (tmp_path / "t.txt").write_text("".join(rng.choice(list("abcd"), 8000)), encoding="utf-8")
        task = open_task(f"char_lm:{tmp_path / 't.txt'}")
        graph = TinyTransformer((32,), 4, (1,), (16,), (2,), (16,), ("characters",), (8,)).graph([0] * 6)
        data = task.data()
        trained = train(graph, task, Recipe(epochs=4, learning_rate=1e-2), 0, data.train, data.valid)
        assert trained.float_metrics["accuracy"] < 0.35
        assert trained.float_metrics["bits_per_character"] > 1.98

    def test_only_the_window_is_seen(self):
        graph = small(layers=1, window=4)
        network, _ = drawn(graph, 1)
        rng = seeds.rng(0, "window")
        x = rng.integers(0, 19, (5, 12))
        other = x.copy()
        other[:, 5] = (other[:, 5] + 1) % 19
        changed = (network.integers(x) != network.integers(other)).any(axis=(0, 2))
        assert changed.tolist() == [False] * 5 + [True] * 4 + [False] * 3


class TestIntegers:
    def test_attention_equals_plain_loops(self):
        rng = seeds.rng(0, "attention")
        attention = Attention(2, 3, 4)
        q, k, v = (rng.integers(-128, 128, (1, 7, 6)).astype(np.int8) for _ in range(3))
        weights = {"bias": rng.normal(size=(2, 4))}
        c = attention.constants(weights, [Quant(0.05, 3), Quant(0.04, -9), Quant(0.02, 5)], Quant(0.015, -2))
        y = attention.int8(c, q, k, v)
        for t in range(7):
            for head in range(2):
                at = slice(3 * head, 3 * head + 3)
                ages = range(min(t, 3) + 1)
                scores = []
                for age in ages:
                    dot = int(((q[0, t, at].astype(int) - 3) * (k[0, t - age, at].astype(int) + 9)).sum())
                    real = dot * int(c["multiplier"][0]) / 2 ** int(c["shift"][0])
                    scores.append(round(real) + int(c["bias"][head, age]))
                below = [max(scores) - score for score in scores]
                chances = [int(HALVED[b % 256]) >> min(b // 256, 16) for b in below]
                for i in range(3 * head, 3 * head + 3):
                    total = sum(p * (int(v[0, t - age, i]) - 5) for p, age in zip(chances, ages, strict=True))
                    mean = (total * ((2**32 - 1) // sum(chances)) + 2**16) >> 17
                    exact = total / sum(chances) * 0.02 / 0.015 - 2
                    assert abs(mean / 2**15 - total / sum(chances)) < 0.01
                    assert abs(int(y[0, t, i]) - np.clip(exact, -128, 127)) <= 0.52

    def test_layer_norm_is_the_floats_to_the_last_step(self):
        rng = seeds.rng(0, "norm")
        x = rng.integers(-128, 128, (40, 1, 30)).astype(np.int8)
        x[0], x[1] = 7, -128  # no spread at all
        x[2, 0, :29] = 0
        norm, quants = LayerNorm(), (Quant(0.03, 11), Quant(0.03, 0))
        weights = {"weight": rng.normal(size=30), "bias": rng.normal(size=30)}
        y = norm.int8(norm.constants(weights, [quants[0]], quants[1]), x)
        real = torch.nn.functional.layer_norm(
            torch.from_numpy(quants[0].dequantise(x)).double(),
            (30,),
            *(torch.from_numpy(weights[n]) for n in ("weight", "bias")),
        )
        assert np.abs(real.numpy() / 0.03 - y)[np.abs(real.numpy() / 0.03) < 127].max() < 0.6

    def test_four_bits_are_in_the_integers_and_not_only_in_the_size(self):
        eight, four = (drawn(small(bits), 0)[0] for bits in (8, 4))
        found = [
            np.abs(c["weight"]).max()
            for c, n in zip(four.constants, four.graph.nodes, strict=True)
            if "weight" in c and n.operator.bits == 4
        ]
        assert len(found) == 14
        assert set(found) == {7}
        x = np.arange(12)[None] % 19
        assert (eight.integers(x) != four.integers(x)).mean() > 0.5
        assert costs(small(4), DEVICE, NATIVE).weights_bytes < 0.55 * costs(small(8), DEVICE, NATIVE).weights_bytes

    def test_the_step_of_four_bits_has_the_least_squared_error(self):
        rows = seeds.rng(0, "rows").standard_t(3, size=(20, 64))
        integers, scale = integer_weight(rows, 4)
        error = ((rows - scale[:, None] * integers) ** 2).sum(axis=1)
        widest = np.abs(rows).max(axis=1) / 7
        plain = ((rows - widest[:, None] * np.rint(rows / widest[:, None])) ** 2).sum(axis=1)
        assert (error <= plain + 1e-12).all()
        assert error.sum() < 0.93 * plain.sum()


class TestCosts:
    def test_one_token_with_keys_and_values_of_the_window(self):
        graph = open_space("tiny_transformer", (32,), 65).graph((1, 1, 0, 0, 0, 1))  # 2 layers of 128
        found = costs(graph, DEVICE, NATIVE)
        assert found.state_bytes == 2 * 2 * 32 * 128
        assert found.ram_bytes == found.arena_bytes + found.state_bytes + found.runtime_ram_bytes
        assert found.arena_bytes >= 4 * 128  # queries, keys, values, and the residual beside them
        dense = 2 * (4 * 128 * 128 + 2 * 128 * 128) + 128 * 65
        assert found.macs == dense + 2 * 2 * 32 * 128
        assert found.latency_ms == pytest.approx(found.cycles / 168e6 * 1e3)

    def test_steps_are_the_same_network(self):
        graph = deploy(small()).graph
        steps = stepped(graph)
        assert steps.parameters == graph.parameters
        assert [n.inputs for n in steps.nodes] == [n.inputs for n in graph.nodes]
        assert (steps.input_shape, steps.output_shape) == ((1,), (1, 19))
        assert stepped(steps) == steps
        image = deploy(open_space("mcu_cnn", (8, 8, 1), 10).graph([0] * 35)).graph
        assert stepped(image) is image

    def test_a_runtime_without_the_kernels_says_so(self):
        with pytest.raises(ValueError, match="no kernel 'embedding'"):
            costs(small(), DEVICE, open_runtime("cmsis_nn"))


@tools
class TestFirmware:
    @pytest.mark.parametrize("plain", [False, True])
    def test_every_tensor_of_every_token_beyond_the_window(self, tmp_path: Path, plain: bool):
        """Weights of 4 and 8 bits, widths that no kernel can count on, and a vocabulary beyond 8 bits."""
        build_graph = Builder()
        x = build_graph.add(Embedding(300, 10, 4), build_graph.add(Input((5,), 300)))
        y = build_graph.add(LayerNorm(), x)
        q, k, v = (build_graph.add(Dense(10, weight_bits=bits), y) for bits in (4, 8, 4))
        x = build_graph.add(Add(), x, build_graph.add(Attention(2, 5, 5), q, k, v))
        y = build_graph.add(Gelu(), build_graph.add(Dense(21, weight_bits=4), build_graph.add(LayerNorm(), x)))
        build_graph.add(Dense(300), build_graph.add(Relu(), build_graph.add(Dense(16, weight_bits=4), y)))
        network, _ = drawn(build_graph.build(), 2)
        x = seeds.rng(0, "tokens").integers(0, 300, (2, 17))
        made = project(network, DEVICE)
        made.write(tmp_path)
        checked, report = emulate(made, build(tmp_path, DEVICE.core, plain), x)[:2]
        assert report["bit_exact"], report
        assert checked.outputs == 2 * 17 * 300
        assert checked.tensors == 17 * (8 * 10 + 2 * 21 + 16 + 300)
        assert len(np.unique(network.integers(x))) > 100

    def test_ram_is_what_was_computed_and_a_text_comes_out(self, tmp_path: Path):
        graph = small(tokens=40)
        network, _ = drawn(graph, 3)
        pieces = [chr(97 + i) if i < 26 else f'é"\\?\n{i}' for i in range(40)]
        speech = Speech.of(network, pieces, [3, 1], seed=5, temperature=1.0)
        made = project(network, DEVICE, speech=speech)
        made.write(tmp_path)
        firmware = build(tmp_path, DEVICE.core)
        computed = costs(graph, DEVICE, NATIVE)
        apart = sizes(firmware)["ram_bytes"] - computed.ram_bytes
        assert 0 <= apart < 64  # alignment, the place in the text, the generator
        said = Emulator(elf.read(firmware), DEVICE, [n for _, n in made.operators]).text(200)
        assert said == speech.generate(network, 200)
        assert len(said) == 200
        assert len(set(said)) > 20
        other = replace(speech, state=speech.state + 1)
        assert other.generate(network, 200) != said

    def test_deploy_writes_the_text_of_a_trained_network(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.chdir(tmp_path)
        Path("t.txt").write_text(text(), encoding="utf-8")
        task = open_task("char_lm:t.txt")
        space = TinyTransformer((32,), task.outputs, (1,), (16,), (2,), (16,), (40,), (8,))
        data = task.data_of(space.graph([0] * 6))
        recipe = Recipe(epochs=2, learning_rate=1e-2, batch=16)
        trained = train(space.graph([0] * 6), task, recipe, 0, data.train, data.valid)
        trained.network.save(Path("network"), {"task": "char_lm:t.txt"})
        arguments = ["deploy", "network", "--out", "fw", "--emulate", "--characters", "60", "--prompt", "o", "--json"]
        with pytest.raises(SystemExit) as stopped:
            cli.main(arguments)
        assert stopped.value.code == 0
        report = json.loads(capsys.readouterr().out)
        assert report["emulated"]["bit_exact"]
        assert report["text"]["same_as_reference"]
        assert report["text"]["prompt"] == "o"
        assert len(report["text"]["emulated_text"]) == 60
        assert set(report["text"]["emulated_text"]) <= set(text())
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments[:-1], "--prompt", "ß"])
        assert stopped.value.code == 2
        assert "'ß'" in capsys.readouterr().err


class TestSampling:
    def test_tokens_come_as_often_as_softmax_says(self):
        network, _ = drawn(small(), 0)
        logits = np.array([40, 38, 0, 40, -128], np.int8)
        scale = network.quants[-1].scale
        speech = Speech.of(network, [str(i) for i in range(19)], [0], 1, temperature=scale / 0.5)  # half a nat a step
        state, drawn_tokens = speech.state, []
        for _ in range(4000):
            token, state = speech.draw(logits, state)
            drawn_tokens.append(token)
        shares = np.bincount(drawn_tokens, minlength=5) / 4000
        expected = np.exp(0.5 * (logits.astype(float) - 40))
        assert np.abs(shares - expected / expected.sum()).max() < 0.03

    @pytest.mark.parametrize(("prompt", "temperature"), [([], 1.0), ([1], 0.0), ([1], float("nan"))])
    def test_what_can_not_be_sampled_is_said(self, prompt: list[int], temperature: float):
        network, _ = drawn(small(), 0)
        with pytest.raises(ValueError, match="wants a prompt"):
            Speech.of(network, ["x"] * 19, prompt, 0, temperature)

    def test_a_token_outside_the_vocabulary_is_said(self):
        network, _ = drawn(small(), 0)
        with pytest.raises(ValueError, match="knows 0 to 18"):
            network.integers(np.array([[19]]))
