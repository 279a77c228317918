"""Constants that a file keeps once for several operators."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.frontends.passes import fresh
from edgeprune.ir import Coupling, Graph, Node, couple


def split_shares(graph: Graph) -> Graph:
    """Vectors that several operators read, one for each of them.

    Converters keep what is equal once: biases of zeros, scales of ones. All channels that read one
    vector go together, so layers that have nothing to do with one another would be tied. Operators
    whose channels go together anyway, as those of layers that share their weights, keep one.
    """
    vectors = {v for v, x in graph.constants.items() if 1 < x.size == x.shape[-1]}
    shared = {v for v in vectors if len(graph.users[v]) > 1}
    if not shared:
        return graph
    names = {n.name for n in graph.nodes} | set(graph.types)
    source: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        own = {v: fresh(names, f"{v}/{node.name}") for v in shared.intersection(node.inputs)}
        source |= {name: v for v, name in own.items()}
        nodes.append(replace(node, inputs=tuple(own.get(v, v) for v in node.inputs)))
    copies = {name: graph.constants[v] for name, v in source.items()}
    split = graph.rebuilt(nodes, constants={**graph.constants, **copies})
    coupling = couple(split)
    kept: dict[tuple[str, bytes], str] = {}  # by vector and channels
    first: dict[str, str] = {}
    for name, v in source.items():
        first[name] = kept.setdefault((v, _channels(coupling, name)), name)
    nodes = [replace(n, inputs=tuple(first.get(v, v) for v in n.inputs)) for n in split.nodes]
    return split.rebuilt(nodes) if len(kept) > len(shared) else graph


def _channels(coupling: Coupling, vector: str) -> bytes:
    """The channels of a vector's elements, to be compared; of weights those that they make."""
    ids = coupling.values.get(vector, coupling.axes.get((vector, 0)))
    return b"" if ids is None else ids.tobytes()
