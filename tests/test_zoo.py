"""Named networks: MACs and parameters of the published files, and memory plans worked out by hand."""

from dataclasses import replace

import pytest

from latent_nas import plugins
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.graph.deploy import deploy
from latent_nas.runtimes import Runtime, open_runtime
from latent_nas.zoo import open_network

PUBLISHED = {  # MACs, weights and biases with batch norm folded: counted in the published files
    "mlperf_resnet8": (12_501_632, 77_706),
    "mlperf_ds_cnn": (2_656_768, 22_604),
    "mlperf_mobilenet_v1_025_96": (7_489_664, 210_850),
    "mlperf_autoencoder": (264_192, 265_864),
    "st_mobilenet_v1_025_96": (7_490_432, 211_621),
    "st_mobilenet_v1_025_96_gray": (7_158_656, 211_477),
    "st_mobilenet_v1_025_224": (40_775_552, 211_621),
    "st_mobilenet_v1_05_224": (148_987_648, 815_685),
    "fdmobilenet_025_128": (3_848_448, 125_477),
    "fdmobilenet_025_224": (11_783_232, 125_477),
    "st_squeezenet_v11_128": (80_217_280, 725_061),
    "st_squeezenet_v11_224": (263_056_576, 725_061),
    "st_har_gmp_wl24": (66_304, 1_460),
    "st_har_ign_wl24": (13_008, 3_064),
    "st_miniresnet_1stack": (7_361_536, 125_386),
    "st_miniresnetv2_2stack": (27_269_120 + 39_424, 439_242),  # a batch norm alone counts as a multiplication here
    "mcunet_vww1": (11_578_816, 426_634),
    "nascnn15": (4_300_665_312, 4_200_994),
    "edgemark_cnn_1": (24_632, 792),
    "edgemark_cnn_2": (44_248, 2_224),
    "edgemark_cnn_3": (166_976, 6_666),
    "edgemark_cnn_4": (737_056, 12_114),
    "edgemark_cnn_5": (3_690_816, 21_178),
    "edgemark_cnn_6": (7_532_156, 47_212),
    "edgemark_cnn_7": (11_084_416, 171_354),
    "edgemark_fc_0": (1, 2),
    "edgemark_fc_1": (10, 16),
    "edgemark_fc_2": (120, 141),
    "edgemark_fc_3": (1_008, 1_042),
    "edgemark_fc_4": (2_272, 2_330),
    "edgemark_fc_5": (3_408, 3_521),
    "edgemark_fc_6": (9_088, 9_281),
    "edgemark_fc_7": (10_912, 11_034),
    "edgemark_fc_8": (34_560, 34_945),
    "edgemark_fc_9": (49_632, 49_750),
    "edgemark_fc_10": (199_328, 199_450),
}
DEVICE, CMSIS = open_device("stm32f446"), open_runtime("cmsis_nn")


def test_every_network_is_checked_here():
    assert set(plugins.names("zoo")) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_macs_and_parameters_are_those_of_the_published_file(name):
    graph = deploy(open_network(name)).graph
    assert (graph.macs, graph.parameters) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "shape"), [("mlperf_resnet8", (10,)), ("mlperf_ds_cnn", (12,)), ("mlperf_autoencoder", (640,))]
)
def test_a_network_runs(name, shape):
    import torch

    from latent_nas.training.network import Network, to_tensor

    graph = open_network(name)
    made = Network(graph).eval()(to_tensor(torch.zeros(2, *graph.input_shape).numpy()))
    assert tuple(made.shape) == (2, *shape)


def bare() -> Runtime:
    """Return a runtime that adds nothing to the tensors, in any order, sums in place."""
    kernels = {name: replace(kernel, scratch_bytes={}) for name, kernel in CMSIS.kernels.items()}
    return replace(CMSIS, keeps_order=False, alignment=1, kernels=kernels, in_place=frozenset({"add"}))


def test_arena_of_resnet8_by_hand():
    found = costs(open_network("mlperf_resnet8"), DEVICE, CMSIS)
    image = 32 * 32 * 16
    # the third convolution: the residual waits, input, output, and two patches of 3x3x16 as int16
    assert found.arena_bytes == 3 * image + 2 * 2 * 9 * 16 == 49_728
    assert found.layers[3].live_bytes == found.arena_bytes
    assert found.layers[1].live_bytes == 32 * 32 * 3 + image + 112  # 2 * 2 * 27 = 108, aligned to 16
    assert found.layers[4].live_bytes == 3 * image  # the sum has a place of its own
    half = image // 2
    assert found.layers[5].live_bytes == image + half + 2 * 2 * 9 * 16  # what is summed is read later by the shortcut
    assert found.layers[6].live_bytes == image + 2 * half + 2 * 2 * 9 * 32
    plain = costs(open_network("mlperf_resnet8"), DEVICE, bare())
    assert plain.arena_bytes == 3 * image
    assert plain.layers[4].live_bytes == 2 * image


def test_arena_of_ds_cnn_by_hand():
    found = costs(open_network("mlperf_ds_cnn"), DEVICE, CMSIS)
    image = 25 * 5 * 64
    assert found.layers[1].live_bytes == 496 + image + 2 * 2 * 40  # 490 B of input, aligned to 16
    assert found.arena_bytes == 2 * image == 16_000
    assert costs(open_network("mlperf_ds_cnn"), DEVICE, bare()).arena_bytes == 2 * image


def test_an_unknown_network_names_those_there_are():
    with pytest.raises(ValueError, match=r"no network 'resnet'; there are: .*mlperf_resnet8"):
        open_network("resnet")
