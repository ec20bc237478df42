"""The graph: immutable, checked, and its features."""

import networkx as nx
import pytest

from latent_nas.graph import Builder, Graph, Node
from latent_nas.graph.features import graph_features, live_elements
from latent_nas.graph.functions import functions, operator_of
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.identity import Identity
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.relu6 import Relu6


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


class TestFunctions:
    """Chains of element-wise operators as one function of one tensor."""

    def hard_swish(self) -> Graph:
        b = Builder((4, 4, 2))
        x = b.add(Conv2d(3), 0)
        six = b.add(Relu6(), b.add(Activation("x + 3"), x))
        b.add(GlobalPool(), b.add(Multiply(), x, b.add(Activation("x / 6"), six)))
        return b.build()

    def test_a_hard_swish_of_four_operators_is_one_of_the_convolution(self):
        found = functions(self.hard_swish().nodes, {}, ())
        assert (found[5].source, found[5].formula) == (1, "x * (clip(x + 3, 0, 6) / 6)")
        assert operator_of(found[5].formula) == HardSwish()

    def test_what_a_file_rounds_in_between_stays_apart(self):
        found = functions(self.hard_swish().nodes, {}, {3})
        assert (found[4].source, found[4].formula) == (3, "x / 6")
        assert 5 not in found  # the product of two tensors

    def test_what_only_scales_and_clamps_is_left_to_the_layer_before(self):
        b = Builder((4, 4, 2))
        x = b.add(Conv2d(3), 0)
        y = b.add(Relu6(), b.add(Identity(), x))
        b.add(Add(), y, b.add(Identity(), y))
        assert functions(b.build().nodes, {2: "2 * x + 1", 4: "x - 1"}, ()) == {}

    @pytest.mark.parametrize(
        ("formula", "operator"),
        [
            ("0.5 * x * (1 + erf(x / 1.4142135381698608))", Gelu()),
            ("x / (1 + exp(-x))", Activation("silu(x)")),
            ("clip(x, 0, 6)", Relu6()),
            ("clip(x + 3, 0, 6) * 0.16666667", Activation("hard_sigmoid(x, 1 / 6, 0.5)")),
            ("x * sigmoid(1.702 * x)", Activation("x * sigmoid(1.702 * x)")),
            ("clip(x, 0, 6) + max(x - 30, 0)", Activation("clip(x, 0, 6) + max(x - 30, 0)")),
        ],
    )
    def test_known_functions_are_known_by_their_values(self, formula, operator):
        assert operator_of(formula) == operator
