"""Samples of a network as rows: real values outside, the network's own elements inside.

A network of one input takes arrays of its shape. Of several inputs a sample is one row: the inputs
flat, one behind the other; likewise of several outputs. Values of unlike types are side by side in
the type that holds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeprune.ir.graph import Graph
from edgeprune.ir.run import in_elements, in_reals
from edgeprune.ir.types import Array, TensorType

OUTPUTS = "(outputs)"
"""The one output of a network whose several outputs are a row."""


def split_rows(rows: Array, types: Sequence[TensorType]) -> list[Array]:
    """The values that rows are made of.

    Args:
        rows: (n, *shape) for one type, (n, elements of all) for several.
        types: of the values.
    """
    ends = np.cumsum([t.size for t in types])[:-1]
    parts = np.split(rows.reshape(len(rows), -1), ends, axis=1)
    return [p.reshape(len(rows), *t.shape) for p, t in zip(parts, types, strict=True)]


def join_rows(values: Sequence[Array]) -> Array:
    """One array of one value's rows; several values side by side, flat."""
    if len(values) == 1:
        return values[0]
    return np.concatenate([v.reshape(len(v), -1) for v in values], axis=1)


def fed(graph: Graph, x: Array) -> Array:
    """Samples of real values in the elements that a network takes in a call.

    Args:
        graph: float or quantised.
        x: float32 rows of its arguments.
    """
    types = [graph.types[v] for v in graph.arguments]
    parts = zip(split_rows(x, types), types, strict=True)
    return join_rows([in_elements(p, t) for p, t in parts])


def real(graph: Graph, y: Array) -> Array:
    """Real values of the rows that a network answers a call with, float32."""
    types = [graph.types[v] for v in graph.results]
    parts = zip(split_rows(y, types), types, strict=True)
    return join_rows([in_reals(p, t) for p, t in parts]).astype(np.float32)


def row_type(types: Sequence[TensorType]) -> np.dtype[Any]:
    """The element type of rows of several values: the smallest that holds all of them exactly."""
    return np.result_type(*(t.dtype.numpy for t in types))
