"""What is chosen of a few values has their range, whatever of it calibration saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeprune.ir import Graph, Node
from edgeprune.ops import Compare, Keep, Maximum, Mul

Range = tuple[float, float]


def choices(graph: Graph, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """Ranges of rows of a table, of truth values, and of what is multiplied with those.

    Args:
        graph: float32.
        ranges: real ends of every activation's range, by name.
    """
    found: dict[str, Range] = {}
    truths: set[str] = set()
    for node in graph.nodes:
        if node.op.numbers:
            table = graph.constants[node.inputs[1]]
            found[node.output] = (float(table.min()), float(table.max()))
        if _is_truth(node, truths):
            truths.add(node.output)
            found[node.output] = (0.0, 1.0)
        elif isinstance(node.op, Mul) and truths.intersection(node.inputs):
            other = next(v for v in node.inputs if v not in truths)
            held = graph.constants.get(other)
            if held is not None:
                found[node.output] = (min(float(held.min()), 0.0), max(float(held.max()), 0.0))
            elif ranges[node.output] == (0.0, 0.0):  # it was never chosen
                found[node.output] = found.get(other, ranges[other])
    return found


def _is_truth(node: Node, truths: set[str]) -> bool:
    """Whether a node makes truth values: by a comparison, or of nothing but such."""
    of_truth = all(v in truths for v in node.inputs)
    return isinstance(node.op, Compare) or (
        of_truth and (node.op.moves or isinstance(node.op, Mul | Maximum))
    )


def as_products(graph: Graph, ranges: Mapping[str, Range]) -> tuple[Graph, dict[str, Range]]:
    """The same with products of what is kept and its truth, which are exact in integers.

    Args:
        graph: float32.
        ranges: real ends of every activation's range, by name.

    Returns:
        Truth values in place of other conditions, and the ranges with those of what is new.
    """
    found, constants = dict(ranges), dict(graph.constants)
    truths: set[str] = set()
    nodes: list[Node] = []
    for node in graph.nodes:
        if _is_truth(node, truths):
            truths.add(node.output)
        if isinstance(node.op, Keep):
            x, condition = node.inputs
            truth = condition
            if condition not in truths:
                truth = f"{condition}/truth"
                if condition in constants:
                    constants[truth] = (constants[condition] != 0).astype(np.float32)
                elif truth not in found:
                    nodes.append(Node(truth, Compare("!="), (condition,), truth))
                    found[truth] = (0.0, 1.0)
            node = replace(node, op=Mul(), inputs=(x, truth))
        nodes.append(node)
    if nodes == list(graph.nodes):
        return graph, found
    return graph.rebuilt(nodes, constants=constants), found
