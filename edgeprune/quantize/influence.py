"""How much the results of a layer matter together, to what the network answers.

Errors of two channels that the answers take alike add up there, or cancel. What an error e of a
layer's results costs is about e' F e, F their Fisher information (the output factor of K-FAC;
Martens and Grosse 2015, arXiv:1503.05671). Rounding by it, beside the second moments of what the
layer reads, is that of Tseng, Sun and De Sa 2025, arXiv:2505.22988.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edgeprune.ir import Graph, differentiable, run, samples_held
from edgeprune.ops.answer import answer_of, cotangents
from edgeprune.ops.linear import Linear

if TYPE_CHECKING:
    import torch

SAMPLES = 400
"""That it is taken from, one draw of each."""
ELEMENTS = 2**23
"""Of all values together that are held at once."""
DAMP = 0.3
"""Of the mean diagonal, added to it: errors that the answers do not see now are seen by others."""


def influences(
    graph: Graph, layers: Mapping[str, Linear], x: torch.Tensor, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Fisher information of layers' results, its mean diagonal one before it is damped.

    Args:
        graph: float, clamps unfused.
        layers: of it, by name.
        x: samples, (n, *input shape).
        seed: of the answers that are drawn.

    Returns:
        By layer, (groups, rows, rows) float64, positive definite; none where the answers have no
        derivative.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    weights, answer = differentiable(graph), answer_of(graph)
    keep = {answer.value, *(lin.node.output for lin in layers.values())}
    total = {
        k: torch.zeros(lin.groups, lin.rows, lin.rows, dtype=torch.float64)
        for k, lin in layers.items()
    }
    for part in torch.split(x[:SAMPLES], samples_held(graph, ELEMENTS)):
        feed = {graph.inputs[0]: part.detach().requires_grad_()}
        values = run(graph, feed, constants=weights, keep=keep)
        z = values[answer.value]
        if not z.requires_grad:  # as behind a comparison
            return {}
        drawn = cotangents(answer.kind, answer.beta, z.detach(), 1, generator)[0]
        made = [values[lin.node.output] for lin in layers.values()]
        slopes = torch.autograd.grad((z * drawn).sum(), made, materialize_grads=True)
        for (name, lin), slope in zip(layers.items(), slopes, strict=True):
            rows = slope.reshape(-1, lin.groups, lin.rows).transpose(0, 1)
            total[name] += (rows.transpose(1, 2) @ rows).double()
    return {name: _damped(t) for name, t in total.items()}


def _damped(total: torch.Tensor) -> torch.Tensor:
    import torch

    mean = total.diagonal(dim1=1, dim2=2).mean().clamp_min(1e-30)
    return total / mean + DAMP * torch.eye(total.shape[-1], dtype=total.dtype)
