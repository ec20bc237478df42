"""Metrics beside the objective: predicted by name, saved, and shaping the codec's latent."""

import numpy as np
import pytest

from latent_nas import artifacts, seeds
from latent_nas.codec import Codec, CodecSettings
from latent_nas.codec.train import train_codec
from latent_nas.jobs.make.artefacts import known
from latent_nas.judge.measures import Measures, measured
from latent_nas.records import Record
from latent_nas.spaces import open_space

SPACE = open_space("resnet_analog:first=8,16;stages=1-2;repeats=1-2;branches=1-2", (8, 8, 1), 10)
NAMES = ("analog_accuracy_1d", "analog_accuracy_1d_std", "analog_variation_1month")


def records(n=90):
    """Records whose metrics follow from the genes: width helps accuracy, branches its std, depth its variation."""
    genes = seeds.rng(2).permutation(np.unique(SPACE.sample(seeds.rng(0, "measures"), 4 * n), axis=0))[:n]
    noise = seeds.rng(1).normal(size=(n, 3)) * 0.002
    values = np.stack([0.8 + 0.1 * genes[:, 0], 0.05 - 0.02 * genes[:, 5], 0.02 + 0.05 * genes[:, 1]], axis=1) + noise
    return [
        Record(tuple(g), "s", "t", 0, measured_beside=dict(zip(NAMES, v, strict=True)), objective=NAMES[0])
        for g, v in zip(genes.tolist(), values.tolist(), strict=True)
    ]


def test_repeats_are_averaged_and_failures_and_test_parts_left_out():
    one = Record((1, 0), "s", "t", 0, measured_beside={"a": 1.0, "b": 5.0})
    two = Record((1, 0), "s", "t", 1, measured_beside={"a": 2.0})
    test = Record((0, 0), "s", "t", 0, part="test", measured_beside={"a": 9.0})
    failed = Record((0, 1), "s", "t", 0, status="failed")
    genes, values, names = measured([one, two, test, failed])
    assert (genes.tolist(), values.tolist(), names) == ([[1, 0]], [[1.5]], ("a",))
    assert measured([failed])[2] == ()


def test_std_and_variation_are_predicted_by_name_and_survive_saving(tmp_path):
    genes, values, names = measured(records())
    held = np.arange(len(genes)) % 5 == 0
    model = Measures.fit(SPACE, genes[~held], values[~held], names, 0)
    found = model.predict(genes[held])
    assert tuple(found) == names == tuple(sorted(NAMES[1:]))
    for i, name in enumerate(names):
        mean, std = found[name]
        assert np.corrcoef(mean, values[held, i])[0, 1] > 0.9
        assert (std > 0).all()
    artifacts.save(tmp_path / "m", model.artifact({"space": "resnet_analog"}, {}))
    again = Measures.of_artifact(SPACE, artifacts.load(tmp_path / "m", "surrogate")).predict(genes[held])
    assert all(np.array_equal(again[n][0], found[n][0]) for n in names)
    with pytest.raises(ValueError, match="fit one for this space"):
        Measures.of_artifact(open_space("mcu_cnn", (8, 8, 1), 10), artifacts.load(tmp_path / "m", "surrogate"))


def test_the_codec_is_supervised_by_them(tmp_path):
    genes, labels = known(records(), NAMES[1:])
    assert labels.shape == (len(genes), 3)
    with pytest.raises(ValueError, match="no metric 'luck'; there are: analog_accuracy_1d_std"):
        known(records(), ["luck"])
    codec = train_codec(SPACE, CodecSettings(slots=6, steps=150), 0, accuracy=(genes, labels))
    codec.save(tmp_path / "codec")
    codec = Codec.load(tmp_path / "codec", SPACE)
    said = codec.predict_heads(codec.latent(codec.encode(genes)))
    assert said["accuracy"].shape == (len(genes),)
    assert said["measures"].shape == (len(genes), 2)
    assert np.corrcoef(said["accuracy"], labels[:, 0])[0, 1] > 0.8
    assert all(np.corrcoef(said["measures"][:, i], labels[:, 1 + i])[0, 1] > 0.8 for i in range(2))
    alone = train_codec(SPACE, CodecSettings(slots=6, steps=2), 0, accuracy=(genes, labels[:, 0]))
    assert "measures" not in alone.predict_heads(alone.latent(alone.encode(genes)))
