"""What the kernels' shortcuts rest on: sums up to 2^23, outputs over inputs, and where the shortcuts are not taken."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.firmware import elf
from latent_nas.firmware.check import emulate
from latent_nas.firmware.compile import build
from latent_nas.firmware.draw import drawn
from latent_nas.firmware.emulate import Emulator
from latent_nas.firmware.export import project
from latent_nas.graph import Builder, Graph
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.runtimes import open_runtime
from latent_nas.zoo import open_network

DEVICE = open_device("stm32f405")
missing = [name for name in ("ziglang", "unicorn") if importlib.util.find_spec(name) is None]
tools = pytest.mark.skipif(bool(missing), reason=f"extra mcu: {', '.join(missing)} not installed")


@tools
@pytest.mark.parametrize(("channels", "large"), [(57, False), (58, True)])
def test_sums_on_either_side_of_the_bound(tmp_path: Path, channels: int, large: bool):
    """A window of 3x3x57 weights of 127 keeps below 2^23 whatever the input, one of 3x3x58 does not."""
    b = Builder((3, 3, channels))
    b.add(Dense(5), b.add(Flatten(), b.add(Conv2d(5, (3, 3), padding="valid"), 0)))
    network, _ = drawn(b.build(), 0, 2)
    conv = next(n.id for n in network.graph.nodes if n.operator.kind == "conv2d")
    c = network.constants[conv]
    c["weight"][:] = 127
    c["weight"][1::2] *= -1
    c["weight"][2, ..., ::2] = -1  # a borrow in every pair
    c["bias"][:] = 0
    c["input_zero_point"][...] = c["output_zero_point"][...] = 0
    c["multiplier"][:], c["shift"][:] = 2**30, 47  # sums to int8, without the rails
    made = project(network, DEVICE)
    assert ("nn_conv2d_large(" in made.files["model/model.c"]) == large
    made.write(tmp_path)
    x = np.full((3, 3, channels), -128, np.int8)
    for plain in (False, True):
        firmware = elf.read(build(tmp_path, DEVICE.core, plain))
        emulator = Emulator(firmware, DEVICE, [name for _, name in made.operators])
        for value in (-128, 127):
            x[:] = value
            places = [(made.plan.offsets[i], int(np.prod(network.graph.nodes[i].shape))) for i, _ in made.operators]
            got = emulator.tensors(x, places)[0]
            wanted = network.graph.nodes[conv].operator.int8(c, x[None]).reshape(-1)
            assert (got == wanted).all()
            assert int(wanted.max()) - int(wanted.min()) > 100  # not all on the rails


FEW_TAPS = [Conv2d(9, groups=9), Conv2d(9, (3, 3), (2, 2), groups=9), Conv2d(9, (5, 1), (2, 1), groups=9)]


@tools
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m33", "cortex-m0+"])
@pytest.mark.parametrize("layer", FEW_TAPS)
def test_depthwise_factors_of_a_half_and_above_are_exact_and_with_smlad_no_dearer(
    tmp_path: Path, core: str, layer: Conv2d
):
    """Trained networks have them, 0.5 to 32 here, where windows have few taps; beyond the rows are taken one by one."""
    b = Builder((12, 11, 9))
    b.add(Dense(3), b.add(Flatten(), b.add(layer, 0)))
    device, rng, counts = replace(DEVICE, core=open_core(core)), np.random.default_rng(0), {}
    for name, shifts in {"small": (33, 38), "large": (27, 35), "too large": (24, 35)}.items():
        network, x = drawn(b.build(), 0, 3)
        c = network.constants[1]
        c["weight"] = (rng.integers(-3, 4, c["weight"].shape) * (rng.random(c["weight"].shape) < 0.3)).astype(np.int8)
        c["bias"] = rng.integers(-40, 40, c["bias"].shape).astype(c["bias"].dtype)
        c["shift"] = np.append(rng.integers(*shifts, len(c["shift"]) - 1), shifts[0]).astype(c["shift"].dtype)
        made = project(network, device)
        made.write(tmp_path / name)
        checked, report, _ = emulate(made, build(tmp_path / name, device.core), x, tensors=3)
        assert report["bit_exact"], report
        assert checked.tensors > 300
        counts[name] = report["instructions"]
    if device.core.dsp:
        assert counts["large"] == pytest.approx(counts["small"], rel=0.02)
        assert counts["too large"] > 1.05 * counts["small"]


def chain() -> Graph:
    """Every layer but the last can lie over its input; rows above and below windows differ in number."""
    b = Builder((9, 7, 4))
    x = b.add(Conv2d(4, (4, 3)), 0)
    x = b.add(Conv2d(4, (3, 2)), x)
    x = b.add(Conv2d(4, (1, 1)), x)
    x = b.add(Conv2d(4, (3, 3), padding=(2, 0, 0, 2)), x)
    x = b.add(Conv2d(4, groups=4), x)
    x = b.add(Conv2d(4, (5, 4), groups=4), x)
    b.add(Dense(3), b.add(Flatten(), x))
    return b.build()


@tools
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m3"])
def test_convolutions_over_their_inputs(tmp_path: Path, core: str):
    network, x = drawn(chain(), 0, 3)
    device = replace(DEVICE, core=open_core(core))
    made = project(network, device)
    convolutions = [node.id for node in network.graph.nodes if node.operator.kind == "conv2d"]
    assert len({made.plan.offsets[i] for i in convolutions}) == 1
    made.write(tmp_path)
    _, report, _ = emulate(made, build(tmp_path, device.core), x, tensors=3)
    assert report["bit_exact"]
    assert report["arena_high_water_bytes"] <= made.plan.peak


def test_only_what_can_lies_over_its_input():
    shape = (8, 8, 4)
    assert Conv2d(4).may_overwrite(shape)
    assert not Conv2d(6).may_overwrite(shape)
    assert not Conv2d(4, stride=(2, 2)).may_overwrite(shape)
    assert not Conv2d(4, groups=2).may_overwrite(shape)  # a group reads what another has written over
    assert not Conv2d(4, stride=(2, 2), padding=(8, 8, 8, 8)).may_overwrite((8, 8, 4))


def test_arena_of_a_residual_network():
    cost = costs(open_network("mlperf_resnet8"), open_device("stm32l4r5"), open_runtime("native"))
    assert cost.arena_bytes <= 36 * 1024
