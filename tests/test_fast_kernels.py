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
