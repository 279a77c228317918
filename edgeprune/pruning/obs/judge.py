"""Whether one network is better than another, on data that nothing is fitted to."""

from __future__ import annotations

import numpy as np

from edgeprune.ir import Graph, Samples, predict
from edgeprune.pruning.loss import accuracy, reference_labels


class Judge:
    """Accuracy and, for ties, the distance to the source model's outputs.

    Args:
        source: the dense network.
        data: validation samples.
    """

    def __init__(self, source: Graph, data: Samples) -> None:
        self.source = source
        self._data = data
        self._labels = reference_labels(source, data)
        self._targets = predict(source, data.x)

    def accuracy(self, graph: Graph) -> float:
        """The share of samples whose label, or the source model's answer, a network gives."""
        return accuracy(graph, self._data.x, self._labels)

    def value(self, graph: Graph) -> tuple[float, float]:
        """Larger is better; without labels, how near the source model's outputs are."""
        y = predict(graph, self._data.x)
        distance = float(np.square(y - self._targets).mean())
        if self._targets[0].size == 1 or self._data.y is None:
            return -distance, 0.0
        right = y.reshape(len(y), -1).argmax(axis=1) == self._labels
        return float(right.mean()), -distance
