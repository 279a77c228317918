"""The arena of a TFLite file, planned here so that TFLite Micro needs no larger one.

TFLM's kernels neither work in place nor know our scratch memory: every activation has its own
place while it lives, in the order in which the file runs. Scratch memory TFLM adds by itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Graph
from edgeprune.planner import Buffer, plan_memory
from edgeprune.planner.arena import place

ALIGN = 16
"""Bytes; TFLM's alignment of tensors."""


def in_best_order(graph: Graph) -> Graph:
    """The same network, its nodes in the order with the lowest peak."""
    rank = {name: i for i, name in enumerate(plan_memory(graph, {}).order)}
    return replace(graph, nodes=tuple(sorted(graph.nodes, key=lambda n: rank[n.name])))


def offsets(graph: Graph) -> dict[str, int]:
    """Where each activation lies, in bytes from the start of the arena, in the graph's order."""
    first = {v: 0 for v in graph.inputs}
    last = {v: 0 for v in graph.inputs}
    for step, node in enumerate(graph.nodes):
        first[node.output] = last[node.output] = step
        last.update({v: step for v in node.inputs if v in first})
    last.update({v: len(graph.nodes) for v in graph.outputs})
    buffers = [Buffer(v, graph.types[v].nbytes, first[v], last[v]) for v in graph.activations]
    return dict(zip(graph.activations, place(buffers, align=ALIGN), strict=True))


def metadata(places: list[int]) -> bytes:
    """OfflineMemoryAllocation: version 1, subgraph 0, an offset (or -1) for each tensor."""
    return np.asarray([1, 0, len(places), *places], "<i4").tobytes()
