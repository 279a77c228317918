"""What calibration data makes every value take: ranges, and histograms to cut them by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array, Graph, walk
from edgeprune.progress import Progress, silent

if TYPE_CHECKING:
    import torch

Method = Literal["minmax", "percentile", "mse"]
BINS = 2048
ENDLESS = "is NaN or infinite for some samples"
ENDLESS_HINT = (
    "bound what it reads, as by x.clamp(min=1e-6) in front of a logarithm, a root or a quotient, "
    "also where a choice leaves its result out"
)
COUNTED = 2**24  # elements whose counts float32 holds exactly


@dataclass(frozen=True)
class Observed:
    """One value over the calibration samples.

    Attributes:
        low: smallest element seen.
        high: largest element seen.
        counts: histogram of ``BINS`` equal bins between them.
        mean: mean per channel (last axis), for bias correction.
        known: whether the ends are what can be, not only what was seen.
        one_sided: whether what reads it is defined on the side of 0 that was seen alone.
    """

    low: float
    high: float
    counts: Array
    mean: Array
    known: bool = False
    one_sided: bool = False

    def range(self, method: Method, levels: int) -> tuple[float, float]:
        """Ends of the quantised range, real values.

        Args:
            method: "minmax": all that was seen, and what few samples let expect beyond it, which
                has no other sign than was seen where the value is ``one_sided``;
                "percentile": without the outermost 0.01 % on either side; "mse": the cut with the
                smallest mean squared rounding and clipping error.
            levels: number of integer values.
        """
        if self.known or self.high <= self.low:
            return self.low, self.high
        if method == "minmax":
            below, above = (self._unseen(c, levels) for c in (self.counts, self.counts[::-1]))
            low, high = self.low - below, self.high + above
            if self.one_sided and self.low >= 0:
                low = max(low, self.low / 2)
            if self.one_sided and self.high <= 0:
                high = min(high, self.high / 2)
            return low, high
        if method == "percentile":
            return self._percentile(1e-4)
        return self._least_squares(levels)

    def _unseen(self, counts: Array, levels: int) -> float:
        """How far the range goes on beyond an end, for what other samples will have there.

        The outermost sqrt(n) of n elements say how the tail falls off, which is taken for that of
        a normal distribution round the median. The margin has the smallest sum of mean squared
        errors: of clipping what one element in n exceeds the end by, and of rounding. It is 0
        where clipping costs less than rounding does: where n is large, and at an end that many
        elements lie on.

        Args:
            counts: the histogram from that end on.
            levels: number of integer values.
        """
        n, width = float(counts.sum()), self.high - self.low
        inward = np.cumsum(counts)
        last, middle = (int(np.searchsorted(inward, m)) for m in (np.sqrt(n), n / 2))
        if last >= middle:
            return 0.0
        far = ((middle - np.arange(last + 1)) * width / BINS) ** 2  # which falls off exponentially
        fall = float(((far - far[-1]) * counts[: last + 1]).sum()) / float(inward[last])
        beyond = fall / (2 * float(np.sqrt(far[0])))  # mean of what exceeds the end
        step = width / (levels - 1)
        if 2 * beyond**2 / n <= step**2 / 12:
            return 0.0
        lengths = np.log(12 * beyond * width / (n * step**2))
        return float(np.sqrt(far[0] + fall * max(lengths, 0.0)) - np.sqrt(far[0]))

    def _centres(self) -> Array:
        edges = np.linspace(self.low, self.high, BINS + 1)
        return (edges[:-1] + edges[1:]) / 2

    def _percentile(self, tail: float) -> tuple[float, float]:
        share = np.cumsum(self.counts) / max(self.counts.sum(), 1)
        edges = np.linspace(self.low, self.high, BINS + 1)
        low = edges[int(np.searchsorted(share, tail))]
        high = edges[min(int(np.searchsorted(share, 1 - tail)) + 1, BINS)]
        return float(low), float(high)

    def _least_squares(self, levels: int) -> tuple[float, float]:
        centres, counts = self._centres(), self.counts
        best, found = np.inf, (self.low, self.high)
        for cut in np.linspace(0.0, 0.7, 36):
            low, high = self.low * (1 - cut), self.high * (1 - cut)
            step = (max(high, 0.0) - min(low, 0.0)) / (levels - 1)
            inside = np.clip(centres, low, high)
            error = float((counts * ((centres - inside) ** 2 + step**2 / 12)).sum())
            if error < best:
                best, found = error, (float(low), float(high))
        return found


def of_ends(
    seen: Mapping[str, Observed], value: str, ends: tuple[float, float]
) -> Mapping[str, Observed]:
    """What was seen, with a value whose integers lie evenly between two known real numbers."""
    low, high = ends
    return {**seen, value: replace(seen[value], low=low, high=high, known=True)}


def one_sided(graph: Graph) -> frozenset[str]:
    """What a quotient divides by and what roots and logarithms read, also if moved in between."""
    found: set[str] = set()
    for node in reversed(graph.nodes):
        if node.op.moves and node.output in found:
            found.update(node.inputs)
        found.update(v for i, v in enumerate(node.inputs) if i in node.op.one_sided)
    return frozenset(found)


def observe(
    graph: Graph, x: Array, *, batch: int = 128, progress: Progress = silent
) -> Mapping[str, Observed]:
    """Run calibration samples through a float graph, twice: for ends, then for histograms.

    Args:
        graph: a float network with one input.
        x: samples, (n, *shape) float32.
        batch: how many are computed at once.
        progress: told after every batch.

    Returns:
        What every activation took, by name.

    Raises:
        EdgePruneError: an activation is NaN or infinite for some samples.
    """
    import torch

    low: dict[str, float] = {}
    high: dict[str, float] = {}
    total: dict[str, Array] = {}
    counts: dict[str, Array] = {v: np.zeros(BINS) for v in graph.activations}

    def ends(name: str, a: torch.Tensor) -> None:
        least, most = float(a.min()), float(a.max())
        if not (math.isfinite(least) and math.isfinite(most)):
            node = graph.producer.get(name)
            label = name if node is None else node.name
            raise EdgePruneError(f"{graph.name}: {label!r}", ENDLESS, ENDLESS_HINT)
        low[name] = min(low.get(name, np.inf), least)
        high[name] = max(high.get(name, -np.inf), most)
        per = a.reshape(-1, a.shape[-1] if a.dim() > 1 else 1)
        sums = per.sum(0, dtype=torch.float64).numpy()
        total[name] = total.get(name, np.zeros(len(sums))) + sums

    def bins(name: str, a: torch.Tensor) -> None:
        counts[name] += _histogram(a, low[name], high[name])

    starts = range(0, len(x), batch)
    for sweep, look in enumerate((ends, bins)):
        for step, i in enumerate(starts):
            part = torch.from_numpy(np.ascontiguousarray(x[i : i + batch], np.float32))
            walk(graph, part, look=look)
            progress("quantise", sweep * len(starts) + step + 1, 2 * len(starts))
    found, sided = {}, one_sided(graph)
    for name in graph.activations:
        shape = graph.types[name].shape
        rows = len(x) * max(graph.types[name].size // (shape[-1] if shape else 1), 1)
        found[name] = Observed(
            low[name],
            high[name],
            counts[name],
            total[name] / rows,
            one_sided=name in sided,
        )
    return found


def _histogram(a: torch.Tensor, low: float, high: float) -> Array:
    """Counts in ``BINS`` equal bins; all in the first where the ends are equal."""
    import torch

    counts = np.zeros(BINS)
    if high <= low:
        counts[0] = a.numel()
        return counts
    for part in torch.split(a.flatten(), COUNTED):
        counts += torch.histc(part, BINS, low, high).numpy()
    return counts
