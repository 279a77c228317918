"""What every way of choosing the channels that go can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from edgeprune.ir import Graph, couple
from edgeprune.progress import Progress, silent
from edgeprune.pruning.costs import Cost, Costs, Prices, no_cost
from edgeprune.pruning.groups import Mask
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

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.coupling = couple(graph)
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
        """:meth:`choose`, with its arguments, by the cost of a graph; then :meth:`solve`.

        Raises:
            CannotFitError: the limits cannot be met, or not within the other bounds.
        """
        if cost not in self._costs:
            self._costs[cost] = Costs(self.graph, self.coupling, cost)
        chosen = self.choose(
            limits=limits,
            prices=self._costs[cost],
            min_accuracy=min_accuracy,
            max_drop=max_drop,
            max_removed=max_removed,
            keep_ratio=keep_ratio,
            progress=progress,
        )
        return self.solve(chosen, min_accuracy=min_accuracy, max_drop=max_drop, progress=progress)

    @abstractmethod
    def choose(
        self,
        *,
        prices: Prices,
        limits: Mapping[str, float] | None = None,
        min_accuracy: float | None = None,
        max_drop: float | None = None,
        max_removed: int | None = None,
        keep_ratio: float | None = None,
        inputs: bool = True,
        progress: Progress = silent,
    ) -> Pruned:
        """Remove channels until the limits are met or, without limits, as far as one may.

        Args:
            prices: of what is left.
            limits: by key of the prices the largest value allowed.
            min_accuracy: lowest accuracy on the validation data, 0 to 1.
            max_drop: largest loss of accuracy there against the source model, 0 to 1.
            max_removed: how many channels may go; with it, no input goes.
            keep_ratio: the share of the channels that stays; likewise.
            inputs: whether elements of the input may go, where the strategy drops any.
            progress: told how far it is.

        Raises:
            CannotFitError: the limits cannot be met, or not within the other bounds.
        """

    def solve(
        self,
        chosen: Pruned,
        *,
        min_accuracy: float | None = None,
        max_drop: float | None = None,
        progress: Progress = silent,
    ) -> Pruned:
        """What was chosen, as good as its data make it; the same channels are gone.

        Args:
            chosen: as :meth:`choose` gives it.
            min_accuracy: as there.
            max_drop: as there.
            progress: told how far it is.
        """
        return chosen

    @property
    @abstractmethod
    def passed(self) -> list[tuple[Mask, Graph]]:
        """The networks on the way: what is gone, and the weights in the dense network's shapes."""
