"""What every way of choosing the channels that go can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from edgeprune.ir import Graph, couple
from edgeprune.progress import Progress, silent
from edgeprune.pruning.costs import Cost, Costs, Prices, no_cost
from edgeprune.pruning.groups import Mask, removals
from edgeprune.pruning.judge import Judge
from edgeprune.pruning.limits import Limits
from edgeprune.pruning.pruned import Pruned


class Strategy(ABC):
    """Chooses what goes from one network, and remembers what it found out.

    Asked again with other limits or costs, only what is new is computed.

    Attributes:
        graph: the network, float.
        coupling: of it.
        drops_inputs: whether elements of the network's inputs may go.
    """

    drops_inputs = False

    def __init__(self, graph: Graph, judge: Judge | None) -> None:
        self.graph = graph
        self.coupling = couple(graph)
        self._judge = judge
        self._costs: dict[Cost, Prices] = {}

    def prune(
        self,
        *,
        limits: Mapping[str, float] | None = None,
        cost: Cost = no_cost,
        min_accuracy: float | None = None,
        max_drop: float | None = None,
        max_removed: int | None = None,
        keep_ratio: float | None = None,
        progress: Progress = silent,
    ) -> Pruned:
        """:meth:`choose` by the cost of a graph, then :meth:`solve`; see :func:`.search.prune`.

        Raises:
            CannotFitError: the limits cannot be met, or not within the other bounds.
        """
        if cost not in self._costs:
            self._costs[cost] = Costs(self.graph, self.coupling, cost)
        removable = removals(self.coupling, max_removed, keep_ratio)
        given = Limits(limits or {}, removable, self.floor(min_accuracy, max_drop))
        chosen = self.choose(given, self._costs[cost], progress=progress)
        return self.solve(chosen, given.floor, progress)

    def floor(self, min_accuracy: float | None, max_drop: float | None) -> float | None:
        """The lowest accuracy on validation data that is allowed; None: any.

        Args:
            min_accuracy: asked for, 0 to 1.
            max_drop: against the source model, 0 to 1.
        """
        if min_accuracy is None and max_drop is None:
            return None
        assert self._judge is not None, "a floor of accuracy needs validation data"
        return self._judge.floor(min_accuracy, max_drop)

    @abstractmethod
    def choose(
        self, limits: Limits, prices: Prices, *, inputs: bool = True, progress: Progress = silent
    ) -> Pruned:
        """Remove channels until the limits are met or, without limits, as far as one may.

        Args:
            limits: of what the network takes; where they count removals, no input goes.
            prices: of what is left.
            inputs: whether elements of the input may go, where the strategy drops any.
            progress: told how far it is.

        Raises:
            CannotFitError: the limits cannot be met, or not within the other bounds.
        """

    def solve(
        self, chosen: Pruned, floor: float | None = None, progress: Progress = silent
    ) -> Pruned:
        """What was chosen, as good as its data make it; the same channels are gone.

        Args:
            chosen: as :meth:`choose` gives it.
            floor: the lowest accuracy that is allowed; None: any.
            progress: told how far it is.
        """
        return chosen

    @property
    @abstractmethod
    def passed(self) -> list[tuple[Mask, Graph]]:
        """The networks on the way: what is gone, and the weights in the dense network's shapes."""
