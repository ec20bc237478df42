"""What every operator keeps: its shape, its float module and its integers agree, within a small network."""

import dataclasses
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.contracts import demand, refuses
from latent_nas.graph import Builder, Graph
from latent_nas.operators import Operator, from_json
from latent_nas.operators.conv2d import Conv2d
from latent_nas.operators.dense import Dense
from latent_nas.operators.embedding import Embedding
from latent_nas.operators.flatten import Flatten
from latent_nas.operators.global_pool import GlobalPool
from latent_nas.operators.input import Input
from latent_nas.training.network import Network
from latent_nas.training.quantise import quantise

IMAGE, TOKENS, VOCABULARY, OUTPUTS = (7, 6, 4), 12, 9, 3
SAMPLES = 64


def subjects(plugin: Any) -> list[Operator]:
    """Return the examples of the operator, or the one that is given.

    Raises:
        ValueError: it has fields that must be given, and no examples.
    """
    if isinstance(plugin, Operator):
        return [plugin]
    try:
        return list(plugin.examples())
    except TypeError as error:
        raise ValueError(f"{error}; give `examples`, which returns a few with their fields set") from None


def around(operator: Operator) -> Graph:
    """Return a small network with the operator behind a convolution, a flattened image, a text or its tokens.

    Raises:
        ValueError: it takes none of these.
    """
    refused = []
    for begin in (_image, _vector, _text, _tokens):
        build = Builder() if begin in (_text, _tokens) else Builder(IMAGE)
        inputs = begin(build, operator.arity if operator.arity is not None else 2)
        try:
            x = build.add(operator, *inputs)
        except ValueError as error:
            refused.append(str(error))
            continue
        if begin is _vector and len(build.shape(x)) == 2:  # it took the values for tokens
            continue
        if len(build.shape(x)) == 3:
            x = build.add(GlobalPool(), x)
        build.add(Dense(OUTPUTS), x)
        return build.build()
    raise ValueError(f"it takes neither an image nor a vector nor a text: {'; '.join(refused)}")


def _image(build: Builder, n: int) -> list[int]:
    return [build.add(Conv2d(IMAGE[2], (3, 3) if i == 0 else (1, 1)), 0) for i in range(n)]


def _vector(build: Builder, n: int) -> list[int]:
    return [build.add(Flatten(), x) for x in _image(build, n)]


def _tokens(build: Builder, n: int) -> list[int]:
    return [build.add(Input((TOKENS,), VOCABULARY))] * n


def _text(build: Builder, n: int) -> list[int]:
    x = build.add(Embedding(VOCABULARY, IMAGE[2]), build.add(Input((TOKENS,), VOCABULARY)))
    return [build.add(Dense(IMAGE[2]), x) for _ in range(n)]


def is_a_frozen_value_with_a_kind(subject: Operator) -> None:
    """A frozen dataclass that can be hashed and compared; ``kind`` is how files name it."""
    demand(dataclasses.is_dataclass(subject), "it is not a dataclass; write @dataclass(frozen=True) above the class")
    demand(isinstance(getattr(subject, "kind", None), str) and subject.kind, "it has no `kind`")
    demand(hash(subject) == hash(dataclasses.replace(subject)), "two equal ones have two hashes")


def json_gives_it_back(subject: Operator) -> None:
    """Kind and fields are plain values, from which the same operator is made again."""
    again = from_json(subject.to_json())
    demand(again == subject, f"{subject.to_json()} gives {again}")


def shape_integers_and_weights_follow_the_float_module(subject: Operator) -> None:
    """In a network, float outputs have its shape, int8 ones are near them, and weights are counted as they are."""
    if subject.arity == 0:
        return
    graph = around(subject)
    model = _drawn(graph)
    rng, text = seeds.rng(0, "data"), graph.input.vocabulary
    tokens, values = rng.integers(0, VOCABULARY, (SAMPLES, TOKENS)), rng.normal(size=(SAMPLES, *IMAGE))
    x = tokens if text else values.astype(np.float32)
    outputs = model.outputs(x)
    wanted = (SAMPLES, *graph.output_shape)
    demand(outputs.shape == wanted, f"its module gives {outputs.shape} in a network, `shape` says {wanted}")
    quantised = quantise(graph, model, x)
    for node, tensor in zip(quantised.graph.nodes, quantised.tensors(x), strict=True):
        kind = np.uint16 if text and node.id == 0 else np.int8
        demand(
            tensor.shape == (SAMPLES, *node.shape) and tensor.dtype == kind,
            f"`int8` of {node.operator.kind} gives {tensor.shape} of {tensor.dtype}, `shape` says {node.shape}",
        )
    error = np.abs(quantised.outputs(x) - outputs).max() / (outputs.max() - outputs.min())
    most = 0.06 if subject.bits >= 8 else 0.15  # a few int8 steps of the range; 4-bit weights are coarser
    demand(error < most, f"int8 outputs are off by {error:.1%} of their range, wanted under {most:.0%}")
    floats = sum(p.numel() for name, p in model.named_parameters() if "bias" not in name)
    weights = sum(
        int(np.prod(shape))
        for node in graph.nodes
        for name, shape in node.operator.weight_shapes(*graph.shapes_into(node)).items()
        if name == "weight"
    )
    demand(floats == weights, f"the float network has {floats} weights, `weight_shapes` say {weights}")


def _drawn(graph: Graph) -> Network:
    """Return the float network with drawn weights; what a batch norm would have seen is drawn as well."""
    import torch

    with seeds.isolated(3):
        model = Network(graph)
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.uniform_(-1, 1)
                module.running_var.uniform_(0.5, 2)
    return model


def wrong_inputs_are_refused(subject: Operator) -> None:
    """A wrong number of inputs is a ValueError, before anything is built."""
    many = [IMAGE] * (subject.arity + 1) if subject.arity is not None else [IMAGE]
    refuses(f"{len(many)} inputs", subject.shape, *many)


def costs_are_counted(subject: Operator) -> None:
    """MACs, parameters and the terms of its work are finite and not negative, and the kernel has a name."""
    if subject.arity == 0:
        return
    graph = around(subject)
    node = next(node for node in graph.nodes if node.operator == subject)
    shapes = graph.shapes_into(node)
    counts = {"macs": subject.macs(*shapes), "parameters": subject.parameters(*shapes), **subject.work(*shapes)}
    wrong = {name: count for name, count in counts.items() if not (np.isfinite(count) and count >= 0)}
    demand(not wrong, f"these counts can't be: {wrong}")
    demand(isinstance(subject.kernel(*shapes), str), "`kernel` is not a name")


CONTRACTS = (
    is_a_frozen_value_with_a_kind,
    json_gives_it_back,
    shape_integers_and_weights_follow_the_float_module,
    wrong_inputs_are_refused,
    costs_are_counted,
)
