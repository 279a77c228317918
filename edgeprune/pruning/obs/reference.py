"""What the dense network computes for some samples: what a pruned one is solved for."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Graph
from edgeprune.ops import Reshape
from edgeprune.ops.goals import goals, taken
from edgeprune.ops.linear import Linear, linears

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


class Reference:
    """The dense network and what it computes for some samples.

    Args:
        graph: float, clamps unfused.
        x: samples, (n, *input shape).
        positions: how many positions of a layer's result are looked at per sample.
        seed: of the choice of positions.

    Attributes:
        border: values that the network which was repaired last has in common with it, for all
            samples, where what differs begins: most others begin to differ there.
        moments: by layer that is fed an input, of its columns; of groups there are none, as one
            that is left alone is a layer of one group with columns of its own.
    """

    border: Mapping[str, torch.Tensor]

    def __init__(
        self, graph: Graph, x: NDArray[np.float32], *, positions: int = 100, seed: int = 0
    ) -> None:
        import torch

        self.graph = graph
        self.border = {}
        self.x = torch.from_numpy(np.ascontiguousarray(x))
        self.layers = linears(graph)
        generator = torch.Generator().manual_seed(seed)
        at = {}
        for name, lin in self.layers.items():
            at[name] = lin.sample(len(x), min(positions, _enough(lin, len(x))), generator)
        columns: dict[str, list[torch.Tensor]] = {}
        fed = _fed_by_inputs(graph)
        whole = [lin for lin in self.layers.values() if lin.groups == 1]

        def look(rows: slice, value: str, data: torch.Tensor) -> None:
            for lin in whole:
                if lin.node.inputs[0] == value and value in fed:
                    read = lin.columns(data, taken(at[lin.node.name], rows))
                    columns.setdefault(lin.node.name, []).append(read)

        self.goals = goals(graph, self.x, self.layers, at, look)
        self.moments = {name: _moments(torch.cat(read)) for name, read in columns.items()}

    def __len__(self) -> int:
        return len(self.x)

    def first(self, count: int) -> Reference:
        """The same of the first samples; the moments stay those of all."""
        part = copy.copy(self)
        part.x, part.border = self.x[:count], {}
        part.goals = {name: goal.first(count, len(self)) for name, goal in self.goals.items()}
        return part

    @property
    def elements(self) -> int:
        """Of all values that are held."""
        goals = [t for goal in self.goals.values() for t in (goal.result, goal.other)]
        return sum(t.numel() for t in (*goals, *self.border.values()) if t is not None)

    def begins(self, graph: Graph) -> set[str]:
        """Values of a network that are this one's, and are read where it begins to differ."""
        same = set(self.graph.inputs)
        for node in graph.nodes:
            known = [v for v in node.inputs if v in graph.constants]
            if (
                node == self.graph.producer.get(node.output)
                and same.issuperset(v for v in node.inputs if v not in known)
                and all(np.array_equal(graph.constants[v], self.graph.constants[v]) for v in known)
            ):
                same.add(node.output)
        differing = (n for n in graph.nodes if n.output not in same)
        return same.intersection(v for n in differing for v in n.inputs)


def _enough(lin: Linear, samples: int) -> int:
    """Positions per sample that a layer's regression has enough rows with."""
    rows = max(ROWS if lin.groups == 1 else ROWS_OF_GROUPS, EACH * lin.columns_per_group)
    elements = samples * lin.groups * lin.columns_per_group
    return min(-(-rows // samples), max(FEWEST, COLUMN_ELEMENTS // elements))


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
