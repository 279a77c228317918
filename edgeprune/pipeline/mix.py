"""Bits by layer: as few as what is linked has to be small for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgeprune.compiler.compile import Compiled, Recipe
from edgeprune.ir import Array, Graph
from edgeprune.kernels.codes import stored_bytes
from edgeprune.progress import Progress, silent
from edgeprune.pruning.pruned import Pruned
from edgeprune.quantize import COUNTS, Levels, Rounder
from edgeprune.quantize.bits import Allocation, Counts, Judge, frontier, sensitivities
from edgeprune.quantize.blend import blended
from edgeprune.quantize.rounding import roundable, rounded_plainly
from edgeprune.quantize.train import BATCH, Error, train

MOST = 2000
"""Samples that tell what layers lose alone, and that judge."""
LEAST = 100
"""The same of large networks."""
MACS = 3_000_000_000
"""Of the samples that judge, in one look at a network."""
ROUNDED = 2
"""So many times as many samples are what layers are solved and rounded with."""
SETTLED = 8
"""The same for the network that is settled on."""
ELEMENTS = 2**25
"""Of its largest value, of all these samples; of what is fed to it where scales are solved."""
SHOWN = (500, 5000)
SHOWN_MACS = 60_000_000_000
"""Samples that its scales and biases are solved with, at the least and at the most, and
multiply-accumulates of one look at them."""
BLENDED = 4
"""Times as many at the most where there are fewer: the others are blends of two."""
TRIES = 12
STEADY = 6
"""Of linking and adjusting; what code a kind of weights needs is known after the first of it in a
network, and looked at anew for another. From the second number on, at least 16, 32, 64, ... bytes
less are tried each time."""

Excess = Callable[[Compiled], Mapping[str, float]]
"""By how much a network is over each limit, "flash" among them; negative: what is left."""


Lost = Mapping[tuple[str, int], float]
"""By (layer, number of values), what the network loses where that layer alone takes so few."""


def few(graph: Graph) -> int:
    """How many samples judge networks that are made of this one."""
    return max(LEAST, min(MOST, MACS // max(graph.macs, 1)))


def counts_of(bits: tuple[int, int]) -> tuple[int, ...]:
    """The numbers of values that weights of so many bits, from and to, take."""
    return tuple(n for n in COUNTS if bits[0] <= (n - 1).bit_length() <= bits[1])


def is_mixable(graph: Graph) -> bool:
    """Whether it has weights that can take fewer bits."""
    return bool(roundable(graph))


@dataclass(frozen=True)
class Mix:
    """A network on few levels.

    Attributes:
        graph: float, its weights on their levels.
        levels: by layer.
        counts: of values that were asked for, by layer.
        loss: against the source network, on validation samples.
    """

    graph: Graph
    levels: Mapping[str, Levels]
    counts: Counts
    loss: float


def _loss(mix: Mix) -> float:
    return mix.loss


@dataclass
class Roundings:
    """Networks on few levels, and what their layers lose: the same whatever they are compiled to.

    Attributes:
        x: samples that calibrate, (n, *input shape).
        judge: the source network's answers for others.
        counts: how many values a layer's weights may take.
        seed: of sampled positions.
        progress: told how far it is.
        ladder: networks on the way down, by the limits that they were pruned to.
    """

    x: Array
    judge: Judge
    counts: Sequence[int]
    seed: int = 0
    progress: Progress = silent
    ladder: dict[tuple[tuple[str, float], ...], Pruned] = field(default_factory=dict)
    _lost: dict[bytes, dict[tuple[str, int], float]] = field(default_factory=dict)
    _mixes: dict[tuple[bytes, tuple[tuple[str, int], ...]], Mix] = field(default_factory=dict)

    def lost(self, graph: Graph, ways: Iterable[tuple[str, int]]) -> Lost:
        """What layers of a float network lose alone, each with a number of values."""
        known = self._lost.setdefault(_digest(graph), {})
        wanted: dict[str, list[int]] = {}
        for name, count in ways:
            if (name, count) not in known:
                wanted.setdefault(name, []).append(count)
        if wanted:
            rounder = Rounder(graph, self.x[: len(self.judge.x)], seed=self.seed)
            known.update(sensitivities(rounder, self.judge, wanted, self.progress))
        return known

    def mix(self, graph: Graph, counts: Counts) -> Mix:
        """A float network with so many values in its layers."""
        key = _digest(graph), tuple(sorted(counts.items()))
        if key not in self._mixes:
            x = self.x[: ROUNDED * len(self.judge.x)]
            made, levels = Rounder(graph, x, seed=self.seed).rounded(counts)
            self._mixes[key] = Mix(made, levels, counts, self.judge.loss(made))
        return self._mixes[key]

    def settled(self, mix: Mix, graph: Graph, source: Graph) -> Mix:
        """What was found with as many values, as good as more samples make it, where they do.

        It is rounded anew, a layer's results by what the answers take of them; then scales and
        biases of all layers are solved together for the source's answers.

        Args:
            mix: as :meth:`mix` gives it.
            graph: that it was made of.
            source: the network whose answers are wanted.
        """
        judged, largest = len(self.judge.x), max(graph.types[n.output].size for n in graph.nodes)
        count = max(ROUNDED * judged, min(SETTLED * judged, ELEMENTS // largest))
        rounder = Rounder(graph, self.x[:count], seed=self.seed)
        rounded = rounder.rounded(mix.counts, weighed=True)
        shown = self._shown(graph)
        fed = self._blended(graph, self.x, shown)
        solved = train(
            *rounded,
            source,
            fed,
            epochs=shown / max(len(fed), BATCH),  # of fewer samples as many steps
            fixed=True,
            seed=self.seed,
            progress=self.progress,
        )
        return min(mix, self._like(mix, *rounded), self._like(mix, *solved), key=_loss)

    def _like(self, mix: Mix, graph: Graph, levels: Mapping[str, Levels]) -> Mix:
        """With as many values, another network."""
        return replace(mix, graph=graph, levels=levels, loss=self.judge.loss(graph))

    def trained(self, mix: Mix, source: Graph, learned: Array, epochs: float, beside: Error) -> Mix:
        """A network on its levels after some training for the source's answers, where it helps.

        Its steps are those of epochs over what is learned; where that is little, over blends too.

        Args:
            mix: a network.
            source: whose answers are wanted.
            learned: samples, (n, *input shape).
            epochs: passes over them.
            beside: of the network's values, see :func:`train`.
        """
        fed = self._blended(mix.graph, learned, self._shown(mix.graph))
        made = train(
            mix.graph,
            mix.levels,
            source,
            fed,
            epochs=epochs * len(learned) / len(fed),
            beside=beside,
            seed=self.seed,
            progress=self.progress,
        )
        return min(mix, self._like(mix, *made), key=_loss)

    def _shown(self, graph: Graph) -> int:
        """So many samples, with blends, is a network solved with in the end."""
        most = SHOWN[1] * (BLENDED if _are_few(graph, self.x) else 1)
        return min(max(SHOWN_MACS // max(graph.macs, 1), SHOWN[0]), most)

    def _blended(self, graph: Graph, x: Array, count: int) -> Array:
        count = min(count, ELEMENTS // x[0].size)
        return blended(x, count, self.seed) if _are_few(graph, x) else x


def _are_few(graph: Graph, x: Array) -> bool:
    """Whether samples are blended: between two numbers of rows of a table lies neither."""
    return len(x) < SHOWN[1] and not any(n.op.numbers for n in graph.nodes)


def _digest(graph: Graph) -> bytes:
    """What tells networks of one source apart: their constants."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(graph.constants.items()):
        digest.update(f"{name} {value.shape} {value.dtype}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.digest()


@dataclass
class Mixer:
    """Gives bits to layers until what is linked is within all limits.

    Attributes:
        recipe: how networks are compiled where every weight has eight bits.
        roundings: of networks.
        excess: of a compiled network.
    """

    recipe: Recipe
    roundings: Roundings
    excess: Excess
    _rooms: dict[tuple[bool, bool], float] = field(default_factory=dict)
    _reserve: int = 0

    def mix(self, graph: Graph, like: Graph | None = None) -> tuple[Mix, float] | None:
        """The bits that lose least of those that fit, and the bytes left; None where none fit.

        Args:
            graph: float; what it computes is what every layer is rounded for.
            like: of the same shapes: the network whose layers tell what bits cost; None: it.
        """
        self._rooms.clear()  # other shapes may take other kernels
        price = self._prices(graph)
        most, least = (_ends(price, pick) for pick in (max, min))
        found = self._fitting(graph, [most]) if self._has_room(most) else None
        if found is None and self._has_room(least):
            lost = self.roundings.lost(like or graph, price)
            found = self._fitting(graph, frontier(lost, price))
        return None if found is None else (self.roundings.mix(graph, found[0]), found[1])

    def reserve(self, size: int) -> None:
        """Leave so many more bytes for what only the finished network shows that it takes."""
        self._reserve += size
        self._rooms = {kind: room - size for kind, room in self._rooms.items()}

    def _has_room(self, way: Allocation) -> bool:
        """Whether it may fit, as far as is known of those that want the same code."""
        return way.price <= self._rooms.get(_kinds(way), math.inf)

    def _prices(self, graph: Graph) -> dict[tuple[str, int], float]:
        """Bytes of every layer, scales too, with every number of values that saves some."""
        layers, counts = roundable(graph), self.roundings.counts
        ends = [self._plain(graph, dict.fromkeys(layers, pick(counts))) for pick in (max, min)]
        digits = {name: ends[1].calls[name].reads_codes for name in layers}
        found: dict[tuple[str, int], float] = {}
        for name, lin in layers.items():
            n, least = graph.constants[lin.node.inputs[1]].size, math.inf
            for count in counts:
                end, like = (0, max(counts)) if count == max(COUNTS) else (1, min(counts))
                beside = ends[end].layer_bytes(name) - stored_bytes(n, like, digits=digits[name])
                size = stored_bytes(n, count, digits=digits[name]) + beside
                if size < least:
                    found[name, count] = least = float(size)
        return found

    def _plain(self, graph: Graph, counts: Counts) -> Compiled:
        """What takes the same bytes and is made at once."""
        made, levels = rounded_plainly(graph, counts)
        return replace(self.recipe, levels=levels).compile(made)

    def _fitting(self, graph: Graph, ways: Sequence[Allocation]) -> tuple[Counts, float] | None:
        """The dearest of some ways, in falling order, that is linked within all limits."""
        best: tuple[int, float] | None = None
        tried: set[int] = set()
        fails = math.inf  # the lowest price, above one that fits, that does not
        for k in range(TRIES):
            at = next((i for i, a in enumerate(ways) if self._has_room(a)), len(ways) - 1)
            if at in tried or (best is not None and at > best[0]):
                break
            tried.add(at)
            over = dict(self.excess(self._plain(graph, ways[at].counts)))
            over["flash"] += self._reserve
            price = ways[at].price
            room = price - over["flash"]
            if over["flash"] > 0:
                fails = min(fails, price)
                # what is linked is no steady function of the price: in the end it goes in strides
                room = min(room, price - (0 if k < STEADY else 2.0 ** (k - STEADY + 4)))
            elif all(v <= 0 for v in over.values()):
                best = at, -over["flash"]
            else:
                break  # fewer bits take no less of the others
            if best is not None and not ways[best[0]].price <= room < fails:
                room = (ways[best[0]].price + fails) / 2
            self._rooms[_kinds(ways[at])] = room
        return None if best is None else (ways[best[0]].counts, best[1])


def _kinds(way: Allocation) -> tuple[bool, bool]:
    """Which code it wants: for weights of eight bits, and for codes."""
    eight = [count == max(COUNTS) for count in way.counts.values()]
    return any(eight), not all(eight)


def _ends(
    price: Mapping[tuple[str, int], float], pick: Callable[[Iterable[int]], int]
) -> Allocation:
    """For all layers the most or the least values."""
    names = dict.fromkeys(name for name, _ in price)
    counts = {name: pick(n for other, n in price if other == name) for name in names}
    return Allocation(sum(price[k] for k in counts.items()), 0.0, counts)
