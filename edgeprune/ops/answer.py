"""What a network's answer is a probability of, and the curvature that its loss has there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgeprune.ir import Graph
from edgeprune.ops import LogSoftmax, Sigmoid, Softmax

if TYPE_CHECKING:
    import torch

Kind = Literal["sigmoid", "softmax", "squared"]


@dataclass(frozen=True)
class Answer:
    """The value in front of a network's last activation, and which that is.

    Attributes:
        value: its name.
        kind: "sigmoid", "softmax" of its last axis, or "squared": neither.
        beta: of the softmax.
        positions: of the value; at each is an answer of its own. Of a vector 1; of an image one for
            each pixel, as the last axis has the classes; of a mask, sigmoids, one for each element.
    """

    value: str
    kind: Kind
    beta: float = 1.0
    positions: int = 1


def answer_of(graph: Graph) -> Answer:
    """Of a network's first output."""
    output = graph.outputs[0]
    node = graph.producer.get(output)
    op = None if node is None else node.op
    t = graph.types[output]
    if node is not None and isinstance(op, Sigmoid):
        return Answer(node.inputs[0], "sigmoid", positions=t.size if len(t.shape) > 1 else 1)
    if node is not None and isinstance(op, Softmax | LogSoftmax):
        beta = op.beta if isinstance(op, Softmax) else 1.0
        return Answer(node.inputs[0], "softmax", beta, t.size // t.shape[-1])
    return Answer(output, "squared", positions=t.size // t.shape[-1] if t.shape else 1)


def cotangents(
    kind: Kind,
    beta: float,
    z: torch.Tensor,
    draws: int | None,
    generator: torch.Generator,
) -> list[torch.Tensor]:
    """Vectors u with sum E[u u^T] = the Gauss-Newton Hessian of the loss at z.

    Args:
        kind: of the answer.
        beta: of its softmax.
        z: the value in front of the last activation, (n, ..., c); a softmax is one at every place.
        draws: how many random ones; None: the exact set, one for each of a sample's elements.
        generator: of the random ones.

    Returns:
        Tensors like z. For "softmax" a random one is e_y - p with y drawn from the model's own
        distribution (Monte-Carlo Fisher; Martens 2020, arXiv:1412.1193), divided by the square
        root of their number.
    """
    import torch

    if draws is None:  # one element of a sample is 1
        single = torch.eye(z[0].numel()).view(-1, *z.shape[1:])
    if kind == "softmax":
        p = (z * beta).softmax(dim=-1)
        if draws is None:
            return [beta * p.sqrt() * e - beta * p * (p.sqrt() * e).sum(-1, True) for e in single]
        y = torch.multinomial(p.flatten(0, -2), draws, replacement=True, generator=generator)
        eye = torch.eye(z.shape[-1])
        return [beta * (eye[y[:, i]].view_as(p) - p) / draws**0.5 for i in range(draws)]
    slope = torch.ones_like(z)
    if kind == "sigmoid":
        f = z.sigmoid()
        slope = f * (1 - f)
    if draws is None:
        return [slope * e for e in single]
    signs = torch.randint(0, 2, (draws, *z.shape), generator=generator) * 2.0 - 1
    return [slope * signs[i] / draws**0.5 for i in range(draws)]
