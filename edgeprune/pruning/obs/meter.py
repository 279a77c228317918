"""How what is left of a network stands to the limits."""

from __future__ import annotations

from collections.abc import Mapping

from edgeprune.pruning.costs import Prices
from edgeprune.pruning.groups import Mask


class Meter:
    """Costs against limits, and one number for all that are limited."""

    def __init__(self, costs: Prices, dense: Mask, limits: Mapping[str, float]) -> None:
        self.costs = costs
        self.limits = limits
        self._start = costs(dense)
        unknown = sorted(set(limits) - set(self._start))
        assert not unknown, f"no cost is called {unknown}"

    def total(self, removed: Mask) -> float:
        """The sum of what is limited and not met yet, each as a share of the source model's."""
        now, start = self.costs(removed), self._start
        if not self.limits:
            return now["params"]
        over = [k for k, limit in self.limits.items() if now[k] > limit] or list(self.limits)
        return sum(now[k] / max(start[k], 1e-12) for k in over)

    def is_met(self, removed: Mask) -> bool:
        """Whether every limit is met."""
        now = self.costs(removed)
        return all(now[k] <= limit for k, limit in self.limits.items())
