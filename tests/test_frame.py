"""A camera's frame becomes the network's input: as Pillow does for training, in Python's integers, and in C."""

import ctypes
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")
from on_host import Called, compiled
from test_component import BOARD, COLOURS, GREY, SERIES, made, network

from latent_nas import cli
from latent_nas.firmware import raw as from_raw
from latent_nas.firmware.export import project
from latent_nas.firmware.frame import ram_bytes
from latent_nas.jobs.from_raw import camera_of
from latent_nas.resampling import METHODS, PIXELS, Frame
from latent_nas.tasks import open_task
from latent_nas.training.metadata import Metadata, metadata_of


def frames_of(frame, n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, frame.height * frame.row_bytes)).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
def test_integers_are_pillows(method):
    rng, tall = np.random.default_rng(1), 0
    for _ in range(150):
        width, height, new_width, new_height = (int(v) for v in rng.integers(1, 120, 4))
        frame, channels = Frame(width, height, "rgb", method), int(rng.choice([1, 3]))
        pixels = frames_of(frame, 1, seed=width)
        image = Image.fromarray(pixels.reshape(height, width, 3)).convert("L" if channels == 1 else "RGB")
        wanted = ImageOps.fit(image, (new_width, new_height), Image.Resampling[method.upper()])
        found = frame.input(pixels, (new_height, new_width, channels))[0].squeeze(2 if channels == 1 else ())
        if height - new_height > max(2 * (width - new_width), 0):  # whose columns come first from Pillow 13 on
            tall += 1
            assert np.abs(found.astype(int) - np.asarray(wanted)).max() <= 1
        else:
            assert (found == np.asarray(wanted)).all(), (width, height, new_width, new_height)
    assert tall < 75


CASES = [
    (Frame(32, 24, "rgb565"), GREY),
    (Frame(4, 5, "rgb565"), COLOURS),  # smaller than the input
    (Frame(40, 23, "rgb"), COLOURS),
    (Frame(6, 6, "grey"), COLOURS),
    (Frame(33, 21, "rgb", "nearest"), GREY),
]


def test_c_gives_the_same_bits_on_a_computer_without_a_warning(tmp_path):
    projects = [made(seen, f"n{i}", camera=frame) for i, (frame, seen) in enumerate(CASES)]
    for one in projects:
        one.write(tmp_path / one.component.prefix)
    folders = [tmp_path / one.component.prefix / one.component.prefix for one in projects]
    for plus in (False, True):
        loaded = compiled(folders, tmp_path / f"all{plus}.so", plus)
        for one, (frame, seen) in zip(projects, CASES, strict=True):
            called, given = Called(loaded, one.component), frames_of(frame, 5)
            pixels = frame.input(given, seen.shape)
            wanted = one.network.from_integers(seen.integers(pixels, one.network.quants[0]))
            assert (np.array([called.feed(g, "feed_frame") for g in given]) == wanted).all(), frame
            called._of("feed_row")(given[0].ctypes.data_as(ctypes.c_void_p))  # a frame that is left
            called._of("begin_frame")()
            rows = given[1].reshape(frame.height, -1)
            ended = [called._of("feed_row")(row.copy().ctypes.data_as(ctypes.c_void_p)) for row in rows]
            assert ended == [0] * (frame.height - 1) + [1]
            called._of("run")()
            assert (called.answer() == wanted[1]).all()


@pytest.mark.parametrize("method", METHODS)
def test_c_gives_the_same_bits_on_the_emulated_board(tmp_path, method):
    frame = Frame(80, 60, "rgb565", method)
    one = made(GREY, "cam", camera=frame)
    proof = from_raw.run(one, tmp_path, frames_of(frame, 10), plain=False, toolchain="zig")
    assert (proof.inputs, proof.equal_inputs, proof.equal_outputs) == (10, 10, 10)
    assert f"CAM_FRAME_RAM_BYTES {ram_bytes(frame, GREY.shape)}\n" in one.library["cam.h"]
    other = replace(one, component=replace(one.component, frame=replace(frame, method=METHODS[method == METHODS[0]])))
    assert not from_raw.run(other, tmp_path, frames_of(frame, 2), plain=False, toolchain="zig").equal_inputs


def test_deploying_for_a_camera_proves_it_and_says_what_it_takes(tmp_path, capsys):
    net = network((8, 8, 1), 10)
    made_by = {"genes": [0], "space": "mcu_cnn", "task": "digits", "device": "stm32f405", "runtime": "native"}
    net.save(tmp_path / "net", made_by, metadata_of(open_task("digits"), net).files())
    arguments = ["deploy", str(tmp_path / "net"), "--out", str(tmp_path / "fw"), "--emulate", "--inputs", "2"]
    with pytest.raises(SystemExit) as stopped:
        cli.main([*arguments, "--camera", "40x30:grey"])
    assert stopped.value.code == 0
    assert "a frame of 40x30:grey to the input, bilinear: bit-exact on 2 random ones" in capsys.readouterr().out
    assert "MODEL_FRAME_CYCLES_MOST" in (tmp_path / "fw/model/model.h").read_text()
    assert "`model_feed_frame()` takes a camera's frame of 40x30:grey" in (tmp_path / "fw/README.md").read_text()


def test_nearest_is_an_option_of_ones_own_images(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(24):
        (tmp_path / str(i % 2)).mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (19, 26, 3)).astype(np.uint8)).save(tmp_path / str(i % 2) / f"{i}.png")
    kinds = {m: open_task(f"{tmp_path}?input=8x8x1&resize={m}") for m in METHODS}
    assert open_task(f"{tmp_path}?input=8x8x1").fingerprint == kinds["bilinear"].fingerprint
    for method, task in kinds.items():
        assert task.preprocessing().resize == f"{method}, cropped in the middle"
        camera = camera_of("26x19:rgb", Metadata(preprocessing=task.preprocessing()))
        assert camera.method == method
        given = np.stack([np.asarray(Image.open(file)).reshape(-1) for file in sorted(tmp_path.rglob("*.png"))])
        made_of = {one.tobytes() for one in camera.input(given, (8, 8, 1))}
        assert {one.tobytes() for one in task.raw(task.data().train.x)} <= made_of
    with pytest.raises(ValueError, match="resize='cubic'; wanted bilinear or nearest"):
        open_task(f"{tmp_path}?resize=cubic")


@pytest.mark.parametrize("text", ["320", "0x4", "5000x5", "axb", "320x240:yuv", "320x240x3", ""])
def test_what_is_no_frame_is_told(text):
    with pytest.raises(
        ValueError, match=r"--camera '.*'(; wanted WIDTHxHEIGHT|: no pixels 'yuv'; there are: grey, rgb)"
    ):
        Frame.parse(text)


def test_a_frame_is_of_images():
    assert {str(Frame.parse(f"3x2:{pixels}")) for pixels in PIXELS} == {f"3x2:{pixels}" for pixels in PIXELS}
    with pytest.raises(ValueError, match="--camera is of images, this network's raw data are no pixels of 8 bits"):
        project(network(SERIES.shape), BOARD, about=Metadata(preprocessing=SERIES), camera=Frame(8, 8))
