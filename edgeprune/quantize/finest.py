"""Scales that are no finer than what kernels can make.

Values that hardly vary have such scales: the difference of equals, a layer of one neuron that never
fires, what is left of a network on samples that are all alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgeprune.ir import DType, Graph, LinearOp, Node
from edgeprune.ir.finest import FINEST_RESULT, reaches


def finest_scale(graph: Graph, node: Node, scales: Sequence[float], dtype: DType) -> float:
    """The smallest scale that a node's result may have; 0 where any will do.

    Args:
        graph: float32.
        node: one of its nodes.
        scales: of its operands; of constants that are rounded, theirs.
        dtype: type of the activations.
    """
    if not isinstance(node.op, LinearOp):
        types = [graph.types[v] for v in node.inputs]
        return node.op.finest_scale(types, scales, dtype)
    w, b = (graph.constants[v] for v in node.inputs[1:3])
    others = tuple(i for i in range(w.ndim) if i != node.op.out_axis)
    sums = np.abs(w).sum(axis=others, dtype=np.float64).reshape(-1)
    reach = sums * reaches(scales[:1], dtype)[0] + np.abs(b).reshape(-1)
    return float(np.max(reach)) * FINEST_RESULT


def too_fine(graph: Graph, scales: Mapping[str, float], dtype: DType) -> tuple[str, float] | None:
    """A value whose scale its operator cannot make, or its reader not take, and one that will do.

    Args:
        graph: float32.
        scales: of every activation and every constant that is rounded by its own range.
        dtype: type of the activations.
    """
    for node in graph.nodes:
        given = [scales[v] for v in node.inputs if v in scales]
        for name, finest in (
            (node.inputs[0], node.op.finest_operand),
            (node.output, finest_scale(graph, node, given, dtype)),
        ):
            if name in scales and scales[name] < finest:
                return name, 2 * finest
    return None
