"""Fused clamps taken apart, so that what enters a non-linearity is a value of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from edgeprune.ir import Graph, Node, Op
from edgeprune.ops import Relu


def unfuse(graph: Graph) -> Graph:
    """The same float network with every fused clamp as an operator behind its layer.

    Constants, node names and the names of clamped values stay; the layer's own result is called
    ``<value>.raw``. Of two branches that are added, the one with fewer weights comes first, so
    that the other can make up for both.
    """
    nodes: list[Node] = []
    for node in graph.nodes:
        bounds = getattr(node.op, "clamp", None)
        if bounds is None:
            nodes.append(node)
            continue
        raw = f"{node.output}.raw"
        assert raw not in graph.types, raw
        op = cast(Op, replace(cast(Any, node.op), clamp=None))
        nodes.append(replace(node, op=op, output=raw))
        nodes.append(Node(f"{node.name}.clamp", Relu(bounds), (raw,), node.output))
    return graph.rebuilt(_light_first(graph, nodes))


def _light_first(graph: Graph, nodes: list[Node]) -> list[Node]:
    """The nodes in an order in which they can run, of each node's operands the lightest first."""
    producer = {n.output: n for n in nodes}

    def weight(v: str) -> int:
        node = producer.get(v)
        return (
            sum(graph.constants[c].size for c in node.inputs if c in graph.constants) if node else 0
        )

    order: dict[str, Node] = {}
    todo = list(reversed(graph.outputs))
    while todo:
        v = todo[-1]
        node = producer.get(v)
        if node is None or v in order:
            todo.pop()
            continue
        waiting = [i for i in node.inputs if i in producer and i not in order]
        if not waiting:
            order[v] = node
            todo.pop()
        todo += sorted(waiting, key=weight, reverse=True)
    return list(order.values())
