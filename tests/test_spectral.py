"""Spectral features of series: what they are, in Python and bit for bit in C, and what they are good for."""

import json
import re
from dataclasses import replace

import motion_data
import numpy as np
import pytest
from constants_in_c import constant_bytes

from latent_nas import cli
from latent_nas.costs import costs
from latent_nas.costs.front_end import front_end_cost
from latent_nas.devices import open_device
from latent_nas.graph import Builder
from latent_nas.jobs.search.about import about_data
from latent_nas.jobs.search.config import SearchConfig, new_config
from latent_nas.limits import Limits
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.preprocessing import Preprocessing
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.spectral import EACH, MOST
from latent_nas.target import Target, open_target
from latent_nas.tasks import open_task
from latent_nas.tasks._front import Asked, made
from latent_nas.tasks._names import full_name
from latent_nas.training import train
from latent_nas.training.metadata import Metadata

RNG = np.random.default_rng(0)


def front_of(asked, steps, channels):
    return made(RNG.normal(0, 3, (20, steps, 1, channels)), asked, ())


def odd_series(steps, channels, n=200):
    """Return series (n, steps, 1, channels): noise of all sizes, and what fills or leaves the range that is kept."""
    n -= 8
    x = RNG.normal(0, 1, (n, steps, 1, channels)) * 10.0 ** RNG.uniform(-3, 2, (n, 1, 1, channels))
    still, step = np.zeros((steps, 1, 1)), np.arange(steps)[:, None, None]
    waves = [still, still + 1e9, still - 1e9, still + np.nan, still + 7, np.where(step == steps // 2, -1e6, still)]
    waves += [1e9 * np.sign(np.sin(0.7 * step + 0.1)), 1e9 * (-1.0) ** step]
    return np.concatenate([np.stack([w + np.zeros((steps, 1, channels)) for w in waves]), x]).astype(np.float32)


class TestFeatures:
    def test_are_what_floats_would_give(self):
        front = front_of(Asked(frame=50, frame_hop=20, fft=64, bands="5"), 100, 2)
        x = RNG.normal(1, 2, (10, 100, 1, 2)).astype(np.float32)
        found = front.integers(x)[..., 0].reshape(10, 3, 2, -1)
        whole = front.sampled(x)
        at = np.arange(3)[:, None] * 20 + np.arange(50)
        frames = whole[:, at].transpose(0, 1, 3, 2)  # (n, frames, channels, steps)
        mean = np.floor(frames.mean(axis=-1) + 0.5)
        rest = frames - mean[..., None]
        assert (found[..., 0] == mean).all()
        assert np.abs(found[..., 1] / 512 - np.log2((rest**2).sum(axis=-1) + 50)).max() < 2 / 512
        assert (found[..., 2] == (np.signbit(rest[..., 1:]) != np.signbit(rest[..., :-1])).sum(axis=-1)).all()
        peak = np.abs(rest).max(axis=-1)
        assert np.abs(found[..., 3] / 512 - np.log2((peak**2 + 1) / ((rest**2).sum(axis=-1) + 50))).max() < 3 / 512
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(50) + 0.5) / 50)
        power = np.abs(np.fft.rfft(rest * hann, 64)) ** 2
        bands = np.stack([power[..., a:b].sum(axis=-1) for a, b in zip(front.edges, front.edges[1:], strict=False)], -1)
        offset = found[..., 4:] / 512 - np.log2(bands)
        assert np.abs(offset - np.median(offset)).max() < 5 / 512

    def test_a_wave_is_in_the_band_that_holds_its_frequency(self):
        front = front_of(Asked(fft=64, frame=64, bands="1,3,8,25", rate=50), 128, 1)
        assert [name.split()[2] for name in front.columns[4:]] == ["1.56", "3.12", "8.59"]
        for band, hertz in enumerate((2, 5, 12)):
            x = 9.81 + np.sin(2 * np.pi * hertz * np.arange(128) / 50)
            values = front.integers(x[None, :, None, None])[0, 0, :, 0]
            assert values[len(EACH) :].argmax() == band
            assert values[2] == pytest.approx(2 * hertz * 64 / 50, abs=1)  # crossings of the mean, not of 0
        assert abs(front.sampled(np.full((1, 128, 1, 1), 1e9))).max() == MOST

    def test_bands_grow_evenly_and_none_is_empty(self):
        for points in (16, 64, 256):
            for bands in (1, 3, points // 2):
                edges = front_of(Asked(frame=8, fft=points, bands=str(bands)), 32, 1).edges
                assert (edges[0], edges[-1], len(edges)) == (1, points // 2 + 1, bands + 1)
                assert (np.diff(edges) >= 1).all()

    def test_travel_as_plain_json(self):
        front = front_of(Asked(), 64, 3)
        seen = Preprocessing(front.shape, front_end=front)
        assert Preprocessing.from_json(json.loads(json.dumps(seen.to_json()))) == seen

    def test_every_device_has_a_cost(self):
        front = front_of(Asked(), 128, 3)
        assert front.buffer_bytes() == 4 * (64 + 2) + 2 * (64 * 3 + 64) + 3 * 36
        for device in ("stm32f405", "rp2040"):
            assert min(front_end_cost(front, open_device(device)).row) > 0


# The default, zeros behind a frame, frames that lie apart, one frame of a length that is no power of two.
SETTINGS = [
    (Asked(), 128, 3),
    (Asked(frame=25, frame_hop=9, fft=64, bands="5"), 64, 1),
    (Asked(frame=16, frame_hop=20), 100, 2),
    (Asked(frame=100), 100, 2),
]


def network_behind(setting, device, names=()):
    """Return a project of a small network with drawn weights."""
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    from latent_nas.firmware.draw import drawn
    from latent_nas.firmware.export import project

    front = replace(front_of(*setting), names=names)
    n, columns = front.shape[1], front.columns if names else ()
    seen = Preprocessing(front.shape, shift=(900.0,) * n, gain=(1 / 900,) * n, columns=columns, front_end=front)
    b = Builder(front.shape)
    b.add(Dense(4), b.add(GlobalPool(), 0))
    return project(drawn(b.build(), 0, 4)[0], open_device(device), about=Metadata(preprocessing=seen), prefix="kws")


class TestInC:
    @pytest.mark.parametrize(
        ("setting", "device", "n"),
        [(SETTINGS[0], "stm32f405", 200), (SETTINGS[0], "rp2040", 200), *((s, "stm32f405", 20) for s in SETTINGS[1:])],
    )
    def test_are_the_reference_s_bits_on_emulated_boards(self, tmp_path, setting, device, n):
        from latent_nas.firmware import raw as from_raw

        one = network_behind(setting, device)
        raw = odd_series(*setting[1:], n)
        proof = from_raw.run(one, tmp_path, raw, plain=False, toolchain="zig")
        assert (proof.equal_inputs, proof.equal_outputs) == (n, n)
        computed = front_end_cost(one.component.seen.front_end, one.device)
        middle = sum(proof.preprocess_cycles) / 2
        assert abs(middle / computed.cycles - 1) < one.device.core.front_end_error

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_what_its_tables_cost_is_what_the_file_holds(self, setting):
        one = network_behind(setting, "stm32f405")
        assert constant_bytes(one.files["kws/kws_preprocess.c"]) == one.component.seen.front_end.table_bytes()

    def test_a_step_s_order_is_said_apart_from_the_features(self):
        one = network_behind(SETTINGS[0], "stm32f405", ("ax", "ay", "az"))
        assert "Order of the values of a step: ax, ay, az." in one.files["README.md"]
        assert "Order of the columns of the input: ax mean, ax rms" in one.files["README.md"]
        header = one.files["kws/kws.h"]
        assert "; 128 steps, each ax, ay, az.\n * The front end makes the columns" in header
        assert "*   column 0: ax mean" in header

    def test_are_pushed_step_by_step(self, tmp_path):
        """Frames overlap, and the network runs every second frame; compiled strictly, as C and as C++."""
        from on_host import Called, compiled

        from latent_nas import artifacts

        setting = (replace(SETTINGS[0][0], hop=64), *SETTINGS[0][1:])
        one = network_behind(setting, "stm32f405")
        for name, text in one.files.items():
            if name.startswith("kws/"):
                artifacts.write(tmp_path / name, text)
        assert "KWS_STEP_VALUES 3" in one.files["kws/kws.h"]
        assert "float step[KWS_STEP_VALUES]" in one.files["README.md"]
        assert "after a gap kws_begin() forgets the steps before it" in one.files["README.md"]
        assert "; 128 steps, each 3 channels. */" in one.files["kws/kws.h"]
        raw = RNG.normal(0, 3, (384, 3)).astype(np.float32)
        for plus in (False, True):
            called = Called(compiled([tmp_path / "kws"], tmp_path / f"kws{plus}.so", plus), one.component)
            found = {i: answer for i, step in enumerate(raw, 1) if (answer := called.push(step)) is not None}
            assert [*found] == [128, 192, 256, 320, 384]
            windows = np.stack([raw[end - 128 : end, None] for end in found])
            seen, net = one.component.seen, one.network
            assert (np.array([*found.values()]) == net.from_integers(seen.integers(windows, net.quants[0]))).all()
            whole = (100 * windows).astype(np.int16)
            wanted = net.from_integers(seen.integers(whole.astype(np.float32), net.quants[0]))
            assert (np.array([called.feed(w, "feed_int16") for w in whole]) == wanted).all()


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """Return the task of 240 windows of 128 steps; options of its front end go behind it."""
    place = tmp_path_factory.mktemp("motion") / "moving.npz"
    x, y = motion_data.windows(40, 128)
    np.savez(place, x=x, y=y)
    return f"{place}?layout=nsc"


class TestTask:
    def test_the_raw_data_of_its_inputs_are_those_of_the_files(self, moving):
        task = open_task(f"{moving}&front=spectral&bands=6")
        x = task.data().valid.x
        raw, seen = task.raw(x), task.preprocessing()
        files = {one.tobytes() for one in motion_data.windows(40, 128)[0]}
        assert {one.tobytes() for one in raw} <= files
        assert seen.scaled(raw) == pytest.approx(x, abs=1e-5)
        assert (seen.varies, seen.columns[:2]) == ("column", ("channel 0 mean", "channel 0 rms"))
        assert task.space == "mcu_cnn1d"

    def test_samples_are_split_alike_whatever_the_front_end(self, moving):
        plain, spectral = (open_task(f"{moving}&front={front}") for front in ("raw", "spectral"))
        windows, again = plain.raw(plain.data().valid.x), spectral.raw(spectral.data().valid.x)
        assert {one.tobytes() for one in windows} == {one.tobytes() for one in again}

    def test_what_was_imported_is_the_same_task(self, moving, tmp_path):
        task = open_task(f"{moving}&front=spectral")
        task.save(tmp_path / "moving.npz")
        again = open_task(str(tmp_path / "moving.npz"))
        assert again.preprocessing() == task.preprocessing()
        assert again.raw(again.data().valid.x) is None
        assert (again.data().test.x == task.data().test.x).all()

    def test_its_name_holds_what_was_asked(self, moving):
        asked = f"{moving}&front=spectral&rate=50&frame=32&frame_hop=16&fft=64&bands=0.5,3,8,20"
        assert sorted(re.split("[?&]", full_name(asked))) == sorted(re.split("[?&]", asked))
        assert open_task(asked).input_shape == (7, 21, 1)

    def test_recordings_that_are_cut_say_when_to_run(self, tmp_path):
        for name in ("walk", "jog"):
            for i in range(6):
                steps = motion_data.motion(name, 200, RNG)
                rows = "\n".join(",".join(f"{v:.4f}" for v in row) for row in steps)
                (tmp_path / f"{name}_{i}.csv").write_text(f"ax,ay,az\n{rows}\n")
        seen = open_task(f"{tmp_path}?window=64&hop=32&front=spectral").preprocessing()
        assert (seen.front_end.every, seen.columns[12]) == (2, "ay mean")

    def test_normal_samples_are_proven_from_raw_data(self, moving):
        """Anomalies that were made of features are in no file."""
        task = open_task(f"{moving}&front=spectral&kind=anomaly&normal=walk")
        valid = task.with_raw(task.data().valid)
        assert valid.y.max() == 0
        assert len(task.raw(valid.x)) == len(valid)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("bands=0.5,3,8", "edges in Hz, and the sampling rate is not known; say rate=HZ"),
            ("bands=0.5,3,30&rate=50", "30 Hz is above 25 Hz, half the sampling rate"),
            ("bands=0.5,0.6,8&rate=50", "none of the 32 bins, 0.781 Hz apart, is from 0.5 to 0.6 Hz"),
            ("bands=40", "more than the 32 bins of a transform of 64 points"),
            ("bands=3,2&rate=50", "edges in Hz that grow"),
            ("frame=129", "frame=129 is longer than the series, which have 128 steps"),
            ("fft=32", "fft=32 is less than the 64 steps of a frame"),
            ("fft=100", "a power of two from 16 to 4096"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, moving, capsys, options, said):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["dataset", "info", f"{moving}&front=spectral&{options}"])
        error = capsys.readouterr().err
        assert (stopped.value.code, error.count("\n")) == (2, 1)
        assert said in error

    def test_is_for_series(self, moving, tmp_path):
        with pytest.raises(ValueError, match="data option 'bands' is of spectral features; say front=spectral"):
            open_task(f"{moving}&bands=8")
        np.savez(tmp_path / "images.npz", x=RNG.integers(0, 255, (40, 8, 8)).astype(np.uint8), y=np.arange(40) % 2)
        with pytest.raises(ValueError, match="is for series, STEPSx1xCHANNELS; the rows here are 8x8x1"):
            open_task(f"{tmp_path / 'images.npz'}?front=spectral")


def test_motion_gains_from_them(moving):
    """By more than the spread of three seeds, although features and network together take less time than the other."""
    scores, took, device = {}, {}, open_device("stm32f405")
    for front, place in (("raw", 1), ("spectral", 6)):
        task = open_task(f"{moving}&front={front}")
        space = open_space("mcu_cnn1d", task.input_shape, task.outputs)
        graphs = [space.graph(g) for g in space.sample(np.random.default_rng(3), 20)]
        graph = sorted(graphs, key=lambda graph: graph.macs)[place]
        recipe, data = replace(task.recipe("search"), epochs=14), task.data()
        took[front] = costs(graph, device, open_runtime("native")).latency_ms
        took[front] += front_end_cost(task.front_end, device).latency_ms if task.front_end else 0
        scores[front] = [
            train(graph, task, recipe, seed, data.train, data.valid).int8_metrics["accuracy"] for seed in range(3)
        ]
    assert took["spectral"] < took["raw"], took
    assert min(scores["spectral"]) > max(scores["raw"]), scores


class TestAuto:
    """Front ends that a search tries."""

    def test_takes_what_is_best_on_validation_and_says_so(self, moving):
        target = Target("", f"{moving}&front=auto&bands=5", "stm32f405", "")
        limits = Limits(flash_bytes=48_000, ram_bytes=16_000, latency_ms=4.0)
        config = new_config(target, child_epochs=2, limits=limits)
        found = config.front_found
        tried = dict(re.findall(r"(?:is|,) ((?:raw|spectral)[^,]*?) (\d\.\d{4})", found))
        assert [*tried] == ["raw", "spectral", "spectral frame=128", "spectral frame=32"]
        best = max(tried, key=lambda name: float(tried[name]))
        assert found.startswith(f"front=auto takes {best}: the best validation accuracy of 3 networks each")
        told = config.target.task
        assert open_task(told).input_shape[1] == (1 if best == "raw" else 27)
        assert SearchConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
        assert found in about_data(open_target(config.target), found=found)

    def test_limits_that_no_front_end_leaves_room_for_are_one_line(self, moving):
        target = Target("", f"{moving}&front=auto", "stm32f405", "")
        with pytest.raises(ValueError, match=r"finds no front end within the limits .*; loosen the limits") as error:
            new_config(target, child_epochs=1, limits=Limits(flash_bytes=1000))
        assert "\n" not in str(error.value)

    def test_is_for_a_search_of_series_or_recordings(self, moving, tmp_path):
        with pytest.raises(ValueError, match="front=auto is for a search, which tries front ends"):
            open_task(f"{moving}&front=auto")
        np.savez(tmp_path / "images.npz", x=RNG.integers(0, 255, (40, 8, 8)).astype(np.uint8), y=np.arange(40) % 2)
        with pytest.raises(ValueError, match=r"front=auto is for series and recordings; .* holds neither"):
            new_config(Target("", f"{tmp_path / 'images.npz'}?front=auto", "stm32f405", ""))
