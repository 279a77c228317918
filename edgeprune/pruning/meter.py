"""How what is left of a network stands to the limits."""

from __future__ import annotations

import numpy as np

from edgeprune.pruning.costs import Prices
from edgeprune.pruning.groups import Mask
from edgeprune.pruning.limits import Limits


class Meter:
    """Prices against limits.

    Args:
        prices: of what is left.
        whole: the mask of the whole network.
        limits: of some of the prices.

    Attributes:
        span: by what is limited, the least and the most of it that :meth:`saving` has looked at.
    """

    def __init__(self, prices: Prices, whole: Mask, limits: Limits) -> None:
        self.prices = prices
        self.limits = limits
        self.span: dict[str, tuple[float, float]] = {}
        self._start = prices(whole)
        unknown = sorted(set(limits.most) - set(self._start))
        assert not unknown, f"no price is called {unknown}"

    @property
    def whole(self) -> float:
        """The total of the whole network."""
        return self.limits.share(self._start, self._start)

    def total(self, removed: Mask) -> float:
        """One number for all that is limited: see :meth:`Limits.share`."""
        return self.limits.share(self.prices(removed), self._start)

    def saving(self, before: Mask, after: Mask) -> float:
        """How much less of that number there is, of what the first one has too much of."""
        most, least = self.prices(before), self.prices(after)
        for k in self.limits.most:
            low, high = self.span.get(k, (np.inf, -np.inf))
            self.span[k] = min(low, least[k]), max(high, most[k])
        over = self.limits.excess(most) or dict.fromkeys(self.limits.most, np.inf)
        return sum(
            min(most[k] - least[k], needed) / max(self._start[k], 1e-12)
            for k, needed in over.items()
        )

    def is_met(self, removed: Mask) -> bool:
        """Whether there are limits, and all of them are met."""
        return bool(self.limits.most) and self.limits.hold(self.prices(removed))
