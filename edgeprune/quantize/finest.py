"""Scales that are no finer than what kernels can make.

Values that hardly vary have such scales: the difference of equals, a layer of one neuron that never
fires, what is left of a network on samples that are all alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeprune.ir import DType, Graph, LinearOp, Node

FINEST_SUM = {DType.INT8: 2.0**-18, DType.INT16: 2.0**-13}
"""The smallest scale of a sum, as a part of its operands' largest; TFLite's limit is half of it."""
FINEST_LOGIT = 2.0**-25
"""The smallest scale of what a softmax reads; TFLite's limit is half of it."""
FINEST_RESULT = 2.0**-30
"""The smallest scale of other results, as a part of the largest magnitude that the operands can
make: 32 bits hold such a result before it is clamped, with a bit to spare. float32 does not tell
values so far below that magnitude from 0."""
FINEST_SWISH = 2.0**-7
"""The smallest scale of a hard swish, as a part of its operand's; it is TFLite's limit."""
RESCALED = frozenset({"clamp", "leaky_relu", "mean", "prelu", "mul", "matmul"})
"""Operators without weights that change the scale of what they read, or multiply."""


def finest_scale(graph: Graph, node: Node, scales: Sequence[float], dtype: DType) -> float:
    """The smallest scale that a node's result may have; 0 where any will do.

    Args:
        graph: float32.
        node: one of its nodes, not a softmax.
        scales: of its operands; of constants that are rounded, theirs.
        dtype: type of the activations.
    """
    if node.op.kind in ("add", "sub"):
        return max(scales) * FINEST_SUM[dtype]
    if node.op.kind == "hard_swish":
        return scales[0] * FINEST_SWISH
    levels = 65536.0 if dtype is DType.INT16 else 256.0
    if isinstance(node.op, LinearOp):
        w, b = (graph.constants[v] for v in node.inputs[1:3])
        others = tuple(i for i in range(w.ndim) if i != node.op.out_axis)
        sums = np.abs(w).sum(axis=others, dtype=np.float64).reshape(-1)
        return float(np.max(sums * levels * scales[0] + np.abs(b).reshape(-1))) * FINEST_RESULT
    if node.op.kind not in RESCALED:
        return 0.0
    reach = [levels * scale for scale in scales]
    if len(reach) == 1:
        return reach[0] * FINEST_RESULT
    if node.op.kind == "prelu":  # a positive value, or one times its slope
        return reach[0] * max(1.0, reach[1]) * FINEST_RESULT
    terms = graph.types[node.inputs[0]].shape[-1] if node.op.kind == "matmul" else 1
    return terms * reach[0] * reach[1] * FINEST_RESULT


def too_fine(graph: Graph, scales: Mapping[str, float], dtype: DType) -> tuple[str, float] | None:
    """A value whose scale its operator cannot make, or its reader not take, and one that will do.

    Args:
        graph: float32.
        scales: of every activation and every constant that is rounded by its own range.
        dtype: type of the activations.
    """
    for node in graph.nodes:
        if node.op.kind in ("softmax", "log_softmax"):
            name, finest = node.inputs[0], FINEST_LOGIT
        else:
            given = [scales[v] for v in node.inputs if v in scales]
            name, finest = node.output, finest_scale(graph, node, given, dtype)
        if name in scales and scales[name] < finest:
            return name, 2 * finest
    return None
