"""The last layer solved for the loss itself instead of for its pre-activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Array, Graph, flat, run, samples_predicted, tensors
from edgeprune.ops import Dense
from edgeprune.pruning.loss import Loss
from edgeprune.pruning.obs.refit import default_ridge

if TYPE_CHECKING:
    import torch

CURVATURE = {"softmax": 0.5, "sigmoid": 0.16}
"""Upper bounds of the loss's second derivative at z, whatever z and the target are.

Softmax: diag(p) - p p^T <= I / 2 (Boehning 1992). Sigmoid with squared error:
f'^2 + (f - t) f'' <= 1/16 + 0.0963.
"""


def resolve_head(
    graph: Graph, loss: Loss, x: NDArray[np.float32], dense: torch.Tensor, *, steps: int = 50
) -> dict[str, Array]:
    """The last layer's weights after some steps towards the dense network's outputs.

    Majorised Newton, W <- W - [(p - t)^T A / n] (c A^T A / n + ridge)^-1 with t the dense
    network's outputs and c a bound of the curvature: one factorisation, and no step overshoots,
    where the undamped Newton step diverges. Momentum makes fifty steps do what some hundreds would
    (Nesterov 1983), and starts anew where it leads uphill (O'Donoghue and Candes 2015,
    arXiv:1204.3982).

    Args:
        graph: the pruned network, float, clamps unfused.
        loss: of the pruned network; its targets do not matter.
        x: samples, (n, *input shape).
        dense: what the dense network has in front of its last activation for them, (n, outputs).
        steps: how many.

    Returns:
        New weights and bias by constant; empty where the last layer is not a dense layer in front
        of a softmax or sigmoid.
    """
    import torch

    node = graph.producer.get(loss.value)
    if node is None or not isinstance(node.op, Dense) or loss.kind not in CURVATURE:
        return {}
    if len(graph.types[loss.value].shape) != 1 or len(graph.users[node.inputs[1]]) != 1:
        return {}
    curvature = CURVATURE[loss.kind]
    with torch.no_grad():
        features = value_of(graph, x, node.inputs[0])
        target = _outputs(loss, dense)
        a = torch.cat([features, torch.ones(len(features), 1)], dim=1)
        n = len(a)
        second = (a.T @ a).double() / n
        scale = curvature * loss.beta**2 if loss.kind == "softmax" else curvature
        damp = default_ridge(n) * second.diagonal()[:-1].mean()
        factor = torch.linalg.cholesky(scale * (second + damp * torch.eye(len(second))))
        w, b = (torch.from_numpy(graph.constants[v]) for v in node.inputs[1:])
        both = torch.cat([w, b[:, None]], dim=1).double().T
        ahead, speed = both, 1.0
        for _ in range(steps):
            slope = (a.T @ _slope(loss, a @ ahead.float(), target)).double() / n
            before, both = both, ahead - torch.cholesky_solve(slope, factor)
            uphill = float((slope * (both - before)).sum()) > 0
            faster = 1.0 if uphill else (1 + (1 + 4 * speed**2) ** 0.5) / 2
            ahead = both if uphill else both + (speed - 1) / faster * (both - before)
            speed = faster
    new: Array = both.T.float().numpy()
    return {
        node.inputs[1]: np.ascontiguousarray(new[:, :-1]),
        node.inputs[2]: np.ascontiguousarray(new[:, -1]),
    }


def value_of(graph: Graph, x: NDArray[np.float32], value: str) -> torch.Tensor:
    """One value of a float graph for many samples, flattened: (n, elements)."""
    import torch

    weights, batch = tensors(graph), samples_predicted(graph)
    rows = []
    with torch.no_grad():
        for i in range(0, len(x), batch):
            feed = {graph.inputs[0]: torch.from_numpy(np.ascontiguousarray(x[i : i + batch]))}
            rows.append(flat(run(graph, feed, constants=weights, keep=(value,))[value]))
    return torch.cat(rows)


def _outputs(loss: Loss, z: torch.Tensor) -> torch.Tensor:
    return (z * loss.beta).softmax(dim=1) if loss.kind == "softmax" else z.sigmoid()


def _slope(loss: Loss, z: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Derivative of the loss at z."""
    out = _outputs(loss, z)
    if loss.kind == "softmax":
        return loss.beta * (out - target)
    return (out - target) * out * (1 - out)
