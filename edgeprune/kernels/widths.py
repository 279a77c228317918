"""Which numbers of channels kernels like: a block that is not full costs as much as a full one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import Graph, Node, QuantParams, TensorType, build_graph
from edgeprune.kernels.costs import calibrated
from edgeprune.kernels.select import candidates
from edgeprune.ops import Conv2d, Dense

WIDER = 8
"""Channels that are tried beyond those that a layer has: the widest block of any kernel."""


@dataclass(frozen=True)
class Width:
    """What a layer costs with a number of output channels.

    Attributes:
        channels: of the output.
        instructions: of one inference, by the cost model.
        constant_bytes: of its arrays in flash; code aside.
    """

    channels: int
    instructions: int
    constant_bytes: int


def width_costs(
    graph: Graph, node: Node, isas: Sequence[str], optimize: str, core: str, wider: int = WIDER
) -> list[Width]:
    """What a dense layer or convolution would cost with the channels it has, and with a few more.

    Its own cost only: layers that read it see more inputs, which cost what they cost.

    Args:
        graph: as it is emitted.
        node: a Dense, or a Conv2d of one group.
        isas: sets of kernels that the target has, best first.
        optimize: "size" or "speed".
        core: what it is to run on.
        wider: the most channels that are added.

    Returns:
        One of each width, narrowest first; empty for other operators.
    """
    if not isinstance(node.op, Dense | Conv2d) or getattr(node.op, "groups", 1) != 1:
        return []
    channels = graph.types[node.output].shape[-1]
    found = []
    for n in range(channels, channels + wider + 1):
        alone = _alone(graph, node, n)
        only = alone.nodes[0]
        calls = [
            calibrated(c, alone, only, core, optimize)
            for c in candidates(alone, only, isas, optimize, "ep_layer0")
        ]
        best = min(calls, key=lambda c: c.instructions)
        found.append(Width(n, best.instructions, best.constant_bytes))
    return found


def liked_width(costs: Sequence[Width], spare_bytes: int = 0) -> int:
    """The most channels that take no more instructions than the first of ``costs``.

    Args:
        costs: of :func:`width_costs`.
        spare_bytes: by which the layer's arrays may grow.
    """
    now = costs[0]
    free = (
        w.channels
        for w in costs
        if w.instructions <= now.instructions
        and w.constant_bytes <= now.constant_bytes + spare_bytes
    )
    return max(free)


def _alone(graph: Graph, node: Node, channels: int) -> Graph:
    """A network of the node, its channels repeated until they are so many."""
    x, w, bias = node.inputs
    types = {v: graph.types[v] for v in (w, bias)}
    wide = {v: _repeated(t, channels) for v, t in types.items()}
    constants = {v: np.resize(graph.constants[v], wide[v].shape) for v in (w, bias)}
    y = graph.types[node.output]
    return build_graph(
        "layer",
        [node],
        {x: graph.types[x]},
        [node.output],
        constants,
        wide,
        known={node.output: replace(y, shape=(*y.shape[:-1], channels))},
    )


def _repeated(t: TensorType, channels: int) -> TensorType:
    """The type of weights or biases, whose first axis is that of the output channels."""
    q = t.quant
    if q is not None and q.axis is not None:
        scale = tuple(float(v) for v in np.resize(q.scale, channels))
        q = QuantParams(scale, (0,) * channels, q.axis)
    return replace(t, shape=(channels, *t.shape[1:]), quant=q)
