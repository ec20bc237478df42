"""Devices and runtimes: every file of their folders loads and says what costs need."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from latent_nas import plugins
from latent_nas.cores import open_core
from latent_nas.costs.layer import layer
from latent_nas.devices import Device, Region, open_device
from latent_nas.jobs.search.config import new_config
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.concat import Concat
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.operators.relu6 import Relu6
from latent_nas.runtimes import open_runtime
from latent_nas.target import MAIN_TARGET, Target

IMAGE = (8, 8, 12)
DEPLOYED = [
    (Conv2d(8), (IMAGE,)),
    (Conv2d(8, (1, 1)), (IMAGE,)),
    (Conv2d(12, groups=12), (IMAGE,)),
    (Conv2d(12, (5, 5), groups=12), (IMAGE,)),
    (Conv2d(12, (1, 1), groups=12), (IMAGE,)),
    (Dense(10), ((30,),)),
    (Add(), (IMAGE, IMAGE)),
    (Concat(), (IMAGE, IMAGE)),
    (AvgPool(), (IMAGE,)),
    (MaxPool(), (IMAGE,)),
    (GlobalPool(), (IMAGE,)),
    (HardSwish(), (IMAGE,)),
    (Relu(), (IMAGE,)),
    (Relu6(), (IMAGE,)),
]


@pytest.mark.parametrize("name", plugins.names("devices"))
class TestEveryDevice:
    def test_loads_with_plausible_figures(self, name):
        device = open_device(name)
        assert device.name == name
        assert device.description
        assert device.source
        assert 16e6 <= device.clock_hz <= 1e9
        assert device.flash_bytes % 1024 == 0
        assert all(region.bytes % 1024 == 0 and region.bytes > 0 for region in device.regions)

    def test_regions_are_apart(self, name):
        regions = sorted(open_device(name).regions, key=lambda region: region.address)
        for low, high in pairwise(regions):
            assert low.address + low.bytes < high.address, "adjacent regions are one region"

    def test_limits_are_flash_and_the_largest_region(self, name):
        device = open_device(name)
        assert device.limits.flash_bytes == device.flash_bytes
        assert device.limits.ram_bytes == max(region.bytes for region in device.regions)
        assert device.limits.latency_ms is None

    @pytest.mark.parametrize("runtime", plugins.names("runtimes"))
    def test_every_runtime_has_cycles_of_its_core(self, name, runtime):
        row = open_runtime(runtime).row(open_device(name).core)
        assert row.factor > 0
        assert row.source


def test_stm32f405_has_two_regions_that_do_not_add_up():
    device = open_device("stm32f405")
    assert device.clock_hz == 168_000_000
    assert device.flash_bytes == 1 << 20
    assert [(region.name, region.bytes) for region in device.regions] == [
        ("sram", 128 << 10),
        ("ccm", 64 << 10),
    ]
    assert device.largest_region_bytes == 128 << 10


def test_region_for_is_the_first_that_fits():
    device = Device("d", open_core("cortex-m4"), 1, 1, (Region("near", 10), Region("far", 20)))
    assert [device.region_for(n) for n in (10, 11, 21)] == [Region("near", 10), Region("far", 20), None]


def test_a_name_is_found_in_any_case_and_goes_by_one():
    assert open_device("STM32F405") == open_device("stm32f405")
    assert open_runtime("CMSIS-NN").name == "cmsis_nn"
    assert open_runtime("X-CUBE-AI:8.1").name == open_runtime("x_cube_ai@8.1").name == "x_cube_ai_8_1"
    target = Target("mcu-cnn", "digits", "STM32F405", "CMSIS_NN")
    config = new_config(target, strategy="Random")
    assert (config.target, config.strategy) == (replace(MAIN_TARGET, runtime="cmsis_nn"), "random")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("esp32", "Xtensa"),
        ("ESP32-S3", "Xtensa"),
        ("esp32_c3", "RISC-V"),
        ("esp32p4", "RISC-V"),
        ("ATmega328P", "AVR"),
        ("msp430fr5994", "16 bits"),
        ("max78000", "accelerator"),
    ],
)
def test_chips_of_another_architecture_are_refused_by_name(name, said):
    with pytest.raises(ValueError, match=rf"no device '{name}': .*{said}.* Cortex-M only"):
        open_device(name)


def test_no_device_that_ships_is_taken_for_one_of_another_architecture():
    for name in plugins.names("devices"):
        assert open_device(name).name == name


def test_unknown_device_and_runtime_name_what_there_is():
    with pytest.raises(ValueError, match=r"no device 'z80'; there are: .*stm32f405.*; or give .* a .toml of your own"):
        open_device("z80")
    with pytest.raises(ValueError, match=r"no device 'stm32f40'; did you mean 'stm32f40[157]'.*\? Or give") as error:
        open_device("stm32f40")
    assert "nrf5340" not in str(error.value)
    with pytest.raises(ValueError, match=r"no runtime 'x'; there are: .*cmsis_nn"):
        open_runtime("x")


OWN = """
core = "cortex-m4"
clock_mhz = 64
flash_kb = 512
regions = [{ name = "sram", kb = 96, address = 0x20000000 }]
"""


def test_a_device_of_ones_own_is_a_file(tmp_path):
    file = tmp_path / "board.toml"
    file.write_text(OWN)
    device = open_device(str(file))
    assert (device.name, device.clock_hz, device.flash_bytes) == ("board", 64_000_000, 512 * 1024)
    assert device.limits.ram_bytes == 96 * 1024


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OWN.replace("clock_mhz", "mhz"), "'clock_mhz' is missing; see"),
        (OWN + "ram_kb = 5", "it has no field 'ram_kb'; there are: name, core"),
        (OWN.replace("512", "0"), "'board': flash_kb must be above 0"),
        (OWN.replace("96", "-1"), "'board': the kb of region sram must be above 0"),
        (OWN.replace("= 64", "= 64000000"), "'board': clock_mhz is in MHz, and no Cortex-M runs"),
        (
            OWN.replace("512", "524288"),
            "no chip has 524,288 KB of its own; write bytes / 1024, or external_flash = true",
        ),
        (OWN.replace("kb = 96", "kb = 98304"), "no chip has 98,304 KB of RAM below 0x60000000; write bytes"),
        (OWN.replace(" }]", " }, { name = 'b', kb = 1, address = 0x20000400 }]"), "regions sram and b overlap"),
        (OWN.replace(" }]", " }, { name = 'sram', kb = 1, address = 0 }]"), "two regions share a name"),
        (OWN.replace("0x20000000", "0x08000400"), "flash and sram overlap"),
        (OWN.replace("0x20000000", "0x07fff000"), "sram and flash overlap"),
        (OWN.replace("sram", "fast ram"), "a region's name is letters, digits and _"),
        (OWN.replace("sram", "flash"), "and not flash or raw; got 'flash'"),
        (OWN.replace("96", "96.3"), "sram wants whole KB and an address that is a multiple of 0x400"),
        (OWN.replace("512", "511.5"), "flash wants whole KB"),
        (OWN.replace("0x20000000", "0x20000004"), "sram wants whole KB and an address"),
        (OWN.replace("0x20000000", "0xfffffc00"), "sram ends beyond 32 bits"),
        (OWN.replace("[{", "[] # {"), "it has no region of RAM"),
        ("core = ", "is not TOML"),
    ],
)
def test_a_wrong_device_is_said_in_a_line(tmp_path, text, said):
    file = tmp_path / "board.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(said)):
        open_device(str(file))


def test_a_device_file_that_is_not_there():
    with pytest.raises(ValueError, match=r"there is no file nowhere\.toml; devices known by name: .*stm32f405"):
        open_device("nowhere.toml")


@pytest.mark.parametrize("name", plugins.names("runtimes"))
class TestEveryRuntime:
    @pytest.mark.parametrize(("operator", "inputs"), DEPLOYED, ids=lambda x: str(x)[:40])
    def test_has_cycles_of_every_deployed_operator_on_every_core(self, name, operator, inputs):
        runtime, figures = open_runtime(name), layer(operator, inputs)
        for row in runtime.cores.values():
            each, error = runtime.cycles_by(figures.kernel, row)
            assert figures.total(each) > 0
            assert 0 <= error.median <= error.p90 <= 1
        assert figures.total(runtime.kernel(figures.kernel).scratch_bytes) >= 0

    def test_says_where_its_figures_are_from(self, name):
        runtime = open_runtime(name)
        assert runtime.description
        assert runtime.source
        assert all(kernel.source for kernel in runtime.kernels.values())
        assert all(core.source for core in runtime.cores.values())

    def test_works_in_place_only_where_the_operator_can(self, name):
        for kind in open_runtime(name).in_place:
            one = plugins.load("operators", kind)
            assert one.in_place or kind == "conv2d"


def test_another_core_has_the_factor_and_the_error_of_its_file():
    runtime = open_runtime("cmsis_nn")
    near, far = runtime.cores["cortex-m4"], runtime.cores["cortex-m7"]
    each, error = runtime.cycles("conv2d", open_core("cortex-m4"))
    other, wider = runtime.cycles("conv2d", open_core("cortex-m7"))
    assert {t: v * far.factor for t, v in each.items()} == pytest.approx(other)
    assert wider.p90 - error.p90 == pytest.approx(far.error - near.error)


def test_missing_kernel_and_core_name_what_there_is():
    runtime = open_runtime("cmsis_nn")
    with pytest.raises(ValueError, match=r"'cmsis_nn' has no kernel 'softmax'; there are: add, .*conv2d"):
        runtime.cycles("softmax", open_core("cortex-m4"))
    alone = replace(open_core("cortex-m3"), name="mine", near=None)
    with pytest.raises(ValueError, match=r"'cmsis_nn' has no row for core 'mine', .* there are: .*cortex-m4, .*near"):
        runtime.cycles("add", alone)
    with pytest.raises(ValueError, match=r"'add' does not count 'macs', but call, outputs"):
        layer(Add(), (IMAGE, IMAGE)).total({"macs": 1.0})
