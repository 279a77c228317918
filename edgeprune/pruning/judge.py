"""Whether one network is better than another, on data that nothing is fitted to."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Graph, Samples, predict
from edgeprune.pruning.truth import truth_of


class Judge:
    """How near a network's outputs are to the source model's, and its accuracy.

    Between two networks of about one size the distance decides: it changes with every sample,
    where accuracy counts the few that cross a border, and a network's own training samples, which
    are often all that there is, are no fair ones to count.

    Args:
        source: the dense network.
        data: validation samples.
    """

    def __init__(self, source: Graph, data: Samples) -> None:
        self.source = source
        self._data = data
        self._targets = predict(source, data.x)
        self._truth = truth_of(source, data, lambda: self._targets)

    def accuracy(self, graph: Graph) -> float:
        """How right a network is, 0 to 1: by what the data say or the source model answers."""
        return self._truth.right(predict(graph, self._data.x))

    def floor(self, min_accuracy: float | None, max_drop: float | None) -> float | None:
        """The lowest accuracy that is allowed; None: any.

        Args:
            min_accuracy: asked for, 0 to 1.
            max_drop: against the source model, 0 to 1.
        """
        if max_drop is None:
            return min_accuracy
        return max(min_accuracy or 0.0, self.accuracy(self.source) - max_drop)

    def value(self, graph: Graph) -> float:
        """Larger is better: minus the mean squared difference of the outputs."""
        return -float(np.square(predict(graph, self._data.x) - self._targets).mean())
