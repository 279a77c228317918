"""What batch norm of a Keras model multiplied weights with, found again behind the converter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from edgeprune.ir import Array, Folded, Graph
from edgeprune.ops.linear import Layer


def with_norms(graph: Graph, model: Any) -> Graph:
    """The graph with the factors of every batch norm behind a layer (:class:`Folded`).

    TensorFlow's converter folds batch norm and renames what it makes, so a layer is known again
    by its weights: those of the model times the factors.

    Args:
        graph: of the converted model, float.
        model: the Keras model.
    """
    types = dict(graph.types)
    pairs = _normed_layers(model)
    for node in graph.nodes:
        if not isinstance(node.op, Layer):
            continue
        name = node.inputs[1]
        if name not in graph.constants:
            continue
        stored = np.moveaxis(graph.constants[name], node.op.out_axis, -1)  # as Keras has them
        for kernel, factor in pairs:
            if _is_product(stored, kernel, factor):
                folded = Folded(tuple(factor.tolist()), node.op.out_axis)
                types[name] = replace(types[name], folded=folded)
    return replace(graph, types=types)


def _normed_layers(model: Any) -> list[tuple[Array, Array]]:
    """Kernels in front of batch norms, and their factors gamma / sqrt(variance + epsilon)."""
    layers = getattr(model, "layers", ())
    before = {}  # a Sequential calls its layers anew whenever one joins: the last call counts
    for layer in layers:
        if hasattr(layer, "kernel"):
            before.update({id(t): layer for n in layer._inbound_nodes for t in n.output_tensors})
    found = []
    for norm in layers:
        if type(norm).__name__ != "BatchNormalization" or not norm._inbound_nodes:
            continue
        layer = before.get(id(norm._inbound_nodes[-1].input_tensors[0]))
        if layer is None:
            continue
        factor = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
        if norm.gamma is not None:
            factor = factor * np.asarray(norm.gamma)
        found.append((np.asarray(layer.kernel), factor))
    return found


def _is_product(stored: Array, kernel: Array, factor: Array) -> bool:
    if stored.size != kernel.size:
        return False
    if kernel.shape[-1] == factor.size:
        product = kernel * factor
    elif kernel.ndim == 4 and kernel.shape[2] * kernel.shape[3] == factor.size:
        product = kernel.reshape(*kernel.shape[:2], -1) * factor  # depthwise
    else:
        return False
    scale = np.abs(product).max()
    return bool(np.allclose(stored.ravel(), product.ravel(), rtol=1e-4, atol=1e-6 * scale))
