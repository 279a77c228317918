"""What goes into a network and comes out of it, as report.json holds it."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph
from edgeprune.ops import AudioFeatures
from edgeprune.report.schema_network import Element, Interface, Port

SAME_PLACES = ("quantize", "dequantize")
"""Operators that change how elements are written, and not which there are."""


def interface_of(g: Graph) -> Interface:
    """Names, shapes, order of the axes and scales of what goes in and comes out.

    Of an input also which of its elements are read, as (first, count) of the flattened array;
    None: all of them.

    Args:
        g: the network as emitted.
    """
    inputs = [_port(g, v) for v in g.arguments]
    for v, row in zip(g.arguments, inputs, strict=True):
        mask = elements_read(g, v)
        row["read"] = None if mask.all() else _ranges(mask)
    outputs, states = ([_port(g, v) for v in side] for side in (g.results, g.states))
    return {"inputs": inputs, "outputs": outputs, "states": states}


def _port(g: Graph, v: str) -> Port:
    t, port = g.types[v], g.ports.get(v)
    are_words = any(isinstance(n.op, AudioFeatures) and n.inputs[1] == v for n in g.users[v])
    scale, zero = (None, None) if t.quant is None or are_words else t.quant.scalar
    return {
        "name": port.name if port is not None else v,
        "shape": list(t.shape),
        "layout": g.layout(v),
        "source_shape": list(port.shape) if port is not None else None,
        "dtype": cast(Element, t.dtype.value),
        "scale": scale,
        "zero_point": zero,
    }


def elements_read(g: Graph, value: str) -> NDArray[np.bool_]:
    """By element of a value, in C order, whether any layer makes use of it.

    What only moves elements is followed: the numbers of the elements are moved in place of them.

    Args:
        g: a network.
        value: one of its values.
    """
    size = g.types[value].size
    mask = np.zeros(size, bool)
    todo: list[tuple[str, Array]] = [(value, np.arange(size).reshape(1, *g.types[value].shape))]
    while todo:
        name, elements = todo.pop()
        users = [n for n in g.nodes if name in n.inputs]
        for node in users:
            op, out = node.op, g.types[node.output]
            if len(node.inputs) == 1 and op.moves and out.size <= elements.size:
                todo.append((node.output, op.evaluate_int([g.types[name]], out, elements)))
            elif len(node.inputs) == 1 and op.kind in SAME_PLACES:
                todo.append((node.output, elements))
            else:
                mask[elements] = True
        if name in g.outputs:
            mask[elements] = True
    return mask


def _ranges(mask: NDArray[np.bool_]) -> list[list[int]]:
    """The runs of true elements: (first, count)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [[int(a), int(b - a)] for a, b in zip(edges[::2], edges[1::2], strict=True)]
