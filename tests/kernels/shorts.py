"""Layers whose scales and biases take three bytes a channel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import Graph, QuantParams
from edgeprune.ir.fixedpoint.short import Short, few_bits, short_biases, short_scales

APART = 60
"""Scales are at most so many times as large as others."""


def shortened(graph: Graph) -> Graph:
    """A network of one int8 layer, with the nearest short scales and biases."""
    node = graph.nodes[0]
    x, w, b = graph.types_of(node)
    y = graph.types[node.output]
    assert x.quant is not None
    assert w.quant is not None
    assert y.quant is not None
    scale, axis = np.asarray(w.quant.scale), w.quant.axis
    if axis is None:
        return graph
    result = QuantParams.of(few_bits(y.quant.scale[0]), y.quant.zero_point[0])
    found = short_scales(np.maximum(scale, scale.max() / APART), result.scale[0])
    assert found is not None
    scales = QuantParams(tuple(map(float, found)), w.quant.zero_point, axis)
    rest = tuple(k for k in range(len(w.shape)) if k != axis)
    zeros = x.quant.scalar[1] * graph.constants[node.inputs[1]].astype(np.int64).sum(axis=rest)
    bias, real = graph.constants[node.inputs[2]], x.quant.scale[0] * found / result.scale[0]
    folded = short_biases(bias - zeros, real)
    made = (folded + zeros).astype(np.int32)
    own = tuple(float(np.float32(x.quant.scale[0]) * s) for s in found)
    return replace(
        graph,
        constants={**graph.constants, node.inputs[2]: made},
        types={
            **graph.types,
            node.inputs[1]: replace(w, quant=scales),
            node.inputs[2]: replace(b, quant=QuantParams(own, scales.zero_point, 0)),
            node.output: replace(y, quant=result),
        },
    )


def is_short(graph: Graph) -> bool:
    """Whether the layer of a network has them."""
    node = graph.nodes[0]
    x, w, _ = (t.quant for t in graph.types_of(node))
    y = graph.types[node.output].quant
    assert x is not None
    assert w is not None
    assert y is not None
    if w.axis is None:
        return False
    weights = graph.constants[node.inputs[1]].astype(np.int64)
    rest = tuple(k for k in range(weights.ndim) if k != w.axis)
    folded = graph.constants[node.inputs[2]] - x.scalar[1] * weights.sum(axis=rest)
    return Short.of(x, w, y, folded) is not None
