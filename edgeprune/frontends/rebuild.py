"""A graph with other nodes, and what passes over a graph ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgeprune.ir import Array, Graph, Node, build_graph


def rebuilt(
    graph: Graph,
    nodes: Iterable[Node],
    constants: Mapping[str, Array] | None = None,
    outputs: tuple[str, ...] | None = None,
) -> Graph:
    """A graph with other nodes; the types of quantised values stay."""
    quantised = {v: t for v, t in graph.types.items() if t.quant is not None}
    held = graph.constants if constants is None else constants
    made = build_graph(
        graph.name,
        nodes,
        {v: graph.types[v] for v in graph.inputs},
        graph.outputs if outputs is None else outputs,
        held,
        {k: t for k, t in graph.types.items() if k in held and k in graph.constants},
        known={k: t for k, t in quantised.items() if k not in held},
        ports=graph.ports,
        origin=graph.origin,
    )
    return replace(made, notes=graph.notes)


def only_user(graph: Graph, value: str) -> Node | None:
    """The node that alone reads a value, if the value is no output."""
    users = graph.users[value]
    return users[0] if len(users) == 1 and value not in graph.outputs else None


def fresh(names: set[str], name: str) -> str:
    """A name that is not taken; it is from now on."""
    found, n = name, 1
    while found in names:
        n += 1
        found = f"{name}_{n}"
    names.add(found)
    return found
