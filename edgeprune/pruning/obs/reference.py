"""What the dense network computes for some samples: what a pruned one is solved for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Graph, walk
from edgeprune.ops import Reshape
from edgeprune.ops.linear import Linear, linears, partner
from edgeprune.pruning.obs.values import KEPT, samples_at_once

if TYPE_CHECKING:
    import torch

COLUMN_ELEMENTS = 2**24
"""Elements of a layer's columns that are looked at: 64 MB."""
FEWEST = 4
"""Positions per sample that are looked at even so."""
ROWS = 12_000
ROWS_OF_GROUPS = 3000
EACH = 40
"""Rows of a layer's columns that are looked at, the same where groups of them read few columns
each, and rows per column: a regression on as many rows as forty times its unknowns is off by a
fortieth of what it cannot explain."""


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
        generator = torch.Generator().manual_seed(seed)
        at = {}
        for name, lin in self.layers.items():
            at[name] = lin.sample(len(x), min(positions, _enough(lin, len(x))), generator)
        samples: dict[tuple[str, str], list[torch.Tensor]] = {}
        columns: dict[str, list[torch.Tensor]] = {}
        fed = _fed_by_inputs(graph)
        partners = {k: partner(graph, v.node) for k, v in self.layers.items()}
        wanted: dict[str, list[str]] = {}
        for name, lin in self.layers.items():
            for v in (lin.node.output, partners[name]):
                if v is not None:
                    wanted.setdefault(v, []).append(name)

        def look(rows: slice, value: str, data: torch.Tensor) -> None:
            for name in wanted.get(value, ()):
                seen = self.layers[name].results(data, taken(at[name], rows))
                samples.setdefault((name, value), []).append(seen.clone())
            for name, lin in self.layers.items():
                if lin.node.inputs[0] == value and value in fed:
                    read = lin.columns(data, taken(at[name], rows))
                    columns.setdefault(name, []).append(read)

        values_seen(graph, self.x, look)
        self.moments = {name: _moments(torch.cat(read)) for name, read in columns.items()}
        for name, lin in self.layers.items():
            other = partners[name]
            # popped: parts and the whole of all layers at once are twice the memory
            self.goals[name] = Goal(
                at[name],
                torch.cat(samples.pop((name, lin.node.output))),
                None if other is None else torch.cat(samples.pop((name, other))),
            )

    def __len__(self) -> int:
        return len(self.x)


def _enough(lin: Linear, samples: int) -> int:
    """Positions per sample that a layer's regression has enough rows with."""
    rows = max(ROWS if lin.groups == 1 else ROWS_OF_GROUPS, EACH * lin.columns_per_group)
    elements = samples * lin.groups * lin.columns_per_group
    return min(-(-rows // samples), max(FEWEST, COLUMN_ELEMENTS // elements))


def values_seen(
    graph: Graph, x: torch.Tensor, look: Callable[[slice, str, torch.Tensor], None]
) -> None:
    """Compute all values, show each to ``look``, and forget it when nothing reads it any more.

    All samples at once where that does not take too much memory; else some after the other.
    """
    largest = max(graph.types[v].size for v in graph.activations)
    step = len(x) if len(x) * largest <= KEPT else samples_at_once(graph)
    for start in range(0, len(x), step):
        rows = slice(start, min(start + step, len(x)))
        walk(graph, x[rows], look=partial(look, rows))


def taken(at: torch.Tensor | None, rows: slice) -> torch.Tensor | None:
    """Of the positions that are looked at, those of some samples."""
    return None if at is None else at[rows]


def _fed_by_inputs(graph: Graph) -> set[str]:
    """Values that are an input, or one in another shape."""
    found = set(graph.inputs)
    for node in graph.nodes:
        if isinstance(node.op, Reshape) and node.inputs[0] in found:
            found.add(node.output)
    return found


def _moments(columns: torch.Tensor) -> Moments:
    mean = columns.mean(dim=0, keepdim=True)
    centred = (columns - mean).transpose(0, 1)
    cov = (centred.transpose(1, 2) @ centred).double() / len(columns)
    return Moments(mean[0].double().numpy(), cov.numpy())
