"""How many values the weights of each layer may take, so that all of them fit a number of bytes.

What a layer loses with few values is measured, on samples that nothing is fitted to, as the change
of the network's answers when it alone is rounded. Of all ways to give every layer its number, those
that no other one beats are found layer by layer (multiple-choice knapsack by dominance; Kellerer,
Pferschy and Pisinger 2004, Knapsack Problems, section 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeprune.ir import Array, Graph, predict
from edgeprune.progress import Progress, silent
from edgeprune.quantize.rounding import Rounder

Counts = Mapping[str, int]
"""Of values, by layer."""
SMALL = 1e-12
MOST = 2000
"""Allocations that are kept after each layer."""


@dataclass(frozen=True)
class Judge:
    """How far a network's answers are from those of the one that it stands for.

    Attributes:
        x: samples that nothing is fitted to, (n, *input shape) float32.
        wanted: what the source network answers, (n, *output shape).
        is_distribution: whether that is a probability for each class.
    """

    x: Array
    wanted: Array
    is_distribution: bool

    @staticmethod
    def of(source: Graph, x: Array) -> Judge:
        """Of a float network's answers."""
        return Judge(x, predict(source, x), source.producer[source.outputs[0]].op.kind == "softmax")

    def loss(self, graph: Graph) -> float:
        """Kullback-Leibler divergence in nats, or the squared error by the answers' variance."""
        return self.loss_of(predict(graph, self.x))

    def loss_of(self, outputs: Array) -> float:
        """The same of answers for ``x``."""
        p, q = (a.reshape(len(a), -1).astype(np.float64) for a in (self.wanted, outputs))
        if not self.is_distribution:
            return float(np.square(p - q).sum() / max(float(np.square(p - p.mean(0)).sum()), SMALL))
        p, q = (np.maximum(a, SMALL) for a in (p, q))
        return float((p * np.log(p / q)).sum(1).mean())


def sensitivities(
    rounder: Rounder,
    judge: Judge,
    wanted: Mapping[str, Sequence[int]],
    progress: Progress = silent,
) -> dict[tuple[str, int], float]:
    """What layers lose alone, each with the numbers of values that are wanted, by both."""
    found: dict[tuple[str, int], float] = {}
    start = judge.loss(rounder.graph)
    total = sum(map(len, wanted.values()))
    for name, count, changed in rounder.alone(wanted):
        lost = judge.loss(rounder.graph.with_constants(changed)) - start
        found[name, count] = max(lost, 0.0)
        progress("bits", len(found), total)
    return found


@dataclass(frozen=True)
class Allocation:
    """Numbers of values by layer.

    Attributes:
        price: of all layers together, bytes.
        lost: what is expected to be lost, the layers' losses added up.
        counts: of values, by layer.
    """

    price: float
    lost: float
    counts: Counts


def frontier(
    lost: Mapping[tuple[str, int], float], price: Mapping[tuple[str, int], float]
) -> list[Allocation]:
    """All allocations that no other one beats, from the dearest down.

    Args:
        lost: by (layer, number of values).
        price: bytes, by the same.
    """
    options: dict[str, list[int]] = {}
    for name, count in price:
        options.setdefault(name, []).append(count)
    best = [Allocation(0.0, 0.0, {})]
    for name, counts in options.items():
        longer = [
            Allocation(a.price + price[name, c], a.lost + lost[name, c], {**a.counts, name: c})
            for a in best
            for c in counts
        ]
        best = _unbeaten(longer)
    return best[::-1]


def _unbeaten(found: list[Allocation]) -> list[Allocation]:
    """Those that lose less than all that cost no more, cheapest first; thinned where many."""
    kept: list[Allocation] = []
    for a in sorted(found, key=lambda a: (a.price, a.lost)):
        if not kept or a.lost < kept[-1].lost:
            kept.append(a)
    step = -(-len(kept) // MOST)
    return kept[::step] if (len(kept) - 1) % step == 0 else [*kept[::step], kept[-1]]
