"""How many values the weights of each layer may take, so that all of them fit a number of bytes.

What a layer loses with few values is in proportion to the square of what that changes in its
result, which some roundings of it tell. The factor is measured, as the change of the network's
answers when that layer alone is rounded to the fewest values, on samples that nothing is fitted to.
Of all ways to give every layer its number, those that no other one beats are found layer by layer
(multiple-choice knapsack by dominance; Kellerer, Pferschy and Pisinger 2004, Knapsack Problems,
section 11).
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
LARGEST = 16
"""Values of the largest table; grids of more are not rounded to, they lose next to nothing."""
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
    errors: dict[str, dict[int, float]] = {}
    for name, count, solved in rounder.alone({k: _probes(c) for k, c in wanted.items()}):
        seen = errors.setdefault(name, {})
        seen[count] = solved.error
        if count == min(wanted[name]):
            made = rounder.graph.with_constants(solved.changed)
            factor = max(judge.loss(made) - start, 0.0) / max(solved.error, SMALL)
            for other, error in zip(wanted[name], _between(seen, wanted[name]), strict=True):
                found[name, other] = factor * error
            progress("bits", len(errors), len(wanted))
    return found


def _probes(counts: Sequence[int]) -> list[int]:
    """Those of some numbers of values that a layer is rounded to, in falling order."""
    ordered = sorted(counts, reverse=True)
    tables = [c for c in ordered if c <= LARGEST] or ordered[-1:]
    return [tables[i] for i in sorted({0, len(tables) // 2, len(tables) - 1})]


def _between(seen: Mapping[int, float], counts: Sequence[int]) -> list[float]:
    """Errors for all numbers of values from those for some.

    The log of the error is about linear in that of the number; beyond the largest that was seen
    each doubling quarters the error.
    """
    known = sorted(seen)
    logs = np.log([max(seen[c], SMALL) for c in known])
    inside = np.interp(np.log(counts), np.log(known), logs)
    beyond = np.maximum(np.log(counts) - np.log(known[-1]), 0)
    values: list[float] = np.exp(inside - 2 * beyond).tolist()
    return values


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
