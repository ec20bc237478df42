"""Regression: numeric targets read, checked, trained, quantised and measured in their own unit."""

import importlib.util
import json

import numpy as np
import pytest

from latent_nas.spaces import open_space
from latent_nas.tasks import open_task
from latent_nas.tasks._names import with_options
from latent_nas.tasks.kinds.regress import Regression
from latent_nas.training import train

missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")
TARGETS = np.random.default_rng(0).normal(50, 10, (60, 2)).astype(np.float32)


def csv(path, head="target", rows=30, value=lambda i: 3 + i / 7):
    body = [f"{value(i)}," + ",".join(f"{np.sin(i + s):.4f}" for s in range(6)) for i in range(rows)]
    path.write_text(f"{head}," + ",".join(f"t{s}" for s in range(6)) + "\n" + "\n".join(body) + "\n")
    return path


class TestKind:
    kind = Regression.of(TARGETS, ("a", "b"))

    def outputs(self, answers):
        return (answers - np.array(self.kind.shift)) * self.kind.gain

    def test_a_perfect_network_has_no_error_and_the_mean_explains_nothing(self):
        perfect = self.kind.measure(self.outputs(TARGETS), TARGETS)
        assert perfect == pytest.approx({"rmse": 0, "mae": 0, "r2": 1}, abs=1e-5)
        assert self.kind.baseline(TARGETS, TARGETS).metrics["r2"] == pytest.approx(0, abs=1e-6)

    def test_targets_that_are_all_the_same_leave_nothing_to_explain(self):
        same = np.full_like(TARGETS[:3], 50)
        assert self.kind.measure(self.outputs(same + 1), same)["r2"] == 0

    def test_errors_are_in_the_targets_unit_and_less_is_better(self):
        off = self.kind.measure(self.outputs(TARGETS + 3), TARGETS)
        assert (off["rmse"], off["mae"]) == pytest.approx((3, 3), rel=1e-4)
        assert self.kind.score(self.outputs(TARGETS + 3), TARGETS) == pytest.approx(-3, rel=1e-4)

    def test_the_loss_is_the_squared_error_of_standardised_targets(self):
        import torch

        y = torch.from_numpy(TARGETS)
        outputs = torch.from_numpy(self.outputs(TARGETS).astype(np.float32))
        assert self.kind.loss(outputs + 2, y, None).item() == pytest.approx(4, rel=1e-4)

    def test_the_output_range_holds_the_training_targets_with_a_margin(self):
        low, high = self.kind.output_range(TARGETS)
        outputs = self.outputs(TARGETS)
        assert (outputs.min() - low, high - outputs.max()) == pytest.approx(2 * [np.ptp(outputs) / 10])

    def test_the_scatter_is_of_targets_and_answers_in_their_unit(self):
        evidence = self.kind.evidence(self.outputs(TARGETS + 1), TARGETS, 2)
        assert list(evidence) == ["scatter a", "scatter b"]
        pairs = np.array(evidence["scatter b"])
        assert pairs[:, 0] == pytest.approx(TARGETS[:, 1])
        assert pairs[:, 1] == pytest.approx(TARGETS[:, 1] + 1, rel=1e-5)


class TestReading:
    def test_a_target_column_is_a_regression_and_said_first(self, tmp_path):
        task = open_task(str(csv(tmp_path / "a.csv")))
        assert (task.kind.name, task.outputs, task.kind.names) == ("regress", 1, ("target",))
        assert task.about()[0].startswith("regression: target 'target' from 3 to 7.14286; 30 windows, input 6x1x1")
        data = task.data()
        assert [len(p) for p in (data.train, data.valid, data.test)] == [18, 6, 6]
        assert data.train.y.dtype == np.float32
        assert sorted(np.concatenate([data.train.y, data.valid.y, data.test.y])[:, 0]) == pytest.approx(
            [3 + i / 7 for i in range(30)]
        )

    def test_several_targets_and_steps_below_each_other(self, tmp_path):
        lines = ["target_x,target_y,window,v"]
        lines += [f"{w},{w * w / 3},{w},{w + s / 9}" for w in range(12) for s in range(4)]
        (tmp_path / "a.csv").write_text("\n".join(lines))
        task = open_task(str(tmp_path / "a.csv"))
        assert (task.kind.names, task.input_shape, task.data().train.y.shape[1]) == (
            ("target_x", "target_y"),
            (4, 1, 1),
            2,
        )

    def test_labels_that_are_no_whole_numbers_are_a_target_unless_kind_says_classes(self, tmp_path):
        path = csv(tmp_path / "a.csv", "label", value=lambda i: 0.5 + i % 3)
        assert open_task(str(path)).kind.name == "regress"
        assert open_task(with_options(str(path), kind="classify")).classes == ("0.5", "1.5", "2.5")
        whole = csv(tmp_path / "b.csv", "label", value=lambda i: i % 3)
        assert open_task(str(whole)).kind.name == "classify"
        assert open_task(with_options(str(whole), kind="regress")).kind.name == "regress"

    def test_float_y_of_arrays_is_a_regression(self, tmp_path):
        x = np.random.default_rng(1).normal(size=(40, 9, 9)).astype(np.float32)
        np.savez(tmp_path / "a.npz", x=x, y=x.mean(axis=(1, 2)), targets=np.array(["mean"]))
        task = open_task(str(tmp_path / "a.npz"))
        assert (task.kind.name, task.kind.names, task.outputs) == ("regress", ("mean",), 1)
        np.savez(tmp_path / "b.npz", x=x, y=np.arange(40) % 7)
        assert open_task(with_options(str(tmp_path / "b.npz"), kind="regress")).outputs == 1

    def test_a_checked_copy_is_the_same_task(self, tmp_path):
        task = open_task(str(csv(tmp_path / "a.csv")))
        task.save(tmp_path / "copy.npz")
        copy = open_task(str(tmp_path / "copy.npz"))
        assert (copy.fingerprint, copy.kind) == (task.fingerprint, task.kind)

    def test_one_content_with_two_targets_gets_their_mean_in_one_part(self, tmp_path):
        rows = [f"{i},{i // 2},{i // 2 % 5}" for i in range(40)]
        (tmp_path / "a.csv").write_text("target,u,v\n" + "\n".join(rows))
        task = open_task(str(tmp_path / "a.csv"))
        data = task.data()
        y = np.concatenate([data.train.y, data.valid.y, data.test.y])[:, 0]
        assert sorted(y) == [2 * i + 0.5 for i in range(20)]
        assert any("40 of the samples repeat" in line for line in task.about())

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (lambda i: "warm" if i == 4 else i, "line 6, column 'target': 'warm'"),
            (lambda i: "nan" if i == 4 else i, "line 6: target 'target' is NaN"),
            (lambda i: "" if i == 4 else i, "line 6: its target is empty; wanted a number"),
            (lambda i: 2.5, "target 'target' is 2.5 in all 30 samples"),
        ],
    )
    def test_bad_targets_are_one_line(self, tmp_path, value, words):
        with pytest.raises(ValueError, match=words) as error:
            open_task(str(csv(tmp_path / "a.csv", value=value)))
        assert "\n" not in str(error.value)

    def test_too_few_samples_are_one_line(self, tmp_path):
        with pytest.raises(ValueError, match="9 samples to split; a regression needs 10 or more"):
            open_task(str(csv(tmp_path / "a.csv", rows=9)))

    def test_what_cannot_be_meant_is_one_line(self, tmp_path):
        path = str(csv(tmp_path / "a.csv"))
        with pytest.raises(ValueError, match=r"kind='numbers'; wanted one of classify, regress, anomaly"):
            open_task(f"{path}?kind=numbers")
        with pytest.raises(ValueError, match="--kind anomaly"):
            open_task(f"{path}?normal=good")
        with pytest.raises(ValueError, match="wants a class 'normal'"):
            open_task(f"{path}?kind=anomaly")
        with pytest.raises(ValueError, match="beside 'target'"):
            open_task(str(csv(tmp_path / "b.csv", "target,label", value=lambda i: f"{i},a")))


@pytest.mark.parametrize(
    ("name", "shape"), [("mcu_cnn", (8, 8, 1)), ("mcu_cnn1d", (12, 1, 2)), ("mcu_cnn1d", (1, 10, 1))]
)
def test_spaces_build_networks_of_one_output_and_know_their_features(name, shape):
    from latent_nas.graph.features import graph_features

    space = open_space(name, shape, 1)
    genes = space.sample(np.random.default_rng(0), 12)
    features = space.features(genes)
    for row, known in zip(genes, features, strict=True):
        graph = space.graph(row)
        assert graph.output_shape == (1,)
        counted = graph_features(graph)
        assert known == pytest.approx([counted.get(n, 0) for n in space.feature_names], rel=1e-4, abs=1e-4)


def test_diabetes_is_learnt_and_int8_loses_next_to_nothing():
    task = open_task("diabetes")
    data = task.data()
    space = open_space("mcu_cnn1d", task.input_shape, task.outputs)
    genes = next(g for g in space.sample(np.random.default_rng(1), 50) if len(space.graph(g).nodes) < 14)
    trained = train(space.graph(genes), task, task.recipe("search"), 0, data.train, data.valid)
    assert trained.float_metrics["r2"] > 0.4
    assert trained.int8_metrics["r2"] == pytest.approx(trained.float_metrics["r2"], abs=0.02)
    quant, (low, high) = trained.network.quants[-1], task.kind.output_range(data.train.y)
    assert quant.scale * (-128 - quant.zero_point) == pytest.approx(low, abs=quant.scale)
    assert quant.scale * (127 - quant.zero_point) == pytest.approx(high, abs=quant.scale)


def test_a_search_on_a_target_names_its_metric_everywhere(tmp_path, command):
    csv(tmp_path / "sensor.csv", rows=60)
    quick = ["--strategy", "random", "--trainings", "2", "--batch", "2", "--top", "1", "--final-seeds", "1"]
    quick += ["--space", "mcu_cnn1d", "--limit", "flash_kb=9", "--limit", "latency_ms=2"]
    quick += ["--workers", "1", "--child-epochs", "2"]
    done = command("search", "--task", "sensor.csv?folds=1", *quick, "--out", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "regression: target 'target'" in done.stderr
    assert "int8 RMSE" in done.stdout
    best = json.loads((tmp_path / "run" / "result.json").read_text())["networks"][0]
    assert set(best["measured_int8"]) == {"rmse", "mae", "r2"}
    assert "int8_rmse" in (tmp_path / "run" / "history.csv").read_text().splitlines()[0]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "RMSE" in page
    assert "The int8 network on samples of the test part" in page.split("Target and answer</h2>")[1][:200]
    assert "accuracy" not in (done.stderr + done.stdout).lower()


USER = """
#include "model.h"
void answered(int number, int32_t bits);
__attribute__((noinline)) void answered(int number, int32_t bits)
{
    __asm volatile("" : : "r"(number), "r"(bits) : "memory");
}
void exchange(int8_t *input, const int8_t *output);
void exchange(int8_t *input, const int8_t *output)
{
    static int ran;
    union {
        float value;
        int32_t bits;
    } second;
    second.value = model_value(1);
    if (ran)
        answered(1, second.bits);
    ran = 1;
    __asm volatile("" : : "r"(input), "r"(output) : "memory");
}
"""  # as a user would: the value goes to an actuator


@tools
def test_firmware_gives_values_in_the_targets_unit(tmp_path):
    from latent_nas.devices import open_device
    from latent_nas.firmware import elf
    from latent_nas.firmware.compile import build
    from latent_nas.firmware.draw import drawn
    from latent_nas.firmware.emulate import Emulator
    from latent_nas.firmware.export import project
    from latent_nas.training.metadata import Metadata

    kind = Regression.of(TARGETS * np.float32([1, 0.01]), ("a", "b"))
    space = open_space("mcu_cnn1d", (12, 1, 2), 2)
    genes = next(g for g in space.sample(np.random.default_rng(1), 50) if len(space.graph(g).nodes) < 14)
    network, x = drawn(space.graph(genes), 0, 8)
    board = open_device("rp2040")
    about = Metadata(kind="regress", targets=kind.names, target_shift=kind.shift, target_gain=kind.gain)
    project(network, board, about=about).write(tmp_path)
    (tmp_path / "user.c").write_text(USER)
    emulator = Emulator(elf.read(build(tmp_path, board.core)), board, [])
    told = np.array([emulator.answered(one)[1] for one in network.quants[0].quantise(x)], np.uint32)
    assert told.view(np.float32) == pytest.approx(kind.answers(network.outputs(x))[:, 1], rel=1e-5)
