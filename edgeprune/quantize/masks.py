"""Masks of scores: what they take away in front of a softmax need not be told apart."""

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
        taken = [v for v in node.inputs if _least(graph, ends, v) <= MASKED / 2]
        if node.op.kind != "add" or len(taken) != 1 or not _scores(graph, ranges, node.output):
            continue
        _bound(graph, ranges, ends, taken[0])
        low, high = ends[next(v for v in node.inputs if v != taken[0])]
        ends[node.output] = (low - BELOW_SCORES, high)
        held = graph.constants.get(taken[0])
        if held is not None and held.min() < MASKED:
            mask = f"{node.name}/mask"
            constants[mask] = np.maximum(held, np.float32(MASKED))
            types[mask] = TensorType(tuple(map(int, held.shape)))
            inputs = tuple(mask if v in graph.constants else v for v in node.inputs)
            nodes[i] = replace(node, inputs=inputs)
    return replace(graph, nodes=tuple(nodes), constants=constants, types=types), ends


def _bound(
    graph: Graph, ranges: Mapping[str, Range], ends: dict[str, Range], v: str | None
) -> None:
    """Let a computed mask, and what it is moved from, saturate at MASKED."""
    while v is not None and v in ends and _masks_only(graph, ranges, v):
        ends[v] = (max(ends[v][0], MASKED), ends[v][1])
        maker = graph.producer.get(v)
        v = maker.inputs[0] if maker is not None and maker.op.moves else None


def _masks_only(graph: Graph, ranges: Mapping[str, Range], v: str) -> bool:
    """Whether a value is only added to scores, moved or not."""
    return v not in graph.outputs and all(
        _scores(graph, ranges, user.output)
        if user.op.kind == "add"
        else user.op.moves and _masks_only(graph, ranges, user.output)
        for user in graph.users[v]
    )


def _least(graph: Graph, ranges: Mapping[str, Range], v: str) -> float:
    """The least element of a constant, or of what calibration saw of a value."""
    held = graph.constants.get(v)
    return ranges[v][0] if held is None else float(held.min(initial=0))


def _scores(graph: Graph, ranges: Mapping[str, Range], v: str) -> bool:
    """Whether nothing but a softmax reads a value, moved or masked once more or not."""
    users = graph.users[v]
    if v in graph.outputs or not users:
        return False
    return all(
        user.op.kind in ("softmax", "log_softmax")
        or (_same_scores(graph, ranges, user) and _scores(graph, ranges, user.output))
        for user in users
    )


def _same_scores(graph: Graph, ranges: Mapping[str, Range], node: Node) -> bool:
    """Whether a node moves what it reads, or adds a constant or a mask to it."""
    if node.op.kind != "add":
        return node.op.kind in ("reshape", "transpose", "quantize")
    held = any(v in graph.constants for v in node.inputs)
    return held or any(_least(graph, ranges, v) <= MASKED / 2 for v in node.inputs)
