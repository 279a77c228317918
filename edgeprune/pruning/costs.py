"""What the rest of a network costs, by which channels are gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgeprune.ir import Coupling, Graph
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import Mask, removable

Cost = Callable[[Graph], Mapping[str, float]]
"""Of a network, by key."""

Prices = Callable[[Mask], Mapping[str, float]]
"""The same of what a search leaves, by what it removed; "macs", "params", "neurons" among them."""


def no_cost(graph: Graph) -> Mapping[str, float]:
    """Nothing beyond what every network has: macs, params, neurons."""
    return {}


class Costs:
    """Prices by compaction, remembered."""

    def __init__(self, graph: Graph, coupling: Coupling, cost: Cost = no_cost) -> None:
        self._graph = graph
        self._coupling = coupling
        self._cost = cost
        self._neurons = removable(coupling)
        self._known: dict[bytes, Mapping[str, float]] = {}

    def __call__(self, removed: Mask) -> Mapping[str, float]:
        """Of the network without these channels."""
        key = removed.tobytes()
        if key not in self._known:
            graph = compact(self._graph, self._coupling, removed)
            base = {
                "macs": float(graph.macs),
                "params": float(graph.params),
                "neurons": float((self._neurons & ~removed).sum()),
            }
            self._known[key] = {**base, **self._cost(graph)}
        return self._known[key]


def nothing_removed(coupling: Coupling) -> Mask:
    """The mask of the whole network."""
    return np.zeros(coupling.count, bool)
