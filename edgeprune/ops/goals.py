"""What layers of a network give for some samples, for others to be solved or rounded for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeprune.ir import Graph, values_seen
from edgeprune.ops.linear import Linear, partner

if TYPE_CHECKING:
    import torch


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

    def first(self, count: int, of: int) -> Goal:
        """The same of the first of so many samples."""
        rows = slice(count * (len(self.result) // of))
        other = None if self.other is None else self.other[rows]
        return Goal(taken(self.at, slice(count)), self.result[rows], other)


def goals(
    graph: Graph,
    x: torch.Tensor,
    layers: Mapping[str, Linear],
    at: Mapping[str, torch.Tensor | None],
    look: Callable[[slice, str, torch.Tensor], None] = lambda rows, value, data: None,
) -> dict[str, Goal]:
    """What layers give, by name.

    Args:
        graph: float, clamps unfused.
        x: samples, (n, *input shape).
        layers: of it, by name.
        at: by layer, positions of its result, (n, p); None: all.
        look: is shown every value, some samples after the other.
    """
    found: dict[str, Goal] = {}
    wanted: dict[str, list[tuple[str, torch.Tensor]]] = {}
    for name, lin in layers.items():
        values = lin.node.output, partner(graph, lin.node)
        # filled part by part: parts in between leave holes in the heap as large as they are
        seen = [None if v is None else _room(graph, v, len(x), at[name]) for v in values]
        for v, rows in zip(values, seen, strict=True):
            if v is not None and rows is not None:
                wanted.setdefault(v, []).append((name, rows))
        result, other = (None if r is None else r.flatten(0, 1) for r in seen)
        assert result is not None
        found[name] = Goal(at[name], result, other)

    def take(rows: slice, value: str, data: torch.Tensor) -> None:
        for name, room in wanted.get(value, ()):
            part = layers[name].results(data, taken(at[name], rows))
            room[rows] = part.view_as(room[rows])
        look(rows, value, data)

    values_seen(graph, x, take)
    return found


def taken(at: torch.Tensor | None, rows: slice) -> torch.Tensor | None:
    """Of the positions that are looked at, those of some samples."""
    return None if at is None else at[rows]


def _room(graph: Graph, value: str, samples: int, at: torch.Tensor | None) -> torch.Tensor:
    """For a value at positions of samples, (n, p, o)."""
    import torch

    *lead, channels = graph.types[value].shape
    return torch.empty(samples, math.prod(lead) if at is None else at.shape[1], channels)
