"""A deployed network that learns as the integers that it will be: what it computes forward is its int8 network's.

Every node's value is the integer that the int8 reference makes; gradients are those of the float operator, let through
where nothing is clamped (straight-through estimator, Bengio et al. 2013). Scales of weights and activations are learnt
with them (Esser et al. 2020, equation 3), as factors exp(move) of those that quantisation after training gave.
"""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from latent_nas.fixed_point import HIGH, LOW, Quant, requantise
from latent_nas.graph import Node
from latent_nas.operators._weights import integer_weight
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.training.network import Network
from latent_nas.training.quantise import QuantisedNetwork

EXACT = 2**24  # float32 holds every integer below


class FakeQuantised(Network):
    """The float weights behind an int8 network, and the moves of its scales.

    Attributes:
        start: scales of all nodes' tensors before any move (nodes,). moves: logarithms of their learnt factors.
        zeros: zero points (nodes,), which stay. free: whether a node's scale may move (nodes,).
    """

    def __init__(self, network: QuantisedNetwork, weights: dict[int, dict[str, np.ndarray]], held: bool) -> None:
        """Take an int8 network and the float weights that it was made of, by node, as ``quantise.weights_of`` has them.

        Args:
            held: whether the output's scale stays, since the task's kind decides it.
        """
        super().__init__(network.graph)
        self.start = np.array([q.scale for q in network.quants])
        self.zeros = [q.zero_point for q in network.quants]
        self.moves = nn.Parameter(torch.zeros(len(self.start)))
        free = np.array([bool(n.id) and not n.operator.keeps_quant for n in self.graph.nodes])
        free[-1] &= not held
        self.free = torch.from_numpy(free.astype(np.float32))
        self.weight_moves = nn.ParameterDict()
        self.weight_starts: dict[int, np.ndarray] = {}
        for node, values in weights.items():
            self._load(node, values)
            operator = self.graph.nodes[node].operator
            if isinstance(operator, (Conv2d, Dense)):
                self.weight_starts[node] = integer_weight(values["weight"], operator.bits)[1]
                self.weight_moves[str(node)] = nn.Parameter(torch.zeros(len(values["weight"])))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the reals (n, outputs) that the int8 network's outputs stand for, of images (n, c, h, w) or tokens."""
        quants, factors = self.quants(), torch.exp(self.moves * self.free)
        scales = [factor * start for factor, start in zip(factors, self.start.tolist(), strict=True)]
        first = self.graph.input
        values = {0: x if first.vocabulary else _moved(self._entered(x), self.zeros[0])}
        for node, inputs, finished in self._plan:
            values[node] = self._step(self.graph.nodes[node], [values[i] for i in inputs], quants, scales)
            for i in finished:
                del values[i]
        return values[len(self.operators) - 1] * scales[-1]

    def quants(self) -> tuple[Quant, ...]:
        """Return the quantisation of every node's tensor by now; what keeps its input's has that."""
        factors = np.exp(self.moves.detach().numpy().astype(np.float64) * self.free.numpy())
        found: list[Quant] = []
        for node, factor in zip(self.graph.nodes, factors, strict=True):
            own = Quant(float(self.start[node.id] * factor), self.zeros[node.id])
            found.append(found[node.inputs[0]] if node.operator.keeps_quant else own)
        return tuple(found)

    def integers(self) -> QuantisedNetwork:
        """Return the int8 network by now."""
        quants = self.quants()
        constants = (self._constants(node, quants) if node.id else {} for node in self.graph.nodes)
        return QuantisedNetwork(self.graph, quants, tuple(constants))

    def outputs(self, x: "np.ndarray | torch.Tensor", batch: int = 128) -> np.ndarray:
        """Return the int8 network's outputs (n, ...) as reals, of NHWC data or tokens, or of the tensor of them."""
        given = _nhwc(x).numpy() if isinstance(x, torch.Tensor) else x
        network = self.integers()
        return network.quants[-1].dequantise(network.integers(given, batch))

    def _entered(self, x: torch.Tensor) -> np.ndarray:
        return self.graph.input.enter(_nhwc(x).numpy(), self.quants()[0])

    def _load(self, node: int, weights: dict[str, np.ndarray]) -> None:
        """Give a node's float operator its folded weights."""
        state = self.operators[node].state_dict()
        for key, held in state.items():
            value = torch.from_numpy(weights[key.rsplit(".", 1)[-1]]).to(held.dtype)
            state[key] = value.permute(0, 3, 1, 2) if held.ndim == 4 else value.reshape(held.shape)
        self.operators[node].load_state_dict(state)

    def _constants(self, node: Node, quants: tuple[Quant, ...]) -> dict[str, np.ndarray]:
        weights = self.weights(node.id) if any(True for _ in self.operators[node.id].parameters()) else {}
        if node.id in self.weight_starts:
            moves = self.weight_moves[str(node.id)].detach().numpy().astype(np.float64)
            weights["scale"] = self.weight_starts[node.id] * np.exp(moves)
        return node.operator.constants(weights, [quants[i] for i in node.inputs], quants[node.id])

    def _step(
        self, node: Node, xs: list[torch.Tensor], quants: tuple[Quant, ...], scales: list[torch.Tensor]
    ) -> torch.Tensor:
        """Return a node's integers less their zero point, NCHW float32, of those of the nodes that it reads."""
        constants, zero = self._constants(node, quants), quants[node.id].zero_point
        if node.id in self.weight_starts:
            soft, exact = self._weighted(node, constants, xs[0], scales)
        else:
            tokens = bool(self.graph.input.vocabulary)
            reals = [x if tokens and i == 0 else x * scales[i] for x, i in zip(xs, node.inputs, strict=True)]
            soft = self.operators[node.id](*reals) / scales[node.id]
            given = [x if tokens and i == 0 else x + quants[i].zero_point for x, i in zip(xs, node.inputs, strict=True)]
            kinds = [np.uint16 if tokens and i == 0 else np.int8 for i in node.inputs]
            integers = (_nhwc(x.detach()).numpy().astype(kind) for x, kind in zip(given, kinds, strict=True))
            exact = node.operator.int8(constants, *integers)
        low, high = (int(constants[name]) if name in constants else end for name, end in (("low", LOW), ("high", HIGH)))
        soft = soft.clamp(low - zero, high - zero)
        return soft + (_moved(exact, zero) - soft).detach()

    def _weighted(
        self, node: Node, constants: dict[str, np.ndarray], x: torch.Tensor, scales: list[torch.Tensor]
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Return a convolution's or dense layer's output in its scale, as a float and as the exact integers."""
        most = 2 ** (node.operator.bits - 1) - 1
        module, start = self.operators[node.id], torch.from_numpy(self.weight_starts[node.id]).float()
        (weight_name, weight), (bias_name, bias) = (
            next((n, p) for n, p in module.named_parameters() if n.endswith(end)) for end in ("weight", "bias")
        )
        scale = start * torch.exp(self.weight_moves[str(node.id)])
        soft = (weight / scale.reshape(-1, *[1] * (weight.ndim - 1))).clamp(-most, most)
        whole = torch.from_numpy(constants["weight"]).to(torch.float32)
        whole = whole.permute(0, 3, 1, 2) if weight.ndim == 4 else whole
        integers = soft + (whole - soft).detach()
        largest = 255 * int(np.abs(constants["weight"].astype(np.int64)).reshape(len(whole), -1).sum(axis=1).max())
        kind = torch.float32 if largest < EXACT else torch.float64
        given = {weight_name: integers.to(kind), bias_name: torch.zeros_like(bias, dtype=kind)}
        sums = functional_call(module, given, (x.to(kind),))
        shape = (1, -1, 1, 1) if sums.ndim == 4 else (-1,)
        out = scales[node.id]
        factor, moved = (v.reshape(shape) for v in (scale * scales[node.inputs[0]] / out, bias / out))
        value = sums.to(torch.float32) * factor + moved
        c, total = constants, _nhwc(sums.detach()).numpy().astype(np.int32) + constants["bias"]
        zero, low, high = (int(c[name]) for name in ("output_zero_point", "low", "high"))
        return value, requantise(total, c["multiplier"], c["shift"], zero, low, high)


def _nhwc(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def _moved(integers: np.ndarray, zero: int) -> torch.Tensor:
    """Return NHWC integers less their zero point as NCHW float32."""
    moved = torch.from_numpy(integers.astype(np.float32) - np.float32(zero))
    return moved.permute(0, 3, 1, 2) if moved.ndim == 4 else moved
