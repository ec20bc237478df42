"""The graph: immutable, checked, and its features."""

import networkx as nx
import numpy as np
import pytest

from latent_nas.graph import Builder, Graph, Node
from latent_nas.graph.features import graph_features, live_elements
from latent_nas.graph.functions import KNOWN, functions, operator_of
from latent_nas.operators.activation import Activation
from latent_nas.operators.add import Add
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.gelu import Gelu
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.hard_swish import HardSwish
from latent_nas.operators.identity import Identity
from latent_nas.operators.multiply import Multiply
from latent_nas.operators.relu import Relu
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

    @pytest.mark.parametrize(
        ("formula", "operator"),
        [
            ("where(x - 0.5, x, 0)", None),  # above 1
            ("where(max(sign(x), 0), x, 0)", Relu()),
            ("(x + abs(x)) / 2", Relu()),
            ("(x + sqrt(x ** 2)) / 2", Relu()),
            ("clip(x, 0, 3.4028234663852886e38)", Relu()),
            ("max(x, 0.00000001)", Relu()),
            ("min(relu(x), 6)", Relu6()),
            ("log(1 + exp(x))", Activation("softplus(x)")),
            ("x * tanh(log(1 + exp(x)))", Activation("mish(x)")),
            ("(exp(x) - exp(-x)) / (exp(x) + exp(-x))", Activation("tanh(x)")),
            ("x * min(max(0.16666667 * x + 0.5, 0), 1)", HardSwish()),
            ("0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x ** 3)))", Activation("tanh_gelu(x)")),
            ("where(max(sign(x - 150), 0), 0, relu(x))", None),
            ("where(max(sign(x - 35), 0) * max(sign(48 - x), 0), 0, relu(x))", None),
            ("min(relu(x), 200)", None),
            ("where(max(sign(2 * x - 300), 0), 0, relu(x))", None),
            ("where(max(sign(x * x - 22500), 0), 0, relu(x))", None),
            ("where(max(sign(6.5 - abs(x - 41.5)), 0), 0, relu(x))", None),
            ("where(max(sign((x - 35) * (48 - x)), 0), 0, relu(x))", None),
            ("where(1 - abs(sign(x - 41)), 0, relu(x))", None),
            ("where(max(sign(exp(x / 100) - 5), 0), 0, relu(x))", None),
            ("clip(x, 0, 6) + threshold(x, 31.003, 0) - threshold(x, 31.002, 0)", None),
            ("relu(x) + 0.1 * max(x - 100000, 0)", None),
            ("relu(x) + shrink(x, 0, 777)", None),
            ("relu(x) + (sqrt((x - 333) ** 2) - abs(x - 333)) + max(x - 400, 0) - max(x - 410, 0)", None),
            ("relu(x) + exp(2 * x - 300)", None),
            ("relu(floor(x * 1000) / 1000 + 0.5 / 1000)", None),
            ("silu(x) + where(max(sign(-500 - x), 0), 1, 0)", None),
        ],
    )
    def test_a_function_that_differs_anywhere_is_not_a_known_one(self, formula, operator):
        """However far or narrow it is; None: it becomes its own table."""
        assert operator_of(formula) == (operator or Activation(formula))

    def test_no_drawn_difference_is_overlooked(self):
        random = np.random.default_rng(0)
        for _ in range(100):
            known = str(random.choice([*KNOWN]))
            begin, factor = random.choice([-1, 1]) * 10 ** random.uniform(-1, 5), 10 ** random.uniform(-3, 3)
            end = begin + abs(begin) * 10 ** random.uniform(-3, 0)
            inside = [f"max(sign({factor * s:.9g} * x {-factor * s * c:+.9g}), 0)" for s, c in ((1, begin), (-1, end))]
            formula = f"where({inside[0]} * {inside[1]}, {known} * 1.5 + 0.7, {known})"
            assert operator_of(formula) == Activation(formula)
