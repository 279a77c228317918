"""Channels that are masked instead of removed: what a compacted network must equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir import Coupling, Graph, Node
from edgeprune.ops import Mean
from edgeprune.pruning.compact import Fill
from edgeprune.pruning.groups import Mask

if TYPE_CHECKING:
    import torch


def masked_hook(
    graph: Graph, coupling: Coupling, removed: Mask, fill: Fill | None = None
) -> Callable[[Node, int, torch.Tensor], torch.Tensor]:
    """The mask of :func:`compact` as a hook for ``ir.run``."""
    import torch

    masks: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for read in coupling.reads:
        value = graph.node(read.node).inputs[0]
        gone = removed[coupling.values[value]]
        if gone.any():
            left = np.zeros(gone.shape[-1:]) if fill is None or value not in fill else fill[value]
            masks[read.node] = (torch.from_numpy(gone), torch.from_numpy(np.float32(left)))

    means = {
        node.name: torch.from_numpy(removed[coupling.values[node.inputs[0]]])
        for node in graph.nodes
        if isinstance(node.op, Mean) and coupling.averaged[coupling.values[node.inputs[0]]].any()
    }

    def hook(node: Node, operand: int, x: torch.Tensor) -> torch.Tensor:
        if node.name in means:
            lost = means[node.name]
            stays = ~lost.reshape(-1, lost.shape[-1])[0]
            return torch.where(lost, x[..., stays].mean(-1, keepdim=True), x)
        if operand != 0 or node.name not in masks:
            return x
        gone, left = masks[node.name]
        return torch.where(gone, left, x)

    return hook
