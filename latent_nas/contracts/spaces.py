"""What every space keeps."""

from collections.abc import Callable
from typing import Any

import numpy as np

from latent_nas import seeds
from latent_nas.contracts import Broken, demand, refuses
from latent_nas.graph.features import graph_features
from latent_nas.operators import Shape
from latent_nas.spaces import Gene, Space, open_space

IMAGES = ((8, 8, 1), (96, 96, 3), (49, 10, 1), (2, 2, 1))
TEXTS = ((32,), (5,))
OUTPUTS = 10
ROWS = 40  # of which graphs are built, which takes most of the time
Subject = tuple[Space, Callable[[Shape, int], Space]]


def subjects(plugin: Any) -> list[Subject]:
    """Return the space for every input that it takes, with what opens it for others.

    Raises:
        ValueError: it takes none of those that are tried.
    """
    if isinstance(plugin, Space):
        bound = plugin
        return [(bound, type(bound))]

    def opened(shape: Shape, outputs: int) -> Space:
        space: Space = open_space(plugin, shape, outputs) if isinstance(plugin, str) else plugin(shape, outputs)
        return space

    spaces, refused = list[Subject](), []
    for shape in (*IMAGES, *TEXTS):
        try:
            spaces.append((opened(shape, OUTPUTS), opened))
        except ValueError as error:
            refused.append(f"{shape}: {error}")
    if not spaces:
        raise ValueError(f"it takes no input; tried {'; '.join(refused)}")
    return spaces


def uniform(space: Space, n: int, *path: str) -> np.ndarray:
    """Return genes drawn uniformly, (n, genes), canonical or not: corners that the space's sampler seldom meets."""
    return seeds.rng(0, *path).integers(0, space.sizes, (n, len(space.genes)))


def has_a_name_genes_and_features(subject: Subject) -> None:
    """Its name is a text, its genes have names of their own and a choice each, its features have names."""
    space = subject[0]
    demand(isinstance(getattr(space, "name", None), str) and space.name, "it has no `name`")
    demand(space.genes and all(isinstance(gene, Gene) for gene in space.genes), "`genes` is not a tuple of Gene")
    names = [gene.name for gene in space.genes]
    demand(len(set(names)) == len(names), f"two genes share a name: {names}")
    demand((space.sizes >= 1).all(), f"a gene has no choices: {dict(zip(names, space.sizes.tolist(), strict=True))}")
    demand(space.feature_names and all(isinstance(n, str) for n in space.feature_names), "it has no `feature_names`")


def canonical_is_idempotent_and_keeps_the_network(subject: Subject) -> None:
    """Canonical genes are their own representatives, and build what the genes build that they stand for."""
    space = subject[0]
    genes = uniform(space, 300, "idempotent")
    canonical = space.canonical(genes)
    demand(
        canonical.shape == genes.shape and canonical.dtype == np.int64,
        f"canonical gives {canonical.shape} of {canonical.dtype} for {genes.shape} of int64",
    )
    again = space.canonical(canonical)
    if moved := np.flatnonzero((again != canonical).any(axis=1)).tolist():
        row = moved[0]
        raise Broken(f"{canonical[row].tolist()} is canonical, but its canonical form is {again[row].tolist()}")
    for row, representative in zip(genes[:ROWS], canonical, strict=False):
        demand(
            space.graph(row) == space.graph(representative),
            f"{row.tolist()} and its canonical form {representative.tolist()} build different networks",
        )


def distinct_canonical_genes_build_distinct_networks(subject: Subject) -> None:
    """No network has two canonical forms; neighbours of one network are where two could be alike."""
    space = subject[0]
    genes = uniform(space, 1, "distinct").repeat(150, axis=0)
    rng = seeds.rng(0, "distinct", "edits")
    for _ in range(2):
        rows, columns = np.arange(150), rng.integers(len(space.genes), size=150)
        genes[rows, columns] = rng.integers(0, space.sizes[columns])
    known: dict[str, list[int]] = {}
    for row in np.unique(space.canonical(genes), axis=0):
        digest = space.graph(row).digest
        demand(digest not in known, f"{known.get(digest)} and {row.tolist()} are canonical and build one network")
        known[digest] = row.tolist()


def features_equal_the_graphs(subject: Subject) -> None:
    """Features are those that ``graph_features`` reads from the graph; those called "cell." are the space's own."""
    space = subject[0]
    genes = space.canonical(
        np.concatenate([space.sample(seeds.rng(1, "features"), 30), uniform(space, 30, "features")])
    )
    features = space.features(genes)
    wanted = (len(genes), len(space.feature_names))
    demand(features.shape == wanted, f"features have the shape {features.shape}, wanted {wanted}")
    demand(features.dtype == np.float32, f"features are {features.dtype}, wanted float32")
    shared = [(i, name) for i, name in enumerate(space.feature_names) if not name.startswith("cell.")]
    for row, given in zip(genes, features, strict=True):
        read = graph_features(space.graph(row))
        for i, name in shared:
            value = read.get(name, 0.0)
            demand(
                abs(given[i] - value) <= 1e-3 + 1e-6 * abs(value),
                f"feature {name!r} of {row.tolist()} is {given[i]:g}, of its graph {value:g}",
            )


def features_are_of_each_network_alone(subject: Subject) -> None:
    """A network's features are finite, and the same whatever stands beside it and whenever they are asked for."""
    space = subject[0]
    genes = space.sample(seeds.rng(3, "features"), 30)
    features = space.features(genes)
    demand(np.isfinite(features).all(), "features are NaN or infinite")
    for again in (space.features(genes[::-1])[::-1], np.concatenate([space.features(row[None]) for row in genes])):
        off = ~np.isclose(again, features, rtol=1e-4, atol=1e-4)
        name = space.feature_names[int(off.any(axis=0).argmax())]
        demand(not off.any(), f"feature {name!r} depends on the networks beside it, on their order, or on chance")


def arguments_are_left_alone(subject: Subject) -> None:
    """Genes that are given to ``canonical``, ``mutate`` and ``features`` are as they were afterwards."""
    space = subject[0]
    drawn, sampled = uniform(space, 50, "left alone"), space.sample(seeds.rng(0, "left alone"), 50)
    for name, genes, call in (
        ("canonical", drawn, space.canonical),
        ("mutate", sampled, lambda given: space.mutate(given, seeds.rng(0, "mutate"))),
        ("features", sampled, space.features),
    ):
        given = genes.copy()
        call(given)
        demand((given == genes).all(), f"`{name}` changes the genes that it is given; let it work on a copy")


def samples_and_mutants_are_canonical_and_derived_from_the_generator(subject: Subject) -> None:
    """One generator gives one sample and one mutant of each network; mutants differ from their parents."""
    space = subject[0]
    one, same, other = (space.sample(seeds.rng(s, "sample"), 50) for s in (1, 1, 2))
    demand(one.shape == (50, len(space.genes)), f"sample(rng, 50) has the shape {one.shape}")
    demand((one == same).all(), "one generator gives two samples; draw from `rng` alone")
    demand((one != other).any(), "two generators give one sample; draw from `rng`")
    demand((space.canonical(one) == one).all(), "a sample is not canonical")
    children, same, other = (space.mutate(one.copy(), seeds.rng(s, "mutate")) for s in (0, 0, 1))
    demand(children.shape == one.shape, f"mutate gives {children.shape} for {one.shape}")
    space.check(children)
    demand((space.canonical(children) == children).all(), "a mutant is not canonical")
    demand((children != one).any(axis=1).all(), "a mutant equals its parent")
    demand((children == same).all(), "one generator gives two mutants of a network; draw from `rng` alone")
    demand((children != other).any(), "two generators give the same mutants; draw from `rng`")


def networks_take_the_input_and_give_the_outputs(subject: Subject) -> None:
    """A network's graph is of the task's input and outputs; of a text, of every token's."""
    space, opened = subject
    for outputs in (space.outputs, 7):
        bound = space if outputs == space.outputs else opened(space.input_shape, outputs)
        for row in bound.sample(seeds.rng(0, "graph"), 10):
            graph = bound.graph(row)
            demand(
                graph.input_shape == bound.input_shape,
                f"a network takes {graph.input_shape}, the task has {bound.input_shape}",
            )
            good = ((outputs,), (*bound.input_shape, graph.input.vocabulary))
            demand(
                graph.output_shape in good,
                f"a network gives {graph.output_shape}, the task wants {outputs} outputs",
            )


def wrong_genes_are_named(subject: Subject) -> None:
    """Too few genes and a value out of range are refused by name."""
    space = subject[0]
    genes = space.sample(seeds.rng(0, "wrong"), 1)[0]
    refuses("a gene too few", space.check, genes[:-1])
    genes[-1] = space.sizes[-1]
    said = refuses("a gene out of range", space.check, genes)
    demand(space.genes[-1].name in said, f"the error does not name gene {space.genes[-1].name!r}: {said}")


CONTRACTS = (
    has_a_name_genes_and_features,
    canonical_is_idempotent_and_keeps_the_network,
    distinct_canonical_genes_build_distinct_networks,
    features_equal_the_graphs,
    features_are_of_each_network_alone,
    arguments_are_left_alone,
    samples_and_mutants_are_canonical_and_derived_from_the_generator,
    networks_take_the_input_and_give_the_outputs,
    wrong_genes_are_named,
)
