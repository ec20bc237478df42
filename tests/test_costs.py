"""Flash and latency worked out by hand, and what binds."""

from dataclasses import replace

import pytest

from latent_nas.cores import open_core
from latent_nas.costs import costs
from latent_nas.costs.layer import layer
from latent_nas.devices import open_device
from latent_nas.graph import Builder, Graph
from latent_nas.graph.deploy import deploy
from latent_nas.limits import Limits
from latent_nas.operators.add import Add
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.dropout import Dropout
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.relu import Relu
from latent_nas.runtimes import open_runtime

DEVICE, RUNTIME = open_device("stm32f405"), open_runtime("cmsis_nn")


def network() -> Graph:
    """Return 8x8x1 -> 3x3 conv to 8 (norm, ReLU) -> residual 1x1 conv -> flatten -> dense to 10."""
    b = Builder((8, 8, 1))
    stem = b.add(Relu(), b.add(BatchNorm(), b.add(Conv2d(8, bias=False), 0)))
    inner = b.add(BatchNorm(), b.add(Conv2d(8, (1, 1), bias=False), stem))
    total = b.add(Add(), stem, inner)
    b.add(Dense(10), b.add(Dropout(), b.add(Flatten(), total)))
    return b.build()


def test_flash_by_hand():
    found = costs(network(), DEVICE, RUNTIME)
    assert found.weights_bytes == 8 * 9 + 8 * 8 + 10 * 512
    assert found.bias_bytes == 4 * (8 + 8 + 10)
    # a scale and a zero point of weight and bias per filter, and of five tensors (flatten's is add's)
    assert found.quantisation_bytes == 24 * (8 + 8 + 10) + 12 * 5
    assert found.flash_bytes == found.weights_bytes + found.bias_bytes + found.quantisation_bytes
    assert found.flash_bytes == sum(layer.flash_bytes for layer in found.layers)
    kernels = sum(RUNTIME.kernels[k].code_bytes for k in ("conv2d", "pointwise", "add", "dense"))
    file = RUNTIME.model_bytes + 4 * RUNTIME.model_bytes_per_operator
    assert found.code_bytes == RUNTIME.code_bytes + kernels + file


def test_ram_by_hand():
    found = costs(network(), DEVICE, RUNTIME)
    # input 64, stem 512, two patches of 9 int16: 36, aligned 48; three tensors of 512 at the addition
    by_kernel = {layer.kernel: layer.live_bytes for layer in found.layers}
    assert by_kernel["conv2d"] == 64 + 512 + 48
    assert by_kernel["pointwise"] == 512 + 512
    assert by_kernel["add"] == found.arena_bytes == found.ram_bytes == 3 * 512
    assert by_kernel["dense"] == 512 + 16
    assert found.region == "sram"
    assert found.runtime_ram_bytes == 480 + 4 * 132 + 8 * (8 + 8 + 10)


def test_latency_is_the_sum_of_coefficients_times_counts():
    graph, found = deploy(network()).graph, costs(network(), DEVICE, RUNTIME)
    cycles, off = 0.0, 0.0
    for node in graph.nodes:
        shapes = graph.shapes_into(node)
        work = node.operator.work(*shapes)
        if work:
            work |= node.operator.fine_work(*shapes)
            each, error = RUNTIME.cycles(node.operator.kernel(*graph.shapes_into(node)), open_core("cortex-m4"))
            own = sum(each[term] * work[term] for term in each)
            assert found.layers[node.id].cycles == pytest.approx(own)
            cycles, off = cycles + own, off + own * error.p90
    assert found.cycles == pytest.approx(cycles)
    assert found.latency_ms == pytest.approx(cycles / 168e6 * 1e3)
    assert found.latency_error_ms == pytest.approx(off / 168e6 * 1e3)


def test_a_mean_takes_the_slow_kernel_that_a_pool_over_the_image_does_not():
    """197 cycles per element, measured on a NUCLEO-F446RE: 1 x 16 x 8 x 10 in 254,955 cycles."""
    core = open_core("cortex-m4")

    def cycles(operator):
        each, _ = RUNTIME.cycles(operator.kernel((16, 8, 10)), core)
        return layer(operator, ((16, 8, 10),)).total(each)

    assert cycles(GlobalPool("avg")) == pytest.approx(254_955, rel=0.005)
    assert cycles(AvgPool((16, 8), (16, 8))) < 0.1 * cycles(GlobalPool("avg")) > cycles(GlobalPool("max"))


def test_what_lies_outside_the_image_is_set_and_not_read():
    """A window of 1x15 over 16x4 pixels lies inside by a quarter, over 16x60 by nine tenths."""
    core = open_core("cortex-m4")
    operator = Conv2d(8, (1, 15))
    each, _ = RUNTIME.cycles("conv2d", core)
    narrow, wide = (layer(operator, ((16, width, 4),)) for width in (4, 60))
    outside = narrow.work["gathered_outside"] / narrow.work["patch"]
    assert outside == pytest.approx(1 - 4 / 15, abs=0.01)
    assert narrow.total(each) / narrow.macs < 0.8 * wide.total(each) / wide.macs
    for one in (narrow, wide):
        assert one.work["gathered_inside"] + one.work["gathered_outside"] == one.work["gathered"]
        assert one.work["gathered_inside"] == 4 * one.work["taps_inside"]


def test_latency_has_what_one_inference_takes_beside_its_kernels():
    near = RUNTIME.row(DEVICE.core)
    slower = replace(RUNTIME, cores={**RUNTIME.cores, DEVICE.core.name: replace(near, cycles=168_000.0)})
    before, found = costs(network(), DEVICE, RUNTIME), costs(network(), DEVICE, slower)
    assert found.latency_ms == pytest.approx(before.latency_ms + 1)  # at 168 MHz
    assert found.cycles == pytest.approx(before.cycles + 168_000)
    assert found.layers == before.layers


def test_latency_goes_with_the_clock():
    """Down to 100 MHz, below which the flash waits less (tests/test_cost_table.py)."""
    slow = costs(network(), replace(DEVICE, clock_hz=DEVICE.clock_hz * 2 // 3), RUNTIME)
    assert slow.latency_ms == pytest.approx(1.5 * costs(network(), DEVICE, RUNTIME).latency_ms)


def test_a_graph_costs_what_its_deployed_form_costs():
    given, deployed = network(), deploy(network()).graph
    one, other = costs(given, DEVICE, RUNTIME), costs(deployed, DEVICE, RUNTIME)
    assert replace(one, layers=()) == replace(other, layers=())
    assert [layer._replace(sources=()) for layer in one.layers] == [x._replace(sources=()) for x in other.layers]
    assert one.macs == 64 * 72 + 64 * 64 + 5120 == deployed.macs
    assert one.parameters == deployed.parameters == one.weights_bytes + one.bias_bytes // 4


def test_layers_name_what_is_folded_into_them():
    found = costs(network(), DEVICE, RUNTIME)
    assert found.layers[1].sources == (1, 2, 3)
    assert [layer.kind for layer in found.layers] == ["input", "conv2d", "conv2d", "add", "flatten", "dense"]
    assert found.layers[4].cycles == found.layers[4].flash_bytes == 0


def test_binding_names_the_limit_and_its_costliest_layer():
    found = costs(network(), DEVICE, RUNTIME)
    assert found.binding(Limits()) is None
    for limits, kind in (
        (Limits(100), "dense"),
        (Limits(None, 100), "add"),
        (Limits(None, None, 1e-3), "conv2d"),
    ):
        binding = found.binding(limits.tighten(DEVICE.limits))
        assert binding.layer.kind == kind
        assert found.exceeded(limits) == {binding.name: binding.ratio}
    assert found.exceeded(DEVICE.limits) == {}


def test_an_arena_that_fits_no_region_has_none():
    b = Builder((128, 128, 12))
    b.add(GlobalPool(), 0)
    found = costs(b.build(), DEVICE, RUNTIME)
    assert found.arena_bytes > DEVICE.largest_region_bytes
    assert found.region is None
    assert set(found.exceeded(DEVICE.limits)) == {"ram_bytes"}


def test_an_operator_without_a_kernel_is_a_clear_error():
    poor = replace(RUNTIME, kernels={k: v for k, v in RUNTIME.kernels.items() if k != "add"})
    with pytest.raises(ValueError, match="has no kernel 'add'"):
        costs(network(), DEVICE, poor)
    with pytest.raises(ValueError, match="has no row for core 'mine'"):
        costs(network(), replace(DEVICE, core=replace(DEVICE.core, name="mine", near=None)), RUNTIME)
