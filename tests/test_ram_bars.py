"""RAM as a range: what a runtime copies, where it puts tensors, and that limits count the upper end."""

from dataclasses import replace

import pytest
from run_folder import make

from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph import Builder
from latent_nas.jobs.cost import explain, table
from latent_nas.jobs.summary import summary
from latent_nas.limits import Limits
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.max_pool import MaxPool
from latent_nas.operators.relu import Relu
from latent_nas.report.summary import Summary
from latent_nas.runs.read import Run
from latent_nas.runtimes import RamError, open_runtime
from latent_nas.units import span

DEVICE = open_device("nrf5340")
TFLM = open_runtime("tflm_zephyr")
BARE = replace(TFLM, kernels={name: replace(k, scratch_bytes={}) for name, k in TFLM.kernels.items()})


def padded(padding):
    build = Builder((16, 16, 16))
    build.add(GlobalPool(), build.add(Conv2d(8, (3, 3), (2, 2), padding), 0))
    return build.build()


def test_interpreters_keep_explicit_padding_as_a_tensor():
    """16x16x16 and 18x18x16 in between live at once; what the file calls SAME is padded in the kernel."""
    assert costs(padded((1, 1, 1, 1)), DEVICE, BARE).arena_bytes == 16 * 16 * 16 + 18 * 18 * 16
    assert costs(padded("same"), DEVICE, BARE).arena_bytes == 16 * 16 * 16 + 8 * 8 * 8
    made = costs(padded((1, 1, 1, 1)), DEVICE, BARE)
    assert [layer.kernel for layer in made.layers] == ["input", "pad", "conv2d", "global_pool"]
    assert [layer.sources for layer in made.layers] == [(0,), (1,), (1,), (2,)]
    assert made.macs == costs(padded((1, 1, 1, 1)), DEVICE, open_runtime("native")).macs


def test_a_rectification_behind_a_pool_is_a_part_of_it():
    build = Builder((16, 16, 4))
    build.add(GlobalPool(), build.add(Relu(), build.add(MaxPool(), 0)))
    found = costs(build.build(), DEVICE, TFLM)
    assert [(layer.kernel, layer.sources) for layer in found.layers][1] == ("max_pool", (1, 2))
    assert len(costs(build.build(), DEVICE, open_runtime("native")).layers) == 4


def test_the_planner_of_tflm_breaks_ties_from_the_end():
    """Of x + conv(relu(x)), again and again, three tensors live at once, but the last of equal size is placed first."""
    build = Builder((8, 8, 16))
    x = 0
    for _ in range(3):
        x = build.add(Add(), x, build.add(Conv2d(16, (1, 1)), build.add(Relu(), x)))
    graph = build.build()
    assert costs(graph, DEVICE, replace(BARE, planner="best")).arena_bytes == 3 * 1024
    assert costs(graph, DEVICE, BARE).arena_bytes == 4 * 1024


@pytest.fixture(scope="module")
def ranged():
    """A runtime whose RAM is known from 0.9 to 1.5 times what is planned."""
    return replace(BARE, name="ranged", ram=RamError(1.2, 0.9, 1.5, "a test"))


def test_limits_count_the_upper_end(ranged):
    found = costs(padded("same"), DEVICE, ranged)
    planned = 16 * 16 * 16 + 8 * 8 * 8
    assert (found.ram_low_bytes, found.ram_bytes, found.ram_high_bytes) == tuple(
        round(planned * factor) for factor in (0.9, 1.2, 1.5)
    )
    assert found.exceeded(Limits(ram_bytes=found.ram_high_bytes)) == {}
    assert "ram_bytes" in found.exceeded(Limits(ram_bytes=found.ram_high_bytes - 1))


def test_what_may_not_fit_is_told_from_what_does_not(ranged):
    high = costs(padded("same"), DEVICE, ranged).ram_high_bytes
    for limit, says in ((high, "Fits."), (high - 1, "MAY NOT FIT: 4.0 to 6.8 KB of 6.7 KB"), (1000, "DOES NOT FIT")):
        found = explain(padded("same"), DEVICE, ranged, Limits(ram_bytes=limit))
        assert says in table(found)
        assert found["fits"] == (limit == high)
        assert bool(found["may_not_fit"]) == (limit == high - 1)
        assert found["ram_high_bytes"] == high


def test_a_range_for_people():
    assert span(61 * 1024, 78 * 1024) == "61 to 78\u00a0KB"
    assert span(2048, 2048) == "2\u00a0KB"


@pytest.mark.parametrize("wrong", [{"low": 0.0}, {"low": 1.1}, {"high": 0.9}])
def test_a_range_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="low <= scale <= high"):
        RamError(**wrong)


def test_an_unknown_planner_is_refused():
    with pytest.raises(ValueError, match="planner is one of best, greedy, got 'x'"):
        replace(BARE, planner="x")


@pytest.mark.parametrize(("ratio", "bytes_"), [(4.0, 4096), (3.9, 1024 + 4096)])
def test_outputs_lie_over_inputs_that_are_not_too_small(ratio, bytes_):
    """A 1x1 convolution of 4 to 16 channels on 16x16 pixels makes four times what it reads."""
    build = Builder((16, 16, 4))
    build.add(Conv2d(16, (1, 1)), 0)
    compiler = replace(BARE, planner="best", pads="none", overlays=True, overlay_ratio=ratio)
    assert costs(build.build(), DEVICE, compiler).arena_bytes == bytes_


def test_ranges_and_energy_reach_summary_and_report(tmp_path):
    folder = make(tmp_path / "run", 4)
    run = Run.read(folder)
    sure = run.result
    assert sure is not None
    assert sure.networks[0].ram_low_bytes == sure.networks[0].ram_high_bytes == sure.networks[0].arena[1]
    assert "most likely" not in str(Summary().show(run))
    known = {"ram_low_bytes": 12 * 1024, "ram_high_bytes": 15 * 1024, "energy_uj": 1234.5, "energy_error_uj": 100.0}
    wide = replace(sure, networks=(replace(sure.networks[0], **known),))
    assert "KB (12 to 15\u00a0KB) in " in summary(wide, folder)
    text = str(Summary().show(replace(run, result=wide)))
    assert "RAM is 12 to 15\u00a0KB" in text
    assert "15\u00a0KB RAM of 16\u00a0KB (94\u00a0%)" in text  # the upper end counts
    assert "An inference takes 1.234\u00a0mJ" in text or "An inference takes 1.23\u00a0mJ" in text
