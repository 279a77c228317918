"""A float network's weights on few levels, layer after layer, each making up for those before it.

Every layer is solved for what it gives in the float network, from what the layers before it really
feed it now that they are rounded (asymmetric reconstruction; He, Zhang and Sun 2017,
arXiv:1707.06168), then rounded with compensation, its bias last. The second branch of a sum is
given what makes the sum right. No labels are used; derivatives only where a layer's results are
weighed by what the answers take of them (:mod:`.influence`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from edgeprune.ir import Array, Graph, Values, tensors
from edgeprune.ops.goals import Goal, goals, taken
from edgeprune.ops.linear import Linear, linears, partner
from edgeprune.ops.unfuse import unfuse
from edgeprune.quantize.compensate import SWEEPS, loss, round_matrix
from edgeprune.quantize.influence import influences
from edgeprune.quantize.levels import SMALL, Levels, plain_levels
from edgeprune.quantize.moments import Moments, moments

if TYPE_CHECKING:
    import torch

POSITIONS = 24
"""Of a layer's result that are looked at in each sample."""
REFIT = 3e-3
"""Weight of staying at the float weights, as a share of the mean power of a column."""
DAMP = 1e-2
"""The same for what rounding folds into other columns."""
FACTORS = (0.8, 1.25)
"""Least and largest that a row is scaled by after rounding."""


@dataclass(frozen=True)
class Solved:
    """A layer on few levels.

    Attributes:
        levels: what its weights may be.
        changed: its weights and bias by constant.
        error: mean square of what that changes in its result, its outputs added up.
    """

    levels: Levels
    changed: dict[str, Array]
    error: float


class Rounder:
    """Rounds one float network, with any choice of levels.

    Args:
        graph: float.
        x: samples that calibrate, (n, *input shape) float32.
        positions: of a layer's result that are looked at in each sample.
        seed: of their choice.
    """

    def __init__(
        self, graph: Graph, x: Array, *, positions: int = POSITIONS, seed: int = 0
    ) -> None:
        import torch

        self.graph = graph
        self._unfused = unfuse(graph)
        self._x = torch.from_numpy(np.ascontiguousarray(x, np.float32))
        self.layers = roundable(self._unfused)
        generator = torch.Generator().manual_seed(seed)
        at = {k: v.sample(len(x), positions, generator) for k, v in self.layers.items()}
        self._goals = goals(self._unfused, self._x, self.layers, at)
        self._seed = seed

    @cached_property
    def _influences(self) -> dict[str, torch.Tensor]:
        return influences(self._unfused, self.layers, self._x, self._seed)

    def rounded(
        self, counts: Mapping[str, int], *, weighed: bool = False
    ) -> tuple[Graph, dict[str, Levels]]:
        """The network with rounded weights.

        Args:
            counts: of values, by layer; layers that are left out keep their weights.
            weighed: whether a layer's results count by what the answers take of them, together.

        Returns:
            The float network whose weights lie on their levels, and the levels by layer.
        """
        influences = self._influences if weighed else {}
        run = _Run(self._unfused, self.layers, self._goals, counts, influences)
        run.through(self._x)
        return self.graph.with_constants(run.changed), run.levels

    def alone(self, wanted: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int, Solved]]:
        """One layer at a time with a number of values, all others as they are.

        Args:
            wanted: by layer its numbers of values.

        Yields:
            Layer, number of values, and how it is then.
        """
        seen: dict[str, Moments] = {}
        values = Values(self._unfused, self._x, tensors(self._unfused))
        for node in self._unfused.nodes:
            if node.name in wanted:
                lin, goal = self.layers[node.name], self._goals[node.name]
                parts = values.parts(node.inputs[0])
                seen[node.name] = moments(lin, parts, goal.at, goal.result, len(self._x))
            values.settle(node)
        weights = tensors(self.graph)
        for name, counts in wanted.items():
            for count in counts:
                yield name, count, _solve(self.layers[name], weights, seen[name], count, sweeps=1)


def roundable(graph: Graph) -> dict[str, Linear]:
    """Layers whose weights and bias are constants that nothing else reads, by name."""
    return {
        k: lin
        for k, lin in linears(graph).items()
        if all(v in graph.constants and len(graph.users[v]) == 1 for v in lin.node.inputs[1:])
    }


def rounded_plainly(graph: Graph, counts: Mapping[str, int]) -> tuple[Graph, dict[str, Levels]]:
    """A network of the same size as :meth:`Rounder.rounded` gives, made without any sample."""
    import torch

    changed, found = {}, {}
    for name, lin in linears(graph).items():
        if name in counts:
            value = graph.constants[lin.node.inputs[1]]
            w = torch.from_numpy(lin.matrix(value).astype(np.float64))
            found[name] = plain_levels(w, counts[name])
            rounded = found[name].real(found[name].nearest(w))
            changed[lin.node.inputs[1]] = lin.weights(rounded.numpy(), value)
    return graph.with_constants(changed), found


class _Run:
    """One pass over the network.

    Attributes:
        changed: weights and biases of the layers that were rounded, by constant.
        levels: by layer.
    """

    def __init__(
        self,
        graph: Graph,
        layers: Mapping[str, Linear],
        goals: Mapping[str, Goal],
        counts: Mapping[str, int],
        influences: Mapping[str, torch.Tensor],
    ) -> None:
        self.changed: dict[str, Array] = {}
        self.levels: dict[str, Levels] = {}
        self._graph = graph
        self._layers = layers
        self._goals = goals
        self._counts = counts
        self._influences = influences
        self._weights = tensors(graph)

    def through(self, x: torch.Tensor) -> None:
        """All layers, in execution order."""
        values = Values(self._graph, x, self._weights)
        for node in self._graph.nodes:
            if node.name in self._counts:
                lin, count = self._layers[node.name], self._counts[node.name]
                at, wanted = self._goals[node.name].at, self._wanted(lin, values)
                seen = moments(lin, values.parts(node.inputs[0]), at, wanted, len(x))
                influence = self._influences.get(node.name)
                self._take(lin, _solve(lin, self._weights, seen, count, influence=influence))
            values.settle(node)

    def _take(self, lin: Linear, solved: Solved) -> None:
        import torch

        self.levels[lin.node.name] = solved.levels
        self.changed.update(solved.changed)
        self._weights.update({v: torch.from_numpy(w) for v, w in solved.changed.items()})

    def _wanted(self, lin: Linear, values: Values) -> torch.Tensor:
        """What a layer is to give, its partner in a sum being what it is by now."""
        import torch

        goal, other = self._goals[lin.node.name], partner(self._graph, lin.node)
        if goal.other is None or other is None or other not in values:
            return goal.result
        parts = [lin.results(x, taken(goal.at, rows)) for rows, x in values.parts(other)]
        return goal.result + goal.other - torch.cat(parts)


def _solve(
    lin: Linear,
    weights: Mapping[str, torch.Tensor],
    seen: Moments,
    count: int,
    *,
    influence: torch.Tensor | None = None,
    sweeps: int = SWEEPS,
) -> Solved:
    """A layer on so many levels."""
    import torch

    w, b = (weights[v].numpy() for v in lin.node.inputs[1:])
    start = torch.from_numpy(lin.matrix(w).astype(np.float64))
    levels, matrix = _rounded(start, seen, count, influence, sweeps)
    bias = seen.wanted - (matrix @ seen.mean[..., None])[..., 0]
    new = lin.weights(matrix.numpy(), w), bias.flatten().numpy().astype(b.dtype)
    error = float(loss(start, matrix, seen.gram).sum())
    return Solved(levels, dict(zip(lin.node.inputs[1:], new, strict=True)), error)


def _rounded(
    start: torch.Tensor, seen: Moments, count: int, influence: torch.Tensor | None, sweeps: int
) -> tuple[Levels, torch.Tensor]:
    """Levels and weights of a layer: solved anew, then rounded, then scaled row by row."""
    import torch

    gram = seen.damped(REFIT)
    step = torch.linalg.solve(gram, (seen.cross - start @ seen.gram).transpose(1, 2))
    wanted = start + step.transpose(1, 2)
    gram = seen.damped(DAMP)
    levels, codes = round_matrix(wanted, gram, count, influence=influence, sweeps=sweeps)
    matrix = levels.real(codes)
    bend = (matrix @ seen.gram * matrix).sum(-1)
    factor = (seen.cross * matrix).sum(-1) / bend.clamp_min(SMALL)
    factor = torch.where(bend > SMALL, factor, torch.ones_like(factor)).clamp(*FACTORS)
    return Levels(levels.values, levels.scale * factor), matrix * factor[..., None]
