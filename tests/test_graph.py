"""The graph: immutable, checked, and its features."""

import networkx as nx
import pytest

from latent_nas.graph import Builder, Graph, Node
from latent_nas.graph.features import graph_features, live_elements
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.global_pool import GlobalPool


def residual():
    build = Builder((8, 8, 2))
    x = build.add(Conv2d(4), 0)
    y = build.add(Conv2d(4, groups=4), x)
    x = build.add(Add(), x, y)
    build.add(Dense(3), build.add(GlobalPool(), x))
    return build.build()


def test_counts_worked_out_by_hand():
    graph = residual()
    assert graph.macs == 64 * 4 * 9 * 2 + 64 * 4 * 9 + 12
    assert graph.parameters == (4 * 9 * 2 + 4) + (4 * 9 + 4) + (12 + 3)
    assert graph.output_shape == (3,)


def test_json_gives_an_equal_graph_with_an_equal_digest():
    graph = residual()
    again = Graph.from_json(graph.to_json())
    assert again == graph
    assert again.digest == graph.digest


def test_graph_is_frozen():
    graph = residual()
    with pytest.raises(nx.NetworkXError):
        graph.networkx.add_edge(0, 4)
    with pytest.raises(AttributeError):
        graph.nodes[0].shape = (1,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: (*n[:2], Node(2, n[2].operator, (7,), n[2].shape), *n[3:]), "earlier nodes"),
        (lambda n: (*n[:1], Node(1, n[1].operator, (0,), (9, 9, 9)), *n[2:]), "makes"),
        (lambda n: n[1:], "earlier|position"),
        (lambda n: (*n, Node(len(n), n[0].operator, (), n[0].shape)), "exactly one input"),
    ],
)
def test_broken_graphs_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        Graph(change(residual().nodes))


def test_a_value_that_nobody_reads_is_refused():
    build = Builder((8, 8, 1))
    build.add(Conv2d(2), 0)
    build.add(Conv2d(3), 0)
    with pytest.raises(ValueError, match=r"nobody reads nodes \[1\]"):
        build.build()


def test_features_worked_out_by_hand():
    found = graph_features(residual())
    assert found["count.conv2d"] == 1
    assert found["count.depthwise"] == 1
    assert found["log_paths"] == 1
    assert found["longest.all"] == 5
    assert found["shortest.all"] == 4
    assert found["shortest.depthwise"] == 0
    assert live_elements(residual()) == 64 * 4 * 2
