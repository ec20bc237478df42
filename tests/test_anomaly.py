"""Anomaly detection: normal samples alone are learnt from, scores are integers, a threshold comes from validation."""

import importlib.util
import json

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from latent_nas import seeds
from latent_nas.devices import open_device
from latent_nas.evaluators import Job
from latent_nas.evaluators.work import data_for
from latent_nas.jobs.build import Build
from latent_nas.jobs.deploy import deploy
from latent_nas.jobs.deployed import summary
from latent_nas.spaces import open_space
from latent_nas.tasks import open_task
from latent_nas.tasks._names import with_options
from latent_nas.tasks.kinds.anomaly import FALSE_ALARMS, Anomaly, area
from latent_nas.tasks.kinds.made import disturbed, made_of, patched, reordered
from latent_nas.training import train

missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


def windows(rng, n, odd=False, steps=32):
    """A shaft's vibration: two sines of any phase in noise; odd ones have knocks."""
    time = np.arange(steps)
    x = sum(a * np.sin(2 * np.pi * (f * time + rng.random((n, 1)))) for f, a in ((0.125, 1.0), (0.25, 0.4)))
    x = x + rng.normal(0, 0.1, x.shape)
    if odd:
        x += np.where(time % 8 == rng.integers(8, size=(n, 1)), 2.5, 0)
    return x[:, :, None, None].astype(np.float32)


def folder(root, layout, each=24):
    """Images by class: a bar across the middle is normal, a dark one at the left is not."""
    rng = np.random.default_rng(0)
    for place, odd in layout:
        (root / place).mkdir(parents=True)
        for i in range(each):
            pixels = rng.integers(0, 60, (12, 12)).astype(np.uint8)
            if odd:
                pixels[:, :3] += 120
            else:
                pixels[5:8] += 150
            Image.fromarray(pixels).save(root / place / f"{i}.png")
    return root


def parts(task):
    data = task.data()
    return [np.bincount(part.y, minlength=2).tolist() for part in (data.train, data.valid, data.test)]


class TestKind:
    kind = Anomaly()

    def test_the_area_counts_pairs(self):
        rng = np.random.default_rng(0)
        scores, targets = rng.integers(0, 9, 50), rng.integers(0, 2, 50)
        pairs = [(a > b) + 0.5 * (a == b) for a in scores[targets == 1] for b in scores[targets == 0]]
        assert area(scores, targets) == pytest.approx(np.mean(pairs))
        assert area(targets, targets) == 1
        assert area(0 * targets, targets) == 0.5

    def test_integer_scores_order_samples_as_the_reals_they_stand_for(self):
        q = np.random.default_rng(1).integers(-128, 128, (40, 8)).astype(np.int8)
        reals = 0.03 * (q.astype(np.float64) + 11)
        integers = self.kind.scores(q, zero_point=-11)
        assert integers.dtype == np.int64
        assert self.kind.scores(reals) == pytest.approx(0.03**2 * integers)

    def test_the_threshold_allows_its_share_of_false_alarms_and_no_more(self):
        scores = np.arange(100)
        targets = np.repeat([0, 1], 50)
        threshold = self.kind.threshold(scores, targets)
        assert (scores[:50] > threshold).mean() <= FALSE_ALARMS < (scores[:50] > threshold - 1).mean()

    def test_the_loss_draws_normal_points_in_and_pushes_others_out(self):
        import torch

        points = torch.tensor([[0.5, 0.0], [3.0, 0.0]])
        losses = [[self.kind.loss(p[None], torch.tensor([t]), None).item() for p in points] for t in (0, 1)]
        assert losses[0][0] < losses[0][1]
        assert losses[1][0] > losses[1][1]
        assert losses[0][0] == pytest.approx(np.sqrt(1.25) - 1)


class TestMade:
    x = windows(np.random.default_rng(0), 20)

    def test_every_sort_changes_every_sample_and_keeps_what_it_says(self):
        rng = seeds.rng(0, "made")
        assert np.sort(reordered(self.x, rng), axis=1) == pytest.approx(np.sort(self.x, axis=1))
        pieces = patched(self.x, rng)
        assert np.isin(pieces, self.x).all()
        for made in (reordered(self.x, rng), pieces, disturbed(self.x, rng), made_of(self.x, rng)):
            assert made.shape == self.x.shape
            assert np.isfinite(made).all()
            assert (np.abs(made - self.x).reshape(20, -1).max(axis=1) > 1e-3).mean() > 0.9

    def test_a_step_learns_from_as_many_made_as_normal_and_seeds_decide(self):
        kind, y = Anomaly(), np.zeros(20, np.int64)
        a, b, c = (kind.batch(self.x, y, seeds.rng(s, "step"))[0] for s in (0, 0, 1))
        assert (a == b).all()
        assert (a != c).any()
        assert (a[:20] == self.x).all()
        assert kind.batch(self.x, y, seeds.rng(0, "step"))[1].tolist() == [0] * 20 + [1] * 20


class TestReading:
    def test_normal_and_anomaly_are_split_so_that_training_sees_normal_only(self, tmp_path):
        task = open_task(str(folder(tmp_path / "p", [("normal", False), ("anomaly", True)])))
        assert task.kind.name == "anomaly"
        assert task.about()[0].startswith("anomaly detection: 48 images, training on normal ones only")
        assert parts(task) == [[14, 0], [5, 12], [5, 12]]

    def test_given_parts_stay_and_any_other_class_is_an_anomaly(self, tmp_path):
        layout = [("train/normal", False), ("valid/normal", False), ("valid/cut", True)]
        layout += [("test/normal", False), ("test/bent", True)]
        task = open_task(str(folder(tmp_path / "p", layout, 12)))
        assert parts(task) == [[12, 0], [12, 12], [12, 12]]
        assert task.classes == ("normal", "anomaly")

    def test_kind_and_normal_take_one_of_several_classes(self, tmp_path):
        path = str(folder(tmp_path / "p", [("good", False), ("a", True), ("b", True)]))
        assert open_task(path).kind.name == "classify"
        task = open_task(with_options(path, kind="anomaly", normal="good"))
        assert parts(task)[0][1] == 0
        assert sum(n for _, n in parts(task)) == 48
        with pytest.raises(ValueError, match=r"wants a class 'normal', or --normal CLASS; the classes are 'a', 'b'"):
            open_task(with_options(path, kind="anomaly"))
        with pytest.raises(ValueError, match="wants a class 'fine'; the classes are"):
            open_task(with_options(path, kind="anomaly", normal="fine"))

    def test_without_anomalies_some_are_made_and_that_is_said(self, tmp_path):
        task = open_task(str(folder(tmp_path / "p", [("normal", False)], 40)))
        assert parts(task) == [[24, 0], [8, 8], [8, 8]]
        assert sum("were made from its normal samples" in line for line in task.about()) == 2

    def test_too_few_normal_samples_are_one_line(self, tmp_path):
        path = str(folder(tmp_path / "p", [("normal", False), ("anomaly", True)], 6))
        with pytest.raises(ValueError, match="6 normal samples to split; anomaly detection needs 10"):
            open_task(path)

    def test_a_checked_copy_is_the_same_task(self, tmp_path):
        task = open_task(str(folder(tmp_path / "p", [("normal", False), ("anomaly", True)])))
        task.save(tmp_path / "copy.npz")
        copy = open_task(str(tmp_path / "copy.npz"))
        assert (copy.fingerprint, copy.kind.name, parts(copy)) == (task.fingerprint, "anomaly", parts(task))


def test_digits_anomaly_has_one_normal_digit():
    task = open_task("digits_anomaly:3")
    assert parts(task)[0] == [81, 0]
    assert [sum(p) for p in parts(task)[1:]] == [500, 500]
    with pytest.raises(ValueError, match="a digit from 0 to 9"):
        open_task("digits_anomaly:x")


def test_a_network_tells_what_it_has_never_seen_from_the_normal_digit():
    task = open_task("digits_anomaly:0")
    data = task.data()
    space = open_space("mcu_cnn", task.input_shape, task.outputs)
    genes = next(g for g in space.sample(np.random.default_rng(1), 50) if len(space.graph(g).nodes) < 14)
    trained = train(space.graph(genes), task, task.recipe("search"), 0, data.train, data.valid)
    assert trained.int8_metrics["auc"] > 0.97
    assert trained.int8_metrics["auc"] == pytest.approx(trained.float_metrics["auc"], abs=0.01)
    decided = task.kind.decided(
        (trained.network.outputs(data.valid.x), data.valid.y), (trained.network.outputs(data.test.x), data.test.y)
    )
    assert decided["false_alarm_rate"] < 0.2
    assert decided["detection_rate"] > 0.8


@tools
@pytest.mark.parametrize(("device", "outputs"), [("stm32f405", 8), ("rp2040", 1)])
def test_firmware_flags_the_samples_that_the_reference_flags(tmp_path, device, outputs):
    from latent_nas.firmware import elf
    from latent_nas.firmware.compile import build
    from latent_nas.firmware.draw import drawn
    from latent_nas.firmware.emulate import Emulator
    from latent_nas.firmware.export import project
    from latent_nas.training.metadata import Metadata

    space = open_space("mcu_cnn", (8, 8, 1), outputs)
    genes = next(g for g in space.sample(np.random.default_rng(1), 50) if len(space.graph(g).nodes) < 14)
    network, x = drawn(space.graph(genes), 0)
    lengths = Anomaly().scores(network.integers(x), network.quants[-1].zero_point)
    threshold = int(Anomaly().threshold(lengths, (lengths > np.median(lengths)).astype(np.int64)))
    board = open_device(device)
    made = project(network, board, about=Metadata(kind="anomaly", threshold=threshold))
    made.write(tmp_path)
    emulator = Emulator(elf.read(build(tmp_path, board.core)), board, [])
    told = [emulator.answered(one, i % 2) for i, one in enumerate(network.quants[0].quantise(x))]
    assert told == list(zip((lengths > threshold).tolist(), lengths.tolist(), strict=True))
    assert 0 < sum(flag for flag, _ in told) < len(x)
    assert f"#define MODEL_THRESHOLD {threshold}\n" in made.library["model.h"]


@tools
def test_a_search_ends_in_a_firmware_that_raises_alarms(tmp_path, command):
    rng = np.random.default_rng(0)
    sets = {"normal": windows(rng, 60), "anomaly": windows(rng, 20, odd=True)}
    lines = [f"{name},{','.join(f'{v:.4f}' for v in one.ravel())}" for name, x in sets.items() for one in x]
    (tmp_path / "bearing.csv").write_text(",".join(["label", *map(str, range(32))]) + "\n" + "\n".join(lines))
    quick = ["--space", "mcu_cnn1d", "--strategy", "random", "--trainings", "1", "--top", "1", "--final-seeds", "1"]
    quick += ["--workers", "1", "--recipe", "epochs=8", "--limit", "latency_ms=30"]
    done = command("search", "--task", "bearing.csv", *quick, "--out", tmp_path / "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "anomaly detection: 80 windows, training on normal ones only" in done.stderr
    assert "int8 AUC" in done.stdout
    best = json.loads((tmp_path / "run" / "result.json").read_text())["networks"][0]
    assert set(best["measured_beside"]) == {"threshold", "detection_rate", "false_alarm_rate"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "chosen on normal validation samples" in page.split("Anomalies</h2>")[1][:300]
    report = deploy(tmp_path / "run", "stm32f405", tmp_path / "fw", Build(emulator="unicorn"), 10, 1, lambda line: None)
    assert report["alarms"]["same_as_reference"]
    assert "flagged as anomalies" in summary(report)


def test_no_evaluator_learns_normal_from_the_anomalies_of_validation():
    task = open_task("digits_anomaly:3")
    learn, judge = data_for(task, task.data(), Job((0,), 0, part="test"))
    assert not learn.y.any()
    assert judge.y.any()
    digits = open_task("digits")
    assert len(data_for(digits, digits.data(), Job((0,), 0, part="test"))[0]) == 1297


def test_an_area_of_1_of_few_samples_is_not_certain():
    """As for shares: 30 of 30 told apart say less than 1,000 of 1,000; in between, the interval holds the area."""
    kind = Anomaly()

    def interval(normal, odd, apart, seed=0):
        rng = np.random.default_rng(seed)
        targets = np.repeat([0, 1], [normal, odd])
        outputs = np.zeros((len(targets), 8), np.float32)
        outputs[:, 0] = 5 + rng.normal(size=len(targets)) + apart * targets
        return kind.measure(outputs, targets)["auc"], *kind.interval(outputs, targets)

    value, low, high = interval(35, 15, 50)
    assert (value, high) == (1, 1)
    assert 0.80 < low < 0.95
    assert interval(1000, 1000, 50)[1] > 0.99
    true = float(norm.cdf(1 / 2**0.5))  # of two normal distributions a standard deviation apart
    held = [low <= true <= high for _, low, high in (interval(40, 40, 1, seed) for seed in range(300))]
    assert 0.92 <= np.mean(held) <= 0.99
