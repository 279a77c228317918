"""What the rest of a network costs, and how that stands to the limits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeprune.ir import Coupling, Graph
from edgeprune.pruning.compact import compact
from edgeprune.pruning.groups import Mask, removable
from edgeprune.pruning.search import Cost


class Costs:
    """All costs of what is left of a network; which channels are gone decides them."""

    def __init__(self, graph: Graph, coupling: Coupling, cost: Cost) -> None:
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

    @property
    def dense(self) -> Mapping[str, float]:
        """Of the whole network."""
        return self(np.zeros(self._coupling.count, bool))


class Meter:
    """Costs against limits, and one number for all that are limited."""

    def __init__(self, costs: Costs, limits: Mapping[str, float]) -> None:
        self.costs = costs
        self.limits = limits
        unknown = sorted(set(limits) - set(costs.dense))
        assert not unknown, f"no cost is called {unknown}"

    def total(self, removed: Mask) -> float:
        """The sum of what is limited and not met yet, each as a share of the source model's."""
        now, start = self.costs(removed), self.costs.dense
        if not self.limits:
            return now["params"]
        over = [k for k, limit in self.limits.items() if now[k] > limit] or list(self.limits)
        return sum(now[k] / max(start[k], 1e-12) for k in over)

    def is_met(self, removed: Mask) -> bool:
        """Whether every limit is met."""
        now = self.costs(removed)
        return all(now[k] <= limit for k, limit in self.limits.items())
