"""Which layers bear weights of four bits, told from the float network before anything is built."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.ir import Array, Graph, LinearOp, Node, QuantParams, dequantise_array
from edgeprune.quantize.rewrite import four_bit_layers
from edgeprune.quantize.weights import quantise_weights


def tolerant(graph: Graph, accuracy: Callable[[Graph], float], floor: float) -> frozenset[str]:
    """Layers that alone keep the accuracy with weights of four bits.

    Each layer's weights are rounded to their few levels, all others stay as they are.

    Args:
        graph: float32.
        accuracy: of a network like it, on validation data.
        floor: the accuracy that is enough, 0 to 1.

    Returns:
        Names of layers; those that an int4 kernel exists for and the accuracy allows.
    """
    candidates = four_bit_layers(graph)
    return frozenset(
        node.name
        for node in graph.nodes
        if node.name in candidates
        and accuracy(graph.with_constants(_rounded(graph, node))) >= floor
    )


def _rounded(graph: Graph, node: Node) -> dict[str, Array]:
    """Weights as the levels that stand for them."""
    assert isinstance(node.op, LinearOp)
    name, axis = node.inputs[1], node.op.out_axis
    w = graph.constants[name]
    none = np.zeros(w.shape[axis], np.float32)
    (q, t), _ = quantise_weights(w, none, QuantParams.of(1.0), axis, bits=4)
    return {name: dequantise_array(q, t)}
