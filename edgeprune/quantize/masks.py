"""Masks of scores: what a constant takes away in front of a softmax need not be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeprune.ir import Graph, Node, TensorType
from edgeprune.ir.types import MASKED

Range = tuple[float, float]

BELOW_SCORES = 12.0
"""How far below the others a score that is masked is held: of e to its power nothing shows."""


def with_masks(graph: Graph, ranges: Mapping[str, Range]) -> tuple[Graph, dict[str, Range]]:
    """The graph whose masks take MASKED away at the most, and ranges in which that saturates.

    Args:
        graph: float32.
        ranges: real ends of every activation's range, by name.
    """
    nodes, constants, types = list(graph.nodes), dict(graph.constants), dict(graph.types)
    ends = dict(ranges)
    for i, node in enumerate(nodes):
        held = [graph.constants[v] for v in node.inputs if v in graph.constants]
        large = len(held) == 1 and held[0].min(initial=0) <= MASKED / 2
        if node.op.kind != "add" or not large or not _scores(graph, node.output):
            continue
        low, high = ends[next(v for v in node.inputs if v not in graph.constants)]
        ends[node.output] = (low - BELOW_SCORES, high)
        if held[0].min() < MASKED:
            mask = f"{node.name}/mask"
            constants[mask] = np.maximum(held[0], np.float32(MASKED))
            types[mask] = TensorType(tuple(map(int, held[0].shape)))
            inputs = tuple(mask if v in graph.constants else v for v in node.inputs)
            nodes[i] = replace(node, inputs=inputs)
    return replace(graph, nodes=tuple(nodes), constants=constants, types=types), ends


def _scores(graph: Graph, v: str) -> bool:
    """Whether nothing but a softmax reads a value, moved or masked once more or not."""
    users = graph.users[v]
    if v in graph.outputs or not users:
        return False
    return all(
        user.op.kind in ("softmax", "log_softmax")
        or (_same_scores(graph, user) and _scores(graph, user.output))
        for user in users
    )


def _same_scores(graph: Graph, node: Node) -> bool:
    """Whether a node moves what it reads, or adds a constant to it."""
    added = node.op.kind == "add" and any(v in graph.constants for v in node.inputs)
    return added or node.op.kind in ("reshape", "transpose", "quantize")
