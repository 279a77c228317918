"""Samples of a network as rows: real values outside, the network's own elements inside.

A network of one input takes arrays of its shape. Of several inputs a sample is one row: the inputs
flat, one behind the other; likewise of several outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir.graph import Graph
from edgeprune.ir.run import dequantise_array, quantise_array
from edgeprune.ir.types import Array, DType, TensorType


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
    return join_rows([p if t.quant is None else quantise_array(p, t) for p, t in parts])


def real(graph: Graph, y: Array) -> Array:
    """Real values of the rows that a network answers a call with, float32."""
    types = [graph.types[v] for v in graph.results]
    parts = zip(split_rows(y, types), types, strict=True)
    made = [p if t.quant is None else dequantise_array(p, t) for p, t in parts]
    return join_rows(made).astype(np.float32)


def element_type(graph: Graph, values: Sequence[str]) -> DType:
    """The element type that all inputs, or all outputs, have.

    Raises:
        EdgePruneError: they differ.
    """
    found = {graph.types[v].dtype for v in values}
    if len(found) > 1:
        listed = ", ".join(f"{v} {graph.types[v].dtype.value}" for v in values)
        raise EdgePruneError(
            graph.name,
            f"has inputs or outputs of several element types: {listed}",
            "give all inputs one type, and all outputs",
        )
    return found.pop()
