"""From a draft to a graph: scales per channel folded into the layers beside them, what nobody reads left out."""

import numpy as np

from latent_nas.graph import Node
from latent_nas.graph.functions import functions, operator_of
from latent_nas.interchange.onnx_draft import Affine, Draft, Pairwise, Weights
from latent_nas.interchange.onnx_nodes.call import Unreadable
from latent_nas.interchange.onnx_scales import fold
from latent_nas.interchange.onnx_work import Work
from latent_nas.operators.activation import Activation
from latent_nas.operators.batch_norm import BatchNorm
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.reshape import Reshape


def simplified(draft: Draft, last: int) -> tuple[Draft, dict[int, int]]:
    """Return the draft that a node's value needs, without ``Affine``, and the new ids by the old ones.

    Ids are those of the nodes that make the same tensors; of two that became one, the later.
    """
    work = Work(draft, last)
    _fuse(work)
    for node in list(work.order):
        if isinstance(work.nodes[node].operator, Affine) and node in work.nodes:
            fold(work, node)
    return _finished(work)


def _fuse(work: Work) -> None:
    """Put one operator in the place of each chain that is a function of one tensor.

    Raises:
        Unreadable: an operator of two tensors that has no form but as part of such a function.
    """
    formulas = {}
    for node in work.nodes.values():
        if isinstance(node.operator, Pairwise):
            formulas[node.id] = node.operator.formula
        elif isinstance(node.operator, Affine) and (formula := work.formula(node.id)):
            formulas[node.id] = formula
    made = functions(work.draft.nodes, formulas, work.draft.quants)
    beyond = functions(work.draft.nodes, formulas, ())  # what has no other form, roundings in between or not
    pairs = [n.id for n in work.nodes.values() if isinstance(n.operator, Pairwise)]
    made |= {i: beyond[i] for i in pairs if i in beyond and i not in made}
    for i in work.order:
        if i in made:
            work.nodes[i] = Node(i, operator_of(made[i].formula), (made[i].source,), work.nodes[i].shape)
            work.draft.weights.pop(i, None)
    wanted = {work.last, 0}
    for i in reversed(work.order):
        if i in wanted:
            wanted.update(work.nodes[i].inputs)
            if isinstance(operator := work.nodes[i].operator, Pairwise):
                raise Unreadable(f"{operator.what}: it reads tensors that are not functions of one")
    work.order = [i for i in work.order if i in wanted]
    work.nodes = {i: work.nodes[i] for i in work.order}


def _finished(work: Work) -> tuple[Draft, dict[int, int]]:
    """Return the nodes that are left as a draft, scales as batch norms, and the new ids by the old ones."""
    made = Draft.of(work.nodes[0].shape)
    made.notes, place = work.draft.notes, {0: 0}
    for node in (work.nodes[i] for i in sorted(work.nodes) if i):
        inputs = [place[i] for i in node.inputs]
        if isinstance(node.operator, Affine):
            place[node.id] = _norm(work, made, node, node.operator.norm, inputs[0])
            continue
        place[node.id] = made.add(node.operator, *inputs)
        if node.id in work.draft.weights:
            made.weights[place[node.id]] = work.draft.weights[node.id]
    for old, kept in sorted(work.stands_for.items(), reverse=True):
        while kept in work.stands_for and kept not in work.nodes:
            kept = work.stands_for[kept]
        if kept in place:
            place[old] = place[kept]
    made.quants |= {place[i]: q for i, q in work.draft.quants.items() if i in work.nodes}
    return made, {i: n for i, n in place.items() if work.stands_for.get(i) != -1}


def _norm(work: Work, made: Draft, node: Node, keep: bool, source: int) -> int:
    """Add a scale as a table, or of channels that differ as a batch norm; return the node that holds its tensor."""
    if not keep and (formula := work.formula(node.id)):
        return made.add(Activation(formula), source)
    factor, offset = work.scale(node.id)
    if len(node.shape) == 3 and work.quant(node.inputs[0]):  # a batch norm would be folded beyond it
        apart = made.add(Conv2d(factor.size, (1, 1), groups=factor.size), source)
        made.weights[apart] = Weights({"weight": factor.reshape(-1, 1, 1, 1), "bias": offset})
        return apart
    vector = len(node.shape) == 1
    read = made.add(Reshape((1, 1, *node.shape)), source) if vector else source
    norm = made.add(BatchNorm(), read)
    variance = np.full(factor.size, 1 - BatchNorm.epsilon)
    arrays = {"weight": factor, "bias": offset, "running_mean": np.zeros(factor.size), "running_var": variance}
    made.weights[norm] = Weights(arrays)
    if vector and node.id in work.draft.quants:
        made.quants[norm] = work.draft.quants[node.id]
    return made.add(Reshape(node.shape), norm) if vector else norm
