"""A network as a component in C: what travels with it, fed with raw data, in programs of others."""

import ctypes
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
from on_host import Called, compiled

from latent_nas import cli
from latent_nas.devices import open_device
from latent_nas.firmware import naming
from latent_nas.firmware import raw as from_raw
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.export import project
from latent_nas.firmware.layouts import laid_out
from latent_nas.firmware.naming import checked_prefix, comment, constants, string
from latent_nas.front_end import FrontEnd
from latent_nas.graph import Builder
from latent_nas.jobs.answers import about_of
from latent_nas.jobs.networks import open_source
from latent_nas.jobs.search.config import SearchConfig
from latent_nas.jobs.search.resume import going_on
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.preprocessing import PIXEL, SOUND, Preprocessing
from latent_nas.runs.folder import RunFolder
from latent_nas.tasks import open_task
from latent_nas.training.metadata import Metadata, metadata_of

BOARD = open_device("stm32f405")
NASTY = ('say "hi"', "two\nlines", "end */ of comment", "größer", "x" * 300, "a-b", "a b", "??/", "\\")


def network(shape, outputs=3, seed=0):
    """Return an int8 network of a convolution and a dense layer with drawn weights."""
    b = Builder(shape)
    b.add(Dense(outputs), b.add(GlobalPool(), b.add(Conv2d(4), 0)))
    return drawn(b.build(), seed, 4)[0]


def made(seen, prefix="model", camera=None, **about):
    """Return a project with a golden sample."""
    net = network(seen.shape, len(about.get("classes", "abc")))
    sample = samples(seen, 1)
    x = seen.integers(sample, net.quants[0])
    golden = {"golden_raw": sample[0], "golden_input": x[0], "golden_output": net.from_integers(x)[0]}
    about = {"kind": "classify", "classes": ("a", "b", "c"), **about}
    return project(net, BOARD, about=Metadata(preprocessing=seen, **about, **golden), prefix=prefix, camera=camera)


def samples(seen, n, seed=0):
    """Return raw data (n, *shape) over and beyond the range that int8 can say."""
    rng = np.random.default_rng(seed)
    if seen.front_end is not None:
        loud = 10.0 ** rng.uniform(-4, 0, (n, 1))
        return (32767 * np.clip(loud * rng.normal(0, 0.5, (n, seen.front_end.samples)), -1, 1)).astype(np.int16)
    if seen.raw == PIXEL:
        return rng.integers(0, 256, (n, *seen.shape)).astype(np.uint8)
    shift, gain = seen._spread(np.float64)
    return (rng.normal(0, 1.5, (n, *seen.shape)) / gain + shift).astype(np.float32)


SERIES = Preprocessing((12, 1, 3), shift=(0.5, -980.0, 3e4), gain=(2.0, 0.01, 1e-4), window=12, hop=5)
TABLE = Preprocessing((1, 5, 1), shift=(0.0, 1.0, 2.0, -3.0, 400.0), gain=(1.0, 0.5, 7.0, 100.0, 0.002))
COLOURS = Preprocessing((6, 6, 3), PIXEL, shift=(120.0, 100.0, 90.0), gain=(1 / 60, 1 / 64, 1 / 50))
EAR = FrontEnd.of(2000, 800)
WIDE_APART = FrontEnd(2000, 800, 32, 48, 6, "mfcc")  # windows that have no sample in common


def speech(ear):
    values = ear.shape[1]
    return Preprocessing(
        ear.shape, SOUND, shift=(-3.0,) * values, gain=tuple(np.linspace(0.5, 2, values)), front_end=ear
    )


SPEECH = speech(EAR)
GREY = Preprocessing((6, 6, 1), PIXEL, gain=(1 / 255,), grey=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Seven components in one program, as C and as C++."""
    place = tmp_path_factory.mktemp("components")
    projects = {
        n: made(s, n) for n, s in {"seq": SERIES, "tab": TABLE, "rgb": COLOURS, "grey": GREY, "ear": SPEECH}.items()
    }
    projects |= {"named": made(GREY, "named", classes=NASTY), "apart": made(speech(WIDE_APART), "apart")}
    for name, one in projects.items():
        one.write(place / name)
    folders = [place / name / name for name in projects]
    loaded = {plus: compiled(folders, place / f"all{plus}.so", plus) for plus in (False, True)}
    return projects, loaded


@pytest.mark.parametrize("plus", [False, True], ids=["C99", "C++17"])
def test_several_components_in_one_program_give_the_references_outputs(library, plus):
    projects, loaded = library
    for name, one in projects.items():
        called, seen = Called(loaded[plus], one.component), one.component.seen
        raw = samples(seen, 20, seed=1)
        wanted = one.network.from_integers(seen.integers(raw, one.network.quants[0]))
        assert (np.array([called.feed(r) for r in raw]) == wanted).all(), name
        assert called.self_test() == 0


def test_depthwise_layers_are_right_on_a_computer_too(tmp_path):
    """Pointers of 64 bits do not fit into the scratch that is planned for microcontrollers."""
    b = Builder((9, 8, 1))
    at = b.add(Conv2d(6, (7, 7), (2, 2), groups=6), b.add(Conv2d(6), 0))
    b.add(Dense(3), b.add(GlobalPool(), b.add(Conv2d(6, groups=6), at)))
    seen = Preprocessing((9, 8, 1), PIXEL, gain=(1 / 255,), grey=True)
    one = project(drawn(b.build(), 0, 4)[0], BOARD, about=Metadata(preprocessing=seen), prefix="wide")
    one.write(tmp_path)
    called, raw = Called(compiled([tmp_path / "wide"], tmp_path / "wide.so"), one.component), samples(seen, 8)
    wanted = one.component.network.from_integers(seen.integers(raw, one.component.network.quants[0]))
    assert np.array_equal([called.feed(sample) for sample in raw], wanted)


def test_whole_numbers_are_fed_as_they_come_from_a_sensor(library):
    projects, loaded = library
    called, one = Called(loaded[False], projects["seq"].component), projects["seq"]
    raw = np.random.default_rng(2).integers(-32768, 32768, (20, 12, 1, 3)).astype(np.int16)
    wanted = one.network.from_integers(SERIES.integers(raw, one.network.quants[0]))
    assert (np.array([called.feed(r, "feed_int16") for r in raw]) == wanted).all()


def test_colours_become_grey_as_pillow_makes_them(library):
    from PIL import Image

    projects, loaded = library
    called, one = Called(loaded[False], projects["grey"].component), projects["grey"]
    rgb = np.random.default_rng(3).integers(0, 256, (20, 6, 6, 3)).astype(np.uint8)
    grey = np.stack([np.asarray(Image.fromarray(image).convert("L"))[..., None] for image in rgb])
    wanted = one.network.from_integers(GREY.integers(grey, one.network.quants[0]))
    assert (np.array([called.feed(image, "feed_rgb") for image in rgb]) == wanted).all()


def test_a_series_is_pushed_step_by_step(library):
    projects, loaded = library
    called, one = Called(loaded[False], projects["seq"].component), projects["seq"]
    steps = samples(SERIES, 4, seed=4).reshape(-1, 3)
    found = {i: answer for i, step in enumerate(steps, 1) if (answer := called.push(step)) is not None}
    assert [*found] == list(range(12, 49, 5))
    windows = np.stack([steps[end - 12 : end].reshape(12, 1, 3) for end in found])
    wanted = one.network.from_integers(SERIES.integers(windows, one.network.quants[0]))
    assert (np.array([*found.values()]) == wanted).all()


@pytest.mark.parametrize("name", ["ear", "apart"])
def test_audio_is_pushed_in_pieces_of_any_length(library, name):
    projects, loaded = library
    called, one = Called(loaded[False], projects[name].component), projects[name]
    raw = samples(one.component.seen, 5, seed=6)
    wanted = one.network.from_integers(one.component.seen.integers(raw, one.network.quants[0]))
    rng = np.random.default_rng(7)
    for recording, answer in zip(raw, wanted, strict=True):
        called.begin()
        pieces = np.split(recording, np.sort(rng.integers(0, len(recording), 9)))
        assert sum(called.push_some(piece) for piece in pieces) == 1
        assert (called.answer() == answer).all()


@pytest.mark.parametrize(
    ("seen", "device"), [(SPEECH, "stm32f405"), (SERIES, "stm32f405"), (TABLE, "rp2040"), (COLOURS, "nrf5340_net")]
)
def test_raw_data_on_the_emulated_board(tmp_path, seen, device):
    one = project(network(seen.shape), open_device(device), about=Metadata(preprocessing=seen), prefix="kws")
    raw = samples(seen, 200, seed=5)
    proof = from_raw.run(one, tmp_path, raw, plain=False, toolchain="zig")
    assert (proof.inputs, proof.equal_inputs, proof.equal_outputs) == (200, 200, 200)
    assert proof.preprocess_instructions > raw[0].size
    if seen.front_end is not None:
        return
    odd = replace(one, component=replace(one.component, seen=replace(seen, shift=tuple(s + 9 for s in seen.shift))))
    assert not from_raw.run(odd, tmp_path, raw[:3], plain=False, toolchain="zig").bit_exact


class TestPreprocessing:
    @pytest.mark.parametrize("seen", [SERIES, TABLE, COLOURS, GREY])
    def test_what_it_makes_of_raw_data_is_what_training_saw(self, seen):
        net, raw = network(seen.shape), samples(seen, 200)
        trained = net.quants[0].quantise(seen.scaled(raw))
        assert (seen.integers(raw, net.quants[0]) == trained).mean() > 0.9999
        again = seen.raw_of(seen.scaled(raw))
        assert np.allclose(again, raw, rtol=1e-5, atol=1e-3)

    def test_is_plain_json(self):
        assert Preprocessing.from_json(json.loads(json.dumps(SERIES.to_json()))) == SERIES

    def test_one_scale_is_folded_into_the_quantisation(self):
        quant = network(GREY.shape).quants[0]
        folded = GREY.folded(replace(quant, scale=1 / 255, zero_point=-128))
        assert (folded.scale, folded.zero_point) == (pytest.approx(1), -128)
        assert COLOURS.folded(quant) is None

    def test_what_is_no_number_is_the_least(self):
        quant = network(TABLE.shape).quants[0]
        assert (TABLE.integers(np.full((1, 1, 5, 1), np.nan, np.float32), quant) == -128).all()

    def test_needs_a_shift_for_every_channel(self):
        with pytest.raises(ValueError, match="3 shifts and 3 gains for an input"):
            replace(TABLE, shift=(1.0,) * 3, gain=(1.0,) * 3)

    @pytest.mark.parametrize("name", ["digits", "diabetes", "digits_anomaly:3"])
    def test_tasks_that_ship_say_how_raw_data_become_inputs(self, name):
        task = open_task(name)
        x = task.data().valid.x[:50]
        assert np.allclose(task.preprocessing().scaled(task.raw(x)), x, atol=1e-5)


class TestOwnData:
    def table(self, place, scale):
        rng = np.random.default_rng(0)
        rows = ["ax,temperature,label"] + [
            f"{i % 2 + rng.normal() / 5:.5f},{scale * (5 + rng.normal()):.5f},{['no', 'yes'][i % 2]}" for i in range(60)
        ]
        place.write_text("\n".join(rows) + "\n")
        return str(place)

    def test_shift_and_gain_of_a_table_are_those_of_its_columns(self, tmp_path):
        task = open_task(self.table(tmp_path / "t.csv", 100.0))
        seen = task.preprocessing()
        assert (seen.varies, seen.columns) == ("column", ("ax", "temperature"))
        assert seen.shift[1] == pytest.approx(500, abs=40)
        raw = task.raw(task.data().valid.x)
        lines = (tmp_path / "t.csv").read_text().splitlines()[1:]
        rows = {np.array(line.split(",")[:2], np.float32).tobytes() for line in lines}
        assert {row.tobytes() for row in raw.reshape(-1, 2)} <= rows

    def test_pixels_are_those_of_the_files(self, tmp_path):
        from PIL import Image

        rng = np.random.default_rng(0)
        for i in range(40):
            (tmp_path / str(i % 2)).mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (9, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / str(i % 2) / f"{i}.png")
        task = open_task(f"{tmp_path}?input=8x8x1")
        seen = task.preprocessing()
        assert (seen.raw, seen.gain, seen.grey) == (PIXEL, (1 / 255,), True)
        assert "bilinear" in seen.resize
        assert (
            seen.integers(task.raw(x := task.data().valid.x), (q := network(x.shape[1:]).quants[0])) == q.quantise(x)
        ).all()

    def test_recordings_are_those_of_the_files(self, tmp_path):
        from scipy.io import wavfile

        rng = np.random.default_rng(0)
        for i in range(24):
            (tmp_path / str(i % 2)).mkdir(exist_ok=True)
            sound = (3000 * (1 + i % 2) * rng.normal(0, 0.3, 2000)).astype(np.int16)
            wavfile.write(tmp_path / str(i % 2) / f"{i}.wav", 4000, sound)
        task = open_task(str(tmp_path))
        x = task.data().valid.x
        raw = task.raw(x)
        sounds = {wavfile.read(file)[1].tobytes() for file in tmp_path.rglob("*.wav")}
        assert {one.tobytes() for one in raw} <= sounds
        assert task.preprocessing().scaled(raw) == pytest.approx(x, abs=1e-4)

    def test_what_was_imported_still_knows_its_shift_and_gain(self, tmp_path):
        task = open_task(self.table(tmp_path / "t.csv", 100.0))
        task.save(tmp_path / "t.npz")
        again = open_task(str(tmp_path / "t.npz")).preprocessing()
        assert (again.shift, again.gain, again.columns) == (
            task.preprocessing().shift, task.preprocessing().gain, ("ax", "temperature"),
        )  # fmt: skip


class TestMetadata:
    def test_travels_with_the_network_into_files_of_others(self, tmp_path, capsys):
        onnx = pytest.importorskip("onnx")
        task = open_task("digits")
        net = network(task.input_shape, 10)
        about = metadata_of(task, net, {"test_accuracy": 0.5})
        net.save(tmp_path / "net", {"task": "digits"}, about.files())
        again = Metadata.read(tmp_path / "net")
        assert again.to_json() == about.to_json()
        assert (again.golden_raw == about.golden_raw).all()
        assert (net.from_integers(again.golden_input[None])[0] == again.golden_output).all()
        with pytest.raises(SystemExit):
            cli.main(["export", str(tmp_path / "net"), "--out", str(tmp_path / "net.onnx")])
        props = {p.key: p.value for p in onnx.load(tmp_path / "net.onnx").metadata_props}
        found = json.loads(props["latent_nas"])
        assert found["classes"] == list("0123456789")
        assert found["preprocessing"]["gain"] == [1 / 16]

    @pytest.mark.parametrize(
        ("ending", "said", "shape"),
        [
            ("onnx", "float input n x 3 x 9 x 1, channels first (scale", (1, 3, 9, 1)),
            ("tflite", "int8 input 1 x 9 x 1 x 3, channels last (scale", (1, 9, 1, 3)),
        ],
    )
    def test_an_export_says_the_axes_of_its_file(self, ending, said, shape, tmp_path, capsys):
        network((9, 1, 3)).save(tmp_path / "net", {}, Metadata(preprocessing=Preprocessing((9, 1, 3))).files())
        file = tmp_path / f"net.{ending}"
        with pytest.raises(SystemExit, match="0"):
            cli.main(["export", str(tmp_path / "net"), "--out", str(file)])
        printed = capsys.readouterr().out
        assert said in printed
        assert "raw data become the input by 'preprocessing' of its metadata" in printed
        if ending == "onnx":
            session = pytest.importorskip("onnxruntime").InferenceSession(str(file))
            assert session.run(None, {"input": np.zeros(shape, np.float32)})[0].shape == (1, 3)
        else:
            interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(str(file))
            assert tuple(interpreter.get_input_details()[0]["shape"]) == shape

    @pytest.mark.parametrize("ending", ["onnx", "tflite"])
    def test_the_front_end_of_an_exported_file_counts_in_its_cost(self, ending, tmp_path, capsys):
        pytest.importorskip("onnx" if ending == "onnx" else "flatbuffers")
        network(SPEECH.shape).save(tmp_path / "net", {}, Metadata(preprocessing=SPEECH).files())
        file, found = str(tmp_path / f"net.{ending}"), {}
        with pytest.raises(SystemExit, match="0"):
            cli.main(["export", str(tmp_path / "net"), "--out", file])
        for given in (file, str(tmp_path / "net")):
            capsys.readouterr()
            with pytest.raises(SystemExit, match="0"):
                cli.main(["cost", given, "--json"])
            found[given] = json.loads(capsys.readouterr().out)
        assert found[file]["front_end"] == found[str(tmp_path / "net")]["front_end"]
        assert found[file]["front_end"]["computed_ram_bytes"] == EAR.buffer_bytes()

    @pytest.mark.parametrize("ending", ["onnx", "tflite"])
    def test_an_exported_file_is_fed_as_the_network_that_it_is_from(self, ending, tmp_path):
        pytest.importorskip("onnx" if ending == "onnx" else "flatbuffers")
        about = Metadata(preprocessing=SPEECH, classes=("yes", "no", "none"), kind="classify", metric="accuracy")
        network(SPEECH.shape).save(tmp_path / "net", {}, about.files())
        with pytest.raises(SystemExit, match="0"):
            cli.main(["export", str(tmp_path / "net"), "--out", str(tmp_path / f"net.{ending}")])
        made = {}
        for name in ("net", f"net.{ending}"):
            source = open_source(tmp_path / name)
            integers, said = source.quantised()
            found = about_of(source, integers, said)
            assert found.to_json() == about.to_json()
            files = project(integers, BOARD, about=found, prefix="kws").files
            made[name] = (
                [line for line in files["kws/kws.h"].splitlines() if "kws_" in line],
                files["kws/kws_preprocess.c"],
            )
        assert made["net"] == made[f"net.{ending}"]
        assert any("kws_push(" in line for line in made["net"][0])

    def test_metadata_of_another_input_are_refused(self, tmp_path):
        pytest.importorskip("onnx")
        network(SPEECH.shape).save(tmp_path / "net", {}, Metadata(preprocessing=COLOURS).files())
        with pytest.raises(SystemExit, match="0"):
            cli.main(["export", str(tmp_path / "net"), "--out", str(tmp_path / "net.onnx")])
        source = open_source(tmp_path / "net.onnx")
        with pytest.raises(ValueError, match=r"is of an input \(6, 6, 3\), the network takes"):
            about_of(source, *source.quantised())

    def test_damaged_metadata_of_an_exported_file_is_named(self, tmp_path):
        onnx = pytest.importorskip("onnx")
        network((4, 4, 1)).save(tmp_path / "net", {}, Metadata(preprocessing=GREY).files())
        file = tmp_path / "net.onnx"
        with pytest.raises(SystemExit, match="0"):
            cli.main(["export", str(tmp_path / "net"), "--out", str(file)])
        model = onnx.load(file)
        model.metadata_props[0].value = '{"preprocessing": {"shape": 3}}'
        onnx.save(model, file)
        with pytest.raises(ValueError, match=r"net\.onnx: its metadata latent_nas is damaged .*; export"):
            open_source(file).front_end()

    def test_damaged_metadata_is_named(self, tmp_path):
        network((4, 4, 1)).save(tmp_path / "net", {}, {"metadata.json": b"{}"})
        with pytest.raises(ValueError, match=r"metadata\.json is damaged .* restore it"):
            Metadata.read(tmp_path / "net")


class TestNames:
    @pytest.mark.parametrize(
        ("prefix", "why"),
        [
            ("1st", "an identifier"), ("a-b", "an identifier"), ("", "an identifier"), ("größe", "an identifier"),
            ("int", "keyword"), ("class", "keyword"), ("string", "there already"), ("conv2d", "there already"),
            ("k" * 40, "40 characters"),
        ],
    )  # fmt: skip
    def test_a_prefix_that_can_begin_no_name_is_refused_in_a_line(self, prefix, why):
        with pytest.raises(ValueError, match=why) as error:
            checked_prefix(prefix)
        assert "\n" not in str(error.value)

    def test_no_file_of_a_project_is_overwritten_by_one_that_is_called_as_its_prefix(self, tmp_path):
        made(SPEECH).write(tmp_path)
        written = {path.stem for path in tmp_path.rglob("*.[ch]")}
        written = {name for name in written if name != "model" and not name.startswith("model_")}
        assert {"nn_types", "nn_memory", "requantise", "conv2d", "startup"} <= written
        for name in written:
            with pytest.raises(ValueError, match=rf"{name}.h or names that begin with it are there already"):
                checked_prefix(name)

    def test_no_header_hides_one_of_a_c_library(self):
        """Arduino and others put a component's folder before those of the system: <memory.h> was ours for everybody."""
        ziglang = pytest.importorskip("ziglang", reason="the extra mcu")
        theirs = {path.name for path in (Path(ziglang.__file__).parent / "lib/libc/include").rglob("*.h")}
        ours = {path.name for path in Path(naming.__file__).parent.rglob("*.h")}
        assert {"memory.h", "string.h"} <= theirs
        assert "nn_memory.h" in ours
        assert not ours & theirs

    def test_odd_names_of_classes(self, library):
        loaded = library[1]
        found = (ctypes.c_char_p * len(NASTY)).in_dll(loaded[False], "named_class_names")
        assert tuple(name.decode() for name in found) == NASTY
        names = constants(NASTY)
        assert len(set(names)) == len(NASTY)
        assert all("*/" not in comment(name) and "\n" not in comment(name) for name in NASTY)
        assert string("??/é") == '"\\077\\077/\\303\\251"'


def test_a_failed_deploy_leaves_the_old_folder_as_it_was(tmp_path, capsys):
    network((8, 8, 1)).save(tmp_path / "net", {})
    arguments = ["deploy", str(tmp_path / "net"), "--out", str(tmp_path / "fw")]
    with pytest.raises(SystemExit):
        cli.main(arguments)
    before = {path: path.read_bytes() for path in Path(tmp_path / "fw").rglob("*") if path.is_file()}
    small = (Path(from_raw.__file__).parents[1] / "devices/stm32f405.toml").read_text()
    (tmp_path / "tiny.toml").write_text(small.replace("flash_kb = 1024", "flash_kb = 1"))
    with pytest.raises(SystemExit) as stopped:
        cli.main([*arguments, "--device", str(tmp_path / "tiny.toml")])
    assert stopped.value.code == 2
    assert before == {path: path.read_bytes() for path in Path(tmp_path / "fw").rglob("*") if path.is_file()}


class TestRun:
    def run(self, place, flash_bytes, **others):
        RunFolder.create(place, {"strategy": "random", "limits": {"flash_bytes": flash_bytes}, **others})
        net = network((8, 8, 1), 10)
        made_by = {"genes": [0], "space": "mcu_cnn", "task": "digits", "device": "nrf52840", "runtime": "native"}
        net.save(place / "networks/1", made_by, metadata_of(open_task("digits"), net).files())
        return str(place)

    def deployed(self, capsys, *arguments):
        with pytest.raises(SystemExit) as stopped:
            cli.main(["deploy", *arguments])
        said = capsys.readouterr()
        return stopped.value.code, said.out + said.err

    def test_decides_the_device_and_the_limits(self, tmp_path, capsys):
        run = self.run(tmp_path / "run", 20_000)
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"))
        assert code == 0
        assert "for nrf52840, as the run was (--device takes another)" in said
        assert "LENGTH = 1048576" in (tmp_path / "fw/device.ld").read_text()
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"), "--device", "rp2040")
        assert code == 0
        assert "for rp2040, but the run was for nrf52840" in said

    def test_the_prefix_is_the_runs_unless_another_is_asked_for(self, tmp_path, capsys):
        run = self.run(tmp_path / "run", 20_000, prefix="kws")
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"))
        assert code == 0
        assert "names in C begin with kws_, as the run says (--prefix takes another)" in said
        assert "kws_run" in (tmp_path / "fw/kws/kws.h").read_text()
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "other"), "--prefix", "model")
        assert "as the run says (--prefix" not in said
        assert (tmp_path / "other/model/model.h").is_file()
        code, said = self.deployed(capsys, f"{run}/networks/1", "--out", str(tmp_path / "one"), "--as", "library")
        assert any(path.name == "kws.h" for path in (tmp_path / "one").rglob("*"))

    def test_of_a_run_that_can_not_be_written_the_firmware_is_whole_all_the_same(self, tmp_path, capsys):
        run = self.run(tmp_path / "run", 20_000)
        (tmp_path / "run/firmware").write_text("where nothing can be written")
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"))
        assert code == 0
        assert f"the report of {run} will not show this firmware" in said
        assert "for nrf52840, as the run was" in said

    def test_a_search_keeps_the_prefix_for_its_firmware(self, tmp_path):
        assert SearchConfig(prefix="kws").check().to_json()["prefix"] == "kws"
        assert going_on(SearchConfig(), {"prefix": "kws"})[0].prefix == "kws"
        with pytest.raises(ValueError, match="keyword of C"):
            SearchConfig(prefix="int").check()

    def test_above_the_limits_of_a_run_is_exit_code_1(self, tmp_path, capsys):
        run = self.run(tmp_path / "run", 1000)
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"))
        assert code == 1
        assert "over the run's limit: flash" in said
        assert "0.976562 allowed" in said

    @pytest.mark.parametrize(
        "layout", ["library", "cubeide", "arduino", "platformio", "zephyr", "esp-idf", "cmsis-pack"]
    )
    def test_layouts_hold_the_component_alone(self, layout):
        one = made(GREY, "kws")
        files = laid_out(replace(one, device=open_device("stm32f405")), layout)
        names = {Path(name).name for name in files}
        assert {"kws.h", "kws.c", "kws_preprocess.c", "kernels.h", "README.md", "LICENSE"} <= names
        assert not {"main.c", "startup.c", "nn_memory.c", "Makefile", "device.ld", "bench.c"} & names
        assert all("SPDX-License-Identifier: MIT" in t for n, t in files.items() if n.endswith((".c", ".h", ".ino")))
        assert "BENCH" not in "".join(files.values())
        assert "memcpy" not in "".join(re.findall(r"^\w.*\n\{", "".join(files.values()), re.MULTILINE))
        if "CMakeLists.txt" in files:
            assert all(Path(name).name in files["CMakeLists.txt"] for name in files if name.endswith(".c"))

    def test_a_layout_that_does_not_know_the_device_is_refused(self, tmp_path, capsys):
        run = self.run(tmp_path / "run", 20_000)
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"), "--as", "cubeide")
        assert (code, (tmp_path / "fw").exists()) == (2, False)
        assert "STM32CubeIDE does not know nrf52840; take another layout" in said
        code, said = self.deployed(capsys, run, "--out", str(tmp_path / "fw"), "--as", "keil")
        assert "no layout 'keil'; there are: demo, library, cubeide" in said
