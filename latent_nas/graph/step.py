"""The graph of one token at a time: how a network of text runs on a device."""

from latent_nas.graph import Builder, Graph


def stepped(graph: Graph) -> Graph:
    """Return a deployed graph that takes one token and remembers what it needs of those before.

    Node ids, weights and integers are those of the given graph, which takes a window at once. A graph whose input is
    no text is returned as it is.
    """
    if not graph.input.vocabulary:
        return graph
    builder = Builder()
    for node in graph.nodes:
        builder.add(node.operator.step(), *node.inputs)
    return builder.build()
