"""From a draft to a graph: scales per channel folded into the layers beside them, what nobody reads left out."""

from dataclasses import replace

import numpy as np

from latent_nas.fixed_point import Quant
from latent_nas.graph import Node
from latent_nas.graph.functions import functions, operator_of
from latent_nas.interchange.onnx_draft import Affine, Draft, Pairwise, Weights
from latent_nas.interchange.onnx_nodes.call import Unreadable
from latent_nas.interchange.onnx_nodes.functions import shortest
from latent_nas.operators import Shape
from latent_nas.operators.activation import Activation
from latent_nas.operators.avg_pool import AvgPool
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.conv_transpose import ConvTranspose
from latent_nas.operators.dense import Dense
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.reshape import Reshape
from latent_nas.operators.window import pads

Layer = (Conv2d, Dense)  # which scales before them may go into; those after them into a transposed one as well


def simplified(draft: Draft, last: int) -> tuple[Draft, dict[int, int]]:
    """Return the draft that a node's value needs, without ``Affine``, and the new ids by the old ones.

    Ids are those of the nodes that make the same tensors; of two that became one, the later.
    """
    work = _Work(draft, last)
    work.fuse()
    for node in list(work.order):
        if isinstance(work.nodes[node].operator, Affine) and node in work.nodes:
            work.fold(node)
    return work.finished()


def _padded(operator: Conv2d, shape: Shape) -> bool:
    return any(pads(shape[0], shape[1], operator.kernel_size, operator.stride, operator.padding))


class _Work:
    """Nodes by id, while they are taken out and put in. ``stands_for``: a removed node's tensor is made by that one."""

    def __init__(self, draft: Draft, last: int) -> None:
        self.draft, self.last = draft, last
        self.nodes: dict[int, Node] = {}
        self.stands_for: dict[int, int] = {}
        wanted = {last, 0}
        for node in reversed(draft.nodes):
            if node.id in wanted:
                wanted.update(node.inputs)
                self.nodes[node.id] = node
        self.order = sorted(self.nodes)

    def fuse(self) -> None:
        """Put one operator in the place of each chain that is a function of one tensor.

        Raises:
            Unreadable: an operator of two tensors that has no form but as part of such a function.
        """
        formulas = {}
        for node in self.nodes.values():
            if isinstance(node.operator, Pairwise):
                formulas[node.id] = node.operator.formula
            elif isinstance(node.operator, Affine) and (formula := self._formula(node.id)):
                formulas[node.id] = formula
        made = functions(self.draft.nodes, formulas, self.draft.quants)
        beyond = functions(self.draft.nodes, formulas, ())  # what has no other form, roundings in between or not
        pairs = [n.id for n in self.nodes.values() if isinstance(n.operator, Pairwise)]
        made |= {i: beyond[i] for i in pairs if i in beyond and i not in made}
        for i in self.order:
            if i in made:
                self.nodes[i] = Node(i, operator_of(made[i].formula), (made[i].source,), self.nodes[i].shape)
                self.draft.weights.pop(i, None)
        wanted = {self.last, 0}
        for i in reversed(self.order):
            if i in wanted:
                wanted.update(self.nodes[i].inputs)
                if isinstance(operator := self.nodes[i].operator, Pairwise):
                    raise Unreadable(f"{operator.what}: it reads tensors that are not functions of one")
        self.order = [i for i in self.order if i in wanted]
        self.nodes = {i: self.nodes[i] for i in self.order}

    def _formula(self, node: int) -> str | None:
        """Return a scale as a formula, if it is the same for all channels."""
        factor, offset = self._scale(node)
        if (factor != factor[0]).any() or (offset != offset[0]).any():
            return None
        scaled = "x" if factor[0] == 1 else f"{shortest(factor[0])} * x"
        return f"{scaled} + {shortest(offset[0])}" if offset[0] else scaled

    def readers(self, node: int) -> list[Node]:
        return [n for n in self.nodes.values() if node in n.inputs]

    def fold(self, node: int) -> None:
        """Fold a scale into the layer before it, the scale after it, or the layers behind; else leave it."""
        affine = self.nodes[node]
        before = self.nodes[affine.inputs[0]]
        alone = len(self.readers(before.id)) == 1
        norm = isinstance(affine.operator, Affine) and affine.operator.norm
        if self._apart(before.id, node):
            return
        if isinstance(before.operator, (*Layer, ConvTranspose)) and alone:
            if not (norm and isinstance(before.operator, Conv2d)):
                self._backward(before.id, node)
        elif isinstance(before.operator, Affine) and alone:
            self._merge(before.id, node)
        else:
            self._forward(node)

    def _apart(self, before: int, node: int) -> bool:
        """Return whether a file rounds the tensor that a scale reads, which may clip it: quantisers drop a ReLU for it.

        A bias may be added beyond a rounding to both sides of 0, as behind every MatMul.
        """
        rounded = self._quant(before)
        if rounded is None or node not in self.draft.quants:
            return False
        return bool((self._scale(node)[0] != 1).any() or rounded.zero_point in (-128, 127))

    def _quant(self, node: int) -> Quant | None:
        """Return how a node's tensor is rounded, by itself or as the tensor is that it only moves."""
        while node not in self.draft.quants and self.nodes[node].operator.keeps_quant:
            node = self.nodes[node].inputs[0]
        return self.draft.quants.get(node)

    def _scale(self, node: int) -> tuple[np.ndarray, np.ndarray]:
        arrays = self.draft.weights[node].arrays
        return arrays["factor"], arrays["offset"]

    def _backward(self, layer: int, node: int) -> None:
        factor, offset = self._scale(node)
        held = self.draft.weights[layer]
        weight, bias = held.arrays["weight"], held.arrays["bias"]
        along = factor.reshape(-1, *[1] * (weight.ndim - 1))
        scale = held.scale if held.scale is None or (factor <= 0).any() else held.scale * factor
        self.draft.weights[layer] = Weights({"weight": weight * along, "bias": bias * factor + offset}, scale)
        self._becomes(layer, node)

    def _merge(self, first: int, node: int) -> None:
        (a, b), (factor, offset) = self._scale(first), self._scale(node)
        self.draft.weights[first] = Weights({"factor": a * factor, "offset": b * factor + offset})
        self._becomes(first, node)
        self.fold(first)

    def _becomes(self, kept: int, node: int) -> None:
        """Take out a node whose tensor an earlier one makes now, with what is known of that tensor."""
        self.draft.quants.pop(kept, None)
        if node in self.draft.quants:
            self.draft.quants[kept] = self.draft.quants[node]
        self.stands_for[node] = kept
        self._take_out(node, kept)

    def _take_out(self, node: int, instead: int) -> None:
        del self.nodes[node]
        for reader in list(self.nodes.values()):
            if node in reader.inputs:
                inputs = tuple(instead if i == node else i for i in reader.inputs)
                self.nodes[reader.id] = replace(reader, inputs=inputs)
        self.last = instead if self.last == node else self.last

    def _forward(self, node: int) -> None:
        """Fold a scale into all the layers that read it, through what only moves or averages its channels."""
        source = self.nodes[node].inputs[0]
        if self.last == node or (self.draft.quants and not self._rounded(source, node)):
            return
        factor, offset = self._scale(node)
        found: list[tuple[int, np.ndarray, np.ndarray]] = []
        passed: list[int] = []
        if self._layers(node, factor, offset, found, passed):
            for layer, a, b in found:
                self._into(layer, a, b)
            for moved in passed:
                self.draft.quants.pop(moved, None)
            self._take_out(node, source)
            self.stands_for.update(dict.fromkeys((node, *passed), -1))  # their tensors have other values now

    def _rounded(self, source: int, node: int) -> bool:
        """Return whether what a scale reads is rounded too, or may be as the scale's own tensor is."""
        quants = self.draft.quants
        if self._quant(source) is not None:
            return True
        while isinstance(self.nodes[source].operator, Reshape):
            source = self.nodes[source].inputs[0]
        factor, offset = self._scale(node)
        if source or node not in quants or not factor.all():
            return False
        ends = (quants[node].dequantise(np.array([-128, 127], np.int8))[:, None] - offset) / factor
        if (ends == ends[:, :1]).all() and factor[0] > 0:
            moved = round(quants[node].zero_point + offset[0] / quants[node].scale)
            if -128 <= moved <= 127:
                quants[source] = Quant(float(quants[node].scale / factor[0]), moved)
                return True
        quants[source] = Quant.of_range(float(ends.min()), float(ends.max()))
        return True

    def _layers(
        self,
        node: int,
        factor: np.ndarray,
        offset: np.ndarray,
        found: list[tuple[int, np.ndarray, np.ndarray]],
        passed: list[int],
    ) -> bool:
        """Gather the layers that read a scaled tensor; False where something else does."""
        readers = self.readers(node)
        for reader in readers:
            operator, shape = reader.operator, self.nodes[node].shape
            if len(reader.inputs) != 1:
                return False
            if isinstance(operator, Layer) and reader.id in self.draft.weights:
                if isinstance(operator, Conv2d) and offset.any() and _padded(operator, shape):
                    return False  # the zeros around the image are not scaled
                found.append((reader.id, factor, offset))
                continue
            mean = isinstance(operator, GlobalPool) and operator.mode == "avg" and not self.draft.quants
            if not (mean or isinstance(operator, (Flatten, Reshape, AvgPool))) or reader.id == self.last:
                return False
            if isinstance(operator, Reshape) and reader.shape[-1] != factor.size:
                if (factor != factor[0]).any() or (offset != offset[0]).any():
                    return False
                factor, offset = (np.full(reader.shape[-1], v[0]) for v in (factor, offset))
            times = reader.shape[-1] // factor.size
            passed.append(reader.id)
            if not self._layers(reader.id, np.tile(factor, times), np.tile(offset, times), found, passed):
                return False
        return bool(readers)

    def _into(self, layer: int, factor: np.ndarray, offset: np.ndarray) -> None:
        """Make a layer take its input before it is scaled."""
        held, operator = self.draft.weights[layer], self.nodes[layer].operator
        weight = held.arrays["weight"]
        groups = operator.groups if isinstance(operator, Conv2d) else 1
        own = np.arange(len(weight)) // (len(weight) // groups)  # the group of each filter
        a, b = (v.reshape(groups, -1)[own].reshape(len(weight), *[1] * (weight.ndim - 2), -1) for v in (factor, offset))
        bias = held.arrays["bias"] + (weight * b).reshape(len(weight), -1).sum(axis=1)
        even = (factor == factor[0]).all() and factor[0] > 0 and held.scale is not None
        scale = held.scale * factor[0] if even and held.scale is not None else None
        self.draft.weights[layer] = Weights({"weight": weight * a, "bias": bias}, scale)

    def finished(self) -> tuple[Draft, dict[int, int]]:
        """Return the nodes that are left as a draft, scales as batch norms, and the new ids by the old ones."""
        made = Draft.of(self.nodes[0].shape)
        made.notes, place = self.draft.notes, {0: 0}
        for node in (self.nodes[i] for i in sorted(self.nodes) if i):
            inputs = [place[i] for i in node.inputs]
            if isinstance(node.operator, Affine):
                place[node.id] = self._norm(made, node, node.operator.norm, inputs[0])
                continue
            place[node.id] = made.add(node.operator, *inputs)
            if node.id in self.draft.weights:
                made.weights[place[node.id]] = self.draft.weights[node.id]
        for old, kept in sorted(self.stands_for.items(), reverse=True):
            while kept in self.stands_for and kept not in self.nodes:
                kept = self.stands_for[kept]
            if kept in place:
                place[old] = place[kept]
        made.quants |= {place[i]: q for i, q in self.draft.quants.items() if i in self.nodes}
        return made, {i: n for i, n in place.items() if self.stands_for.get(i) != -1}

    def _norm(self, made: Draft, node: Node, keep: bool, source: int) -> int:
        """Add a scale as a table, or of channels that differ as a batch norm; return the node that holds its tensor."""
        if not keep and (formula := self._formula(node.id)):
            return made.add(Activation(formula), source)
        factor, offset = self._scale(node.id)
        if len(node.shape) == 3 and self._quant(node.inputs[0]):  # a batch norm would be folded beyond it
            apart = made.add(Conv2d(factor.size, (1, 1), groups=factor.size), source)
            made.weights[apart] = Weights({"weight": factor.reshape(-1, 1, 1, 1), "bias": offset})
            return apart
        vector = len(node.shape) == 1
        read = made.add(Reshape((1, 1, *node.shape)), source) if vector else source
        norm = made.add(BatchNorm(), read)
        variance = np.full(factor.size, 1 - BatchNorm.epsilon)
        arrays = {"weight": factor, "bias": offset, "running_mean": np.zeros(factor.size), "running_var": variance}
        made.weights[norm] = Weights(arrays)
        if vector and node.id in self.draft.quants:
            made.quants[norm] = self.draft.quants[node.id]
        return made.add(Reshape(node.shape), norm) if vector else norm
