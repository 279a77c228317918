"""What a search gives: a smaller network, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeprune.ir import Coupling, Graph


@dataclass(frozen=True)
class Step:
    """One removal.

    Attributes:
        channel: its number in the source graph's coupling.
        name: the layer and the index in it.
        score: what the criterion gave it when it went.
        left: channels that could still go, afterwards.
        accuracy: on the validation data, afterwards; None where it was not looked at: no floor asks
            for it, others went along with it, or some that went before it came back.
    """

    channel: int
    name: str
    score: float
    left: int
    accuracy: float | None = None


@dataclass(frozen=True)
class Pruned:
    """What a search gives.

    Attributes:
        graph: the compacted network.
        coupling: of the source graph.
        removed: by channel of the source graph.
        history: every removal in order; one that was taken back at the end is not among them.
        cost: of the compacted network, by key.
    """

    graph: Graph
    coupling: Coupling
    removed: NDArray[np.bool_]
    history: tuple[Step, ...]
    cost: Mapping[str, float]

    @property
    def order(self) -> tuple[int, ...]:
        """The removed channels, first to last."""
        return tuple(step.channel for step in self.history)
