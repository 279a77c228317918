"""Which part of the dense network a pruned network is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Coupling, Graph
from edgeprune.ops.linear import linears
from edgeprune.pruning.groups import Mask


@dataclass(frozen=True)
class Part:
    """A pruned layer as a part of a dense one.

    Attributes:
        dense: the dense layer's name.
        rows: which of its results are left, in the order of the pruned layer's.
        columns: which channels of its operand's last axis are left.
    """

    dense: str
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def parts_of(graph: Graph, coupling: Coupling, removed: Mask) -> dict[str, Part]:
    """By layer, what a compaction leaves of it."""
    found = {}
    for name, lin in linears(graph).items():
        rows = _kept(coupling.axes[lin.node.inputs[2], 0], removed)
        operand = coupling.values[lin.node.inputs[0]]
        found[name] = Part(name, rows, _kept(operand.reshape(-1, operand.shape[-1])[0], removed))
    return found


def scatter(graph: Graph, coupling: Coupling, removed: Mask, changed: Mapping[str, Array]) -> Graph:
    """A dense graph with a compacted graph's constants in the places they came from.

    Args:
        graph: the dense graph.
        coupling: of the dense graph.
        removed: the channels that the compaction removed.
        changed: constants of the compacted graph, by their common name.
    """
    new = {}
    for name, value in changed.items():
        whole = graph.constants[name].copy()
        where = [
            _kept(coupling.axes[name, axis], removed)
            if (name, axis) in coupling.axes
            else np.arange(n)
            for axis, n in enumerate(whole.shape)
        ]
        whole[np.ix_(*where)] = value
        new[name] = whole
    return graph.with_constants(new)


def _kept(ids: NDArray[np.int64], removed: Mask) -> NDArray[np.int64]:
    return np.flatnonzero(~removed[ids])
