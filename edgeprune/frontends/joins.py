"""What is joined and cut apart again is read where it was."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.frontends.passes import fresh
from edgeprune.ir import Graph, Node
from edgeprune.ops import Concat, Reshape, Slice


def cut_before_joins(graph: Graph) -> Graph:
    """A part of a Concat that lies within one operand is cut out of that operand.

    A recurrent layer written out joins its steps, and what follows often reads the last alone,
    maybe behind Reshapes that put axes of length one in.

    Args:
        graph: float.
    """
    graph = _cut_before_axes(graph)
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
    return graph if nodes == list(graph.nodes) else graph.rebuilt(nodes)


def _cut_before_axes(graph: Graph) -> Graph:
    """A Slice of a Concat in another shape is made before it, where only axes of 1 differ."""
    names = {n.name for n in graph.nodes} | set(graph.types)
    nodes: list[Node] = []
    for node in graph.nodes:
        value = _unshaped(graph, node.inputs[0])
        joined = graph.producer.get(value)
        if isinstance(node.op, Slice) and joined and isinstance(joined.op, Concat):
            outer, inner = (graph.types[v].shape for v in (node.inputs[0], value))
            op = _without_axes(node.op, outer, inner)
            if value != node.inputs[0] and op is not None:
                cut = fresh(names, f"{node.output}/cut")
                nodes.append(Node(cut, op, (value,), cut))
                node = replace(node, op=Reshape(graph.types[node.output].shape), inputs=(cut,))
        nodes.append(node)
    return graph if nodes == list(graph.nodes) else graph.rebuilt(nodes)


def _unshaped(graph: Graph, value: str) -> str:
    """The value before all Reshapes that gave it its shape."""
    while (maker := graph.producer.get(value)) and isinstance(maker.op, Reshape):
        value = maker.inputs[0]
    return value


def _without_axes(op: Slice, shape: tuple[int, ...], inner: tuple[int, ...]) -> Slice | None:
    """The same box of a value without axes of length 1; None: the shapes differ in others, too."""
    kept = [i for i, n in enumerate(shape) if n != 1]
    wide = [i for i, n in enumerate(inner) if n != 1]
    if [shape[i] for i in kept] != [inner[i] for i in wide]:
        return None
    parts = []
    for of, whole in ((op.start, [0] * len(inner)), (op.stop, [1] * len(inner)),
                      (op.step, [1] * len(inner))):  # fmt: skip
        for i, k in zip(kept, wide, strict=True):
            whole[k] = of[i]
        parts.append(tuple(whole))
    return Slice(*parts)


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
