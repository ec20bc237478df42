"""The space nasbench201: which cells are one network, graphs, and features against a plain reckoning."""

from functools import partial

import networkx as nx
import numpy as np
import pytest
import torch

from latent_nas import seeds
from latent_nas.costs import costs
from latent_nas.devices import open_device
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.runtimes import open_runtime
from latent_nas.spaces import open_space
from latent_nas.spaces._nasbench201_cells import EDGES, OPERATORS, cells, representatives
from latent_nas.spaces._nasbench201_signal import IMAGE, NEAR, _halved, signal_features

SPACE = open_space("nasbench201", (32, 32, 3), 10)
NONE, SKIP, ONE, THREE, POOL = range(5)
SHORT = {"skip": SKIP, "conv1": ONE, "conv3": THREE, "pool": POOL}


def canonical(*genes):
    return tuple(SPACE.canonical(np.array([genes]))[0].tolist())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((NONE,) * 6, (THREE, THREE, THREE, NONE, NONE, NONE)),  # nothing reaches the output
        ((NONE, NONE, THREE, NONE, ONE, POOL), (NONE,) * 6),  # nothing leaves the input
        ((THREE, NONE, NONE, SKIP, NONE, NONE), (NONE, NONE, NONE, SKIP, NONE, NONE)),  # node 1 is not read
        ((THREE, ONE, NONE, NONE, SKIP, POOL), (ONE, THREE, NONE, NONE, POOL, SKIP)),  # nodes 1 and 2 swapped
        ((SKIP, NONE, NONE, NONE, THREE, NONE), (NONE, NONE, NONE, THREE, NONE, NONE)),  # a skip is its source
        ((THREE, NONE, SKIP, NONE, NONE, ONE), (THREE, NONE, NONE, NONE, ONE, NONE)),
        ((POOL, POOL, NONE, NONE, SKIP, SKIP), (POOL, NONE, SKIP, NONE, SKIP, SKIP)),  # equal poolings are one
    ],
)
def test_cells_that_compute_the_same_are_one(one, other):
    assert canonical(*one) == canonical(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # One convolution counted twice is not two convolutions, though Dong and Yang's strings are equal.
        ((THREE, NONE, SKIP, NONE, SKIP, SKIP), (THREE, THREE, NONE, NONE, SKIP, SKIP)),
        ((THREE, NONE, NONE, NONE, ONE, NONE), (ONE, NONE, NONE, NONE, THREE, NONE)),  # order matters
        ((SKIP, SKIP, NONE, NONE, SKIP, SKIP), (NONE, NONE, NONE, SKIP, NONE, NONE)),  # x + x is not x
    ],
)
def test_cells_that_compute_otherwise_are_not(one, other):
    assert canonical(*one) != canonical(*other)


def values_of(genes, rng_seed=0):
    """What a cell computes where every convolution is a linear map of its own and pooling one shared by all."""
    rng = np.random.default_rng(rng_seed)
    pool = np.diag([0.5, 2.0, -1.0, 3.0])
    maps = [rng.normal(size=(4, 4)) * (1 if g == THREE else 3) for g in genes]
    values = [rng.normal(size=4), np.zeros(4), np.zeros(4), np.zeros(4)]
    for (a, b), g, m in zip(EDGES, genes, maps, strict=True):
        values[b] = values[b] + (0 if g == NONE else values[a] @ {SKIP: np.eye(4), POOL: pool}.get(g, m))
    return values[3]


def test_dead_edges_change_nothing_and_live_ones_do():
    for genes in SPACE.sample(seeds.rng(0, "live"), 200).tolist():
        for edge in range(6):
            cut = [*genes[:edge], NONE, *genes[edge + 1 :]]
            same = np.allclose(values_of(genes), values_of(cut), rtol=1e-9)
            assert same == (genes[edge] == NONE)  # in a representative nothing is dead


def test_all_cells_have_a_representative_with_no_more_edges():
    own = representatives()
    assert (own[own] == own).all()
    assert len(SPACE.listed) == len(np.unique(own)) == 5260
    edges = (cells() != NONE).sum(axis=1)
    assert (edges[own] <= edges).all()


def test_the_graph_is_the_published_one():
    graph = SPACE.graph((THREE, THREE, THREE, THREE, THREE, THREE))
    layers = [n.operator for n in graph.nodes if isinstance(n.operator, Conv2d)]
    assert len(layers) == 1 + 15 * 6 + 2 * 3
    assert [c.filters for c in layers[:: len(layers) - 1]] == [16, 64]
    assert sum(isinstance(n.operator, Add) for n in graph.nodes) == 15 * 3 + 2
    assert {n.shape for n in graph.nodes if len(n.shape) == 3} >= {(32, 32, 16), (16, 16, 32), (8, 8, 64)}
    # Published, in millions: 1.53 parameters, which count two numbers per channel for batch norm, not one.
    assert graph.parameters == pytest.approx(1.53e6, rel=0.01)


def test_a_cell_without_a_way_through_is_a_legal_graph_that_has_costs():
    graph = SPACE.graph((NONE,) * 6)
    assert graph.output_shape == (10,)
    assert sum(n.operator.kind == "zero" for n in graph.nodes) == 15
    assert costs(graph, open_device("stm32f405"), open_runtime("cmsis_nn")).flash_bytes > 0


def reckoned(genes):
    """Features of a cell from networkx: paths, edges and degrees for every set of operators."""
    cell = nx.DiGraph([(a, b, {"kind": g}) for (a, b), g in zip(EDGES, genes, strict=True) if g != NONE])
    cell.add_nodes_from(range(4))
    paths = [[cell.edges[e]["kind"] for e in p] for p in nx.all_simple_edge_paths(cell, 0, 3)]
    found = {f"count.{name}": sum(g == i for g in genes) for i, name in enumerate(OPERATORS)}
    found |= {"paths": len(paths)}
    found |= {f"in.{n}": cell.in_degree(n) for n in range(4)} | {f"out.{n}": cell.out_degree(n) for n in range(4)}
    for bits in range(1, 16):
        names = [name for i, name in enumerate(SHORT) if bits >> i & 1]
        kinds, key = {SHORT[n] for n in names}, "+".join(names)
        part = nx.DiGraph((a, b) for a, b, kind in cell.edges(data="kind") if kind in kinds)
        part.add_nodes_from(range(4))
        ways = [len(p) for p in nx.all_simple_edge_paths(part, 0, 3)]
        found[f"paths.{key}"], found[f"edges.{key}"] = len(ways), part.number_of_edges()
        found[f"longest.{key}"], found[f"shortest.{key}"] = max(ways, default=0), min(ways, default=0)
        found[f"first.{key}"], found[f"last.{key}"] = part.out_degree(0), part.in_degree(3)
        found[f"reached.{key}"] = 1 + len(nx.descendants(part, 0))
        on = [sum(kind in kinds for kind in path) for path in paths]
        found[f"most.{key}"], found[f"least.{key}"] = max(on, default=0), min(on, default=0)
    sizes = [1 + 2 * sum(kind in (THREE, POOL) for kind in path) for path in paths]
    found |= {"field.most": max(sizes, default=0), "field.least": min(sizes, default=0)}
    found["pooled"] = sum(next((k for k in path if k != SKIP), NONE) == POOL for path in paths)
    return found


def test_features_of_cells_equal_a_plain_reckoning():
    genes = np.concatenate([SPACE.sample(seeds.rng(0, "features"), 150), [[NONE] * 6]])
    compared = set()
    for row, features in zip(genes.tolist(), SPACE.features(genes), strict=True):
        wanted = reckoned(row)
        for name, value in zip(SPACE.feature_names, features, strict=True):
            plain = name.removeprefix("cell.")
            if plain in wanted:
                compared.add(plain)
                assert value == wanted[plain], (row, name)
    assert len(compared) > 100


def test_features_tell_networks_apart_and_are_all_of_use():
    features = SPACE.features(SPACE.listed)
    assert len(SPACE.feature_names) == len(set(SPACE.feature_names)) == features.shape[1]
    assert (features.max(axis=0) > features.min(axis=0)).all()
    assert np.isfinite(features).all()
    assert len(np.unique(features, axis=0)) > 0.85 * len(features)


@pytest.mark.parametrize(("shape", "outputs"), [((8,), 10), ((8, 8, 1), 1)])
def test_an_input_that_the_space_cannot_take_is_said(shape, outputs):
    with pytest.raises(ValueError, match="nasbench201"):
        open_space("nasbench201", shape, outputs)


def smooth_images(generator, images, channels, size=16):
    """Images (n, channels, size, size) of power 1 whose neighbouring pixels correlate by 0.9."""
    steps = torch.arange(size)
    root = torch.linalg.cholesky((0.9 ** (steps[:, None] - steps).abs()).double()).float()
    return root @ torch.randn(images, channels, size, size, generator=generator) @ root.T


def simulated(genes, generator, channels=128, pairs=24):
    """Power, and the correlation of pairs of images, behind a cell whose weights are drawn."""
    one, other = (smooth_images(generator, pairs, channels) for _ in range(2))
    values = [torch.cat([one, 0.9 * one + (1 - 0.9**2) ** 0.5 * other]), None, None, None]
    for (a, b), g in zip(EDGES, genes, strict=True):
        if g == NONE or values[a] is None:
            continue
        new = values[a]
        if g == POOL:
            new = torch.nn.functional.avg_pool2d(new, 3, 1, 1, count_include_pad=False)
        elif g in (ONE, THREE):
            size = 3 if g == THREE else 1
            weights = torch.randn(channels, channels, size, size, generator=generator)
            new = torch.nn.functional.conv2d(new.relu(), weights, padding=size // 2)
            new = torch.nn.functional.batch_norm(new, None, None, training=True)
        values[b] = new if values[b] is None else values[b] + new
    left, right = values[3][:pairs], values[3][pairs:]
    power = (left**2).mean()
    return float(power), float((left * right).mean() / (power * (right**2).mean()).sqrt())


@pytest.mark.parametrize(
    "genes",
    [
        (NONE, NONE, NONE, SKIP, NONE, NONE),
        (NONE, NONE, NONE, POOL, NONE, NONE),
        (NONE, NONE, NONE, THREE, NONE, NONE),
        (THREE, NONE, ONE, NONE, NONE, THREE),
        (THREE, SKIP, ONE, SKIP, SKIP, THREE),
        (SKIP, POOL, THREE, ONE, SKIP, SKIP),
        (POOL, THREE, POOL, SKIP, THREE, POOL),
        (ONE, ONE, SKIP, SKIP, ONE, SKIP),
    ],
)
def test_a_signal_spreads_through_drawn_weights_as_reckoned(genes):
    power, near = simulated(genes, torch.Generator().manual_seed(0))
    reckoned = signal_features(np.array([genes]))
    assert np.exp(reckoned["signal.cell1.power"][0]) == pytest.approx(power, rel=0.1)
    assert reckoned["signal.cell1.near"][0] == pytest.approx(near, abs=0.03)


def test_the_block_that_halves_the_image_passes_a_signal_on_as_reckoned():
    generator, channels, pairs = torch.Generator().manual_seed(1), 128, 24
    one, other = (smooth_images(generator, pairs, channels) for _ in range(2))
    x = 2.0 * torch.cat([one, 0.9 * one + (1 - 0.9**2) ** 0.5 * other])

    def drawn(size):
        return torch.randn(channels, channels, size, size, generator=generator) / (channels**0.5 * size)

    norm = partial(torch.nn.functional.batch_norm, running_mean=None, running_var=None, training=True)
    deep = norm(torch.nn.functional.conv2d(x.relu(), drawn(3), stride=2, padding=1))
    deep = norm(torch.nn.functional.conv2d(deep.relu(), drawn(3), padding=1))
    y = deep + torch.nn.functional.conv2d(torch.nn.functional.avg_pool2d(x, 2), drawn(1))
    power, past = _halved(np.array([4.0]), np.array([IMAGE], float))
    assert power[0] == pytest.approx(float((y**2).mean()), rel=0.1)
    left, right = y[:pairs], y[pairs:]
    near = float((left * right).mean() / ((left**2).mean() * (right**2).mean()).sqrt())
    assert past[0, NEAR] == pytest.approx(near, abs=0.03)


def test_a_signal_counts_what_it_passed():
    chains = [(NONE, NONE, NONE, THREE, NONE, NONE), (ONE, NONE, NONE, NONE, POOL, NONE), (NONE,) * 6]
    genes = [*chains, (NONE, NONE, NONE, SKIP, NONE, NONE), (THREE, NONE, NONE, SKIP, SKIP, NONE)]
    found = signal_features(np.array(genes))
    assert found["signal.cell1.conv3"].tolist() == [1, 0, 0, 0, 0.5]
    assert found["signal.stage1.conv3"][:4].tolist() == [5, 0, 0, 0]
    assert found["signal.stage1.conv1"].tolist() == [0, 5, 0, 0, 0]
    assert found["signal.stage1.pool"].tolist() == [0, 5, 0, 0, 0]
    assert found["signal.stage1.field"][:4] == pytest.approx([10 / 3, 10 / 3, 0, 0])
    assert found["signal.stage1.spread"][:4].tolist() == [0, 0, 0, 0]  # one path
    assert found["signal.cell1.spread"][4] == 0.5  # half of the power passed a convolution
    passed, power = {0: 1.0}, 1.0  # the share of the power that passed so many convolutions, where x goes on beside one
    for _ in range(5):
        rest = {k: v * power / (power + 1) for k, v in passed.items()}
        passed = {k: rest.get(k, 0) + passed.get(k - 1, 0) / (power + 1) for k in range(len(passed) + 1)}
        power += 1
    mean = sum(k * v for k, v in passed.items())
    assert found["signal.stage1.conv3"][4] == pytest.approx(mean)
    spread = sum(v * (k - mean) ** 2 for k, v in passed.items()) ** 0.5
    assert found["signal.stage1.spread"][4] == pytest.approx(spread)
    nears = np.array([found[f"signal.stage{i}.near"][:2] for i in (1, 2, 3)])
    assert (np.diff(nears, axis=0) < 0).all()  # every stage takes two images further apart


@pytest.mark.parametrize(
    ("cell", "operators", "measured"),
    [
        ((NONE, ONE, POOL, SKIP, SKIP, SKIP), 63, 81_044),  # the input and a convolution of it: four tensors for three
        ((POOL, ONE, SKIP, ONE, SKIP, SKIP), 123, 110_356),  # equal poolings and rectifications are one
        ((NONE, POOL, POOL, SKIP, THREE, THREE), 63, 82_004),  # a ReLU behind a pool is a part of it
    ],
)
def test_the_arena_of_measured_cells(cell, operators, measured):
    """NATS-Bench-MCU's operators and bytes on an nRF5340; a softmax and the last addition are not in our graph."""
    written = SPACE.written(cell)
    found = costs(written, open_device("nrf5340"), open_runtime("tflm_zephyr"))
    assert found.arena_bytes + found.runtime_ram_bytes == pytest.approx(measured, rel=0.02)
    assert len(found.layers) - 1 + 2 == operators


def test_a_cell_as_written_has_no_dead_edges():
    assert SPACE.written([THREE, NONE, NONE, SKIP, NONE, NONE]) == SPACE.written([NONE, NONE, NONE, SKIP, NONE, NONE])
    assert SPACE.written([NONE, NONE, THREE, SKIP, ONE, POOL]) == SPACE.written([NONE, NONE, NONE, SKIP, NONE, NONE])
