"""Integers have no division: a quotient is the product with the reciprocal, which is a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.ir import Graph, Node
from edgeprune.ops import Div, Mul
from edgeprune.ops.function import Reciprocal

Range = tuple[float, float]


def without_division(graph: Graph, ranges: Mapping[str, Range]) -> tuple[Graph, dict[str, Range]]:
    """The same float network with products instead of quotients, and the ranges of what is new.

    Args:
        graph: float32.
        ranges: real ends of every activation's range, by name.

    Raises:
        UnsupportedError: a divisor that may be 0; all of them at once.
    """
    found = dict(ranges)
    nodes: list[Node] = []
    constants = dict(graph.constants)
    problems = []
    for node in graph.nodes:
        if isinstance(node.op, Reciprocal) and node.inputs[0] in ranges:
            node = replace(node, op=_on_side(ranges[node.inputs[0]]))
        if not isinstance(node.op, Div):
            nodes.append(node)
            continue
        over, under = node.inputs
        low, high = _ends(graph, under, ranges)
        if under in graph.constants and graph.constants[under].all():
            inverse = f"{under}/reciprocal"
            constants[inverse] = (1 / graph.constants[under]).astype(np.float32)
            nodes.append(replace(node, op=Mul(node.op.clamp), inputs=(over, inverse)))
        elif low <= 0 <= high:
            problems.append(f"{node.name}: divides by values from {low:g} to {high:g}, so by 0")
        else:
            inverse = f"{node.output}/reciprocal"
            found[inverse] = (1 / high, 1 / low)
            nodes.append(Node(f"{node.name}/reciprocal", _on_side((low, high)), (under,), inverse))
            nodes.append(replace(node, op=Mul(node.op.clamp), inputs=(over, inverse)))
    if problems:
        what = f"has no integer form of {len(problems)} operators:\n  " + "\n  ".join(problems)
        raise UnsupportedError(graph.name, what, "use --dtype float32")
    if nodes == list(graph.nodes):
        return graph, found
    return graph.rebuilt(nodes, constants=constants), found


def _on_side(under: Range) -> Reciprocal:
    """What is divided by is 0 as an integer where it is small: its sign there is that of all."""
    return Reciprocal(-1.0 if under[1] < 0 else 1.0)


def _ends(graph: Graph, v: str, ranges: Mapping[str, Range]) -> Range:
    c = graph.constants.get(v)
    return ranges[v] if c is None else (float(c.min()), float(c.max()))
