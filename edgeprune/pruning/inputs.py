"""Inputs are neurons too: those that never change go first, exactly.

A removed input stays in the model's interface and is skipped by a ``Gather`` in front of the first
layer (:mod:`edgeprune.pruning.compact`). What the others have to say about it is folded into that
layer's weights by ``obs``, from the inputs' second moments.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Coupling, Graph
from edgeprune.pruning.compact import folds

Mask = NDArray[np.bool_]


def constant_inputs(
    graph: Graph, coupling: Coupling, x: NDArray[np.float32]
) -> tuple[Mask, dict[str, Array]]:
    """Channels of the input that are the same in every sample, and what they are.

    Args:
        graph: float, with one input.
        coupling: of it.
        x: samples, (n, *input shape).

    Returns:
        The mask of channels that can be removed, and the ``fill`` that makes a compaction exact
        on these samples: folded into the bias of the layers that read them. Channels that a layer
        cannot take a constant for are left out.
    """
    value = graph.inputs[0]
    same = (x == x[:1]).all(axis=0)
    ids = coupling.values[value]
    mask = np.zeros(coupling.count, bool)
    mask[ids[same]] = True
    mask[ids[~same]] = False
    level = np.zeros(coupling.count, np.float32)
    spread = np.zeros(coupling.count, np.float32)
    np.maximum.at(spread, ids.ravel(), np.abs(x[0] - _first_of(x[0], ids)).ravel())
    level[ids.ravel()] = x[0].ravel()
    mask &= (spread == 0) & ~coupling.pinned & ~coupling.averaged & coupling.inputs
    fill: dict[str, Array] = {}
    moved = _moved(graph, value)
    for read in coupling.reads:
        operand = graph.node(read.node).inputs[0]
        here = coupling.values[operand]
        if operand not in moved or (
            (level[here[mask[here]]] != 0).any() and not folds(graph, read)
        ):
            mask[here] = False
            continue
        last = here.reshape(-1, here.shape[-1])[0]
        fill[operand] = level[last]
    if mask[ids].all():  # a network that reads nothing has nothing to compute
        mask[ids.ravel()[0]] = False
    return mask, fill


def _first_of(x: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """For each element, the first element of its channel."""
    _, first, back = np.unique(ids, return_index=True, return_inverse=True)
    found: NDArray[np.float32] = x.ravel()[first][back].reshape(x.shape)
    return found


def _moved(graph: Graph, value: str) -> set[str]:
    """The value, and what is made of it by moving elements only."""
    found = {value}
    for node in graph.nodes:
        if node.op.moves and len(node.inputs) == 1 and node.inputs[0] in found:
            found.add(node.output)
    return found
