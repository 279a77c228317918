"""What the dense network computes for some samples: what a pruned one is solved for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Graph, walk
from edgeprune.ops import Reshape
from edgeprune.ops.linear import Linear, linears, partner

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Moments:
    """Second moments of a layer's columns where those do not depend on any weight.

    Attributes:
        mean: of the columns, (groups, columns), float64.
        covariance: (groups, columns, columns), float64.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class Goal:
    """What the dense network computes at a layer.

    Attributes:
        at: sampled positions, (n, p); None: all.
        result: the layer's result there, (n * p, o).
        other: where the result is only added to another value: that value there.
    """

    at: torch.Tensor | None
    result: torch.Tensor
    other: torch.Tensor | None


class Reference:
    """The dense network and what it computes for some samples.

    Args:
        graph: float, clamps unfused.
        x: samples, (n, *input shape).
        positions: how many positions of a layer's result are looked at per sample.
        seed: of the choice of positions.
    """

    def __init__(
        self, graph: Graph, x: NDArray[np.float32], *, positions: int = 100, seed: int = 0
    ) -> None:
        import torch

        self.graph = graph
        self.x = torch.from_numpy(np.ascontiguousarray(x))
        self.layers = linears(graph)
        self.goals: dict[str, Goal] = {}
        self.moments: dict[str, Moments] = {}
        generator = torch.Generator().manual_seed(seed)
        at = {k: v.sample(len(x), positions, generator) for k, v in self.layers.items()}
        samples: dict[tuple[str, str], torch.Tensor] = {}
        fed = _fed_by_inputs(graph)
        partners = {k: partner(graph, v.node) for k, v in self.layers.items()}
        wanted: dict[str, list[str]] = {}
        for name, lin in self.layers.items():
            for v in (lin.node.output, partners[name]):
                if v is not None:
                    wanted.setdefault(v, []).append(name)

        def look(value: str, data: torch.Tensor) -> None:
            for name in wanted.get(value, ()):
                samples[name, value] = self.layers[name].results(data, at[name]).clone()
            for name, lin in self.layers.items():
                if lin.node.inputs[0] == value and value in fed:
                    self.moments[name] = _moments(lin, data, at[name])

        walk(graph, self.x, look=look)
        for name, lin in self.layers.items():
            other = partners[name]
            self.goals[name] = Goal(
                at[name],
                samples[name, lin.node.output],
                None if other is None else samples[name, other],
            )

    def __len__(self) -> int:
        return len(self.x)


def _fed_by_inputs(graph: Graph) -> set[str]:
    """Values that are an input, or one in another shape."""
    found = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.op, Reshape) and node.inputs[0] in found:
            found.add(node.output)
    return found


def _moments(lin: Linear, x: torch.Tensor, at: torch.Tensor | None) -> Moments:
    columns = lin.columns(x, at)
    mean = columns.mean(dim=0, keepdim=True)
    centred = (columns - mean).transpose(0, 1)
    cov = (centred.transpose(1, 2) @ centred).double() / len(columns)
    return Moments(mean[0].double().numpy(), cov.numpy())
