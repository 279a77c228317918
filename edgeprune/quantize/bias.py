"""Bias correction: what rounding the weights shifts a layer's mean output by is taken off its bias.

Nagel et al. 2019, arXiv:1906.04721, section 4.2, equation 16: E[y~] - E[y] = e E[x] with the
weights' rounding errors e; the means of the input are those of calibration.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeprune.ir import Array, Graph, LinearOp, Node, TensorType, dequantise_array
from edgeprune.ops import Conv2d


def means_before(graph: Graph, means: Mapping[str, Array]) -> dict[str, Array]:
    """The mean of what every layer with weights reads, one per channel, by the layer's name.

    Steps of a loop have one bias, as they have one copy of the weights: it is corrected for the
    mean over all steps.

    Args:
        graph: the network.
        means: of activations, per channel, by name.
    """
    layers = [n for n in graph.nodes if isinstance(n.op, LinearOp) and n.inputs[0] in means]
    steps: dict[str, list[Array]] = {}
    for node in layers:
        steps.setdefault(node.site or node.output, []).append(means[node.inputs[0]])
    return {n.name: np.mean(steps[n.site or n.output], axis=0) for n in layers}


def expected_shift(node: Node, w: Array, q: Array, t: TensorType, mean: Array) -> Array:
    """The mean change of a layer's outputs by rounding its weights.

    Args:
        node: a convolution, depthwise convolution or dense layer.
        w: float32 weights.
        q: the integers that stand for them.
        t: their type, with scales.
        mean: of the layer's input, one per channel.

    Returns:
        float64, one per output channel; pixels that padding takes the place of count like others.
        Zeros for other operators.
    """
    error = dequantise_array(q, t).astype(np.float64) - w.astype(np.float64)
    kind = node.op.kind
    if kind == "dense":
        return np.asarray(error @ mean)
    if kind == "depthwise_conv2d":
        return np.asarray(error.sum(axis=(0, 1)) * np.repeat(mean, w.shape[2] // len(mean)))
    if isinstance(node.op, Conv2d):
        groups = node.op.groups
        taps = error.sum(axis=(1, 2)).reshape(groups, w.shape[0] // groups, -1)
        return np.asarray(np.einsum("goi,gi->go", taps, mean.reshape(groups, -1))).ravel()
    return np.zeros(t.shape[0])
