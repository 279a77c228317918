"""What is joined and cut apart again is read where it was."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.frontends.rebuild import rebuilt
from edgeprune.ir import Graph, Node
from edgeprune.ops import Concat, Slice


def cut_before_joins(graph: Graph) -> Graph:
    """A part of a Concat that lies within one operand is cut out of that operand.

    A recurrent layer written out joins its steps, and what follows often reads the last alone.

    Args:
        graph: float.
    """
    made: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        joined = made.get(node.inputs[0]) if isinstance(node.op, Slice) else None
        while joined is not None and isinstance(joined.op, Concat):
            inner = _within(graph, node, joined)
            if inner is None:
                break
            node = inner
            joined = made.get(node.inputs[0])
        made[node.output] = node
        nodes.append(node)
    return graph if nodes == list(graph.nodes) else rebuilt(graph, nodes)


def _within(graph: Graph, node: Node, joined: Node) -> Node | None:
    """The Slice of the one operand that it reads; None: it reads several."""
    assert isinstance(node.op, Slice)
    assert isinstance(joined.op, Concat)
    axis = joined.op.axis % len(node.op.start)
    start, stop, step = (part[axis] for part in (node.op.start, node.op.stop, node.op.step))
    if step < 1:
        return None
    first = 0
    for v in joined.inputs:
        length = graph.types[v].shape[axis]
        if first <= start and stop <= first + length and v not in graph.constants:
            ends = [list(node.op.start), list(node.op.stop)]
            ends[0][axis], ends[1][axis] = start - first, stop - first
            op = replace(node.op, start=tuple(ends[0]), stop=tuple(ends[1]))
            return replace(node, op=op, inputs=(v,))
        first += length
    return None
