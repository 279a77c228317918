"""The order of execution with the lowest peak of live bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from edgeprune.ir import Graph
from edgeprune.planner.plan import Share, saved

EVERY_SET = 40
"""Up to so many nodes ``states`` sets are followed; beyond, fewer by the cube of their number."""

FEW = 64
"""Where so many sets are followed already, a node that can do no harm is not put off."""


def best_order(
    graph: Graph,
    home: Mapping[str, str],
    nbytes: Mapping[str, int],
    scratch: Mapping[str, int],
    over: Mapping[str, Share],
    *,
    states: int = 20_000,
) -> tuple[str, ...]:
    """Order the nodes so that the largest sum of live buffers is smallest.

    Dynamic programming over sets of executed nodes (the peak of the best way to have run exactly
    these), as in Liberis and Lane 2019, arXiv:1910.05110. Sets whose peak is above that of a way
    that is found quickly are not followed, and what frees as much as it makes, below the peak so
    far, runs at once where there are many: later it would need no less. Where a graph has more
    sets than ``states`` all the same, only those with the lowest peaks are followed.

    Args:
        graph: the network.
        home: the buffer of each activation.
        nbytes: bytes of each buffer.
        scratch: bytes of working memory by node name.
        over: by node name, what its result may lie over if nothing else reads that.
        states: how many sets are followed at once, at the most.

    Returns:
        Names of the nodes.
    """
    nodes = graph.nodes
    given = tuple(n.name for n in nodes)
    if _is_chain(graph):
        return given
    steps = _Steps(graph, home, nbytes, scratch, over)
    states = min(states, int(states * (EVERY_SET / len(nodes)) ** 3) + 1)
    way = _best_way(steps, len(nodes), min(states, FEW))
    way = _best_way(steps, len(nodes), states, way) if states > FEW else way
    return tuple(nodes[i].name for i in way.path)


def _best_way(steps: _Steps, count: int, states: int, known: _Way | None = None) -> _Way:
    """The best way to run so many nodes, or the known one where what is followed ends above it."""
    front = [_Way(0, 0, None, -1, 0, steps.fed, steps.first)]
    for _ in range(count):
        many = len(front) > FEW
        after: dict[int, tuple[int, int, int, _Way]] = {}
        for way in front:
            for i in steps.harmless(way) if many else way.ready:
                found = max(way.peak, steps.during(way.done, i, way.live))
                if known is not None and found > known.peak:
                    continue
                state, step = way.done | 1 << i, (found, way.rank, i, way)
                # a way's rank and its next node tell all steps of one length apart
                if state not in after or step < after[state]:
                    after[state] = step
        # what a step leaves is looked at only where it is followed
        taken = sorted(after.values())[:states]
        ranks = {s[1:3]: rank for rank, s in enumerate(sorted(taken, key=lambda s: s[1:3]))}
        front = [steps.behind(way, i, peak, ranks[r, i]) for peak, r, i, way in taken]
    best = front[0] if front else known
    assert best is not None
    return best


@dataclass(frozen=True)
class _Way:
    """The best way to have run a set of nodes.

    Attributes:
        peak: the most bytes that were alive.
        rank: where its path is among those that are followed, by the nodes' numbers.
        before: the way that it goes on from; None: nothing has run.
        last: number of the node that it ran then.
        done: the nodes that have run.
        live: bytes that are alive behind them.
        ready: numbers of the nodes that can run next, ascending.
    """

    peak: int
    rank: int
    before: _Way | None
    last: int
    done: int
    live: int
    ready: tuple[int, ...]

    @property
    def path(self) -> list[int]:
        """Numbers of the nodes, as they ran."""
        found, way = [], self
        while way.before is not None:
            found.append(way.last)
            way = way.before
        return found[::-1]


class _Steps:
    """What running one more node changes; sets of nodes are the bits of an integer."""

    def __init__(
        self,
        graph: Graph,
        home: Mapping[str, str],
        nbytes: Mapping[str, int],
        scratch: Mapping[str, int],
        over: Mapping[str, Share],
    ) -> None:
        nodes = graph.nodes
        produced = {n.output: i for i, n in enumerate(nodes)}
        self._needs = [_bits(produced[v] for v in n.inputs if v in produced) for n in nodes]
        self._users: list[set[int]] = [set() for _ in nodes]
        self._made = [home[n.output] for n in nodes]
        self._touched: list[set[str]] = [{b} for b in self._made]
        self._scratch = [scratch.get(n.name, 0) for n in nodes]
        self._over = [over.get(n.name) for n in nodes]
        self._nbytes = nbytes
        self._readers = dict.fromkeys(nbytes, 0)
        self._writers = dict.fromkeys(nbytes, 0)
        for i, n in enumerate(nodes):
            self._writers[self._made[i]] |= 1 << i
            for v in n.inputs:
                if v in home:
                    self._touched[i].add(home[v])
                    self._readers[home[v]] |= 1 << i
                if v in produced:
                    self._users[produced[v]].add(i)
        self._begun = {home[v] for v in graph.inputs}
        self._kept = {home[v] for v in graph.outputs}
        self.fed = sum(nbytes[b] for b in self._begun if self._alive(b, 0))
        self.first = tuple(i for i, needs in enumerate(self._needs) if not needs)

    def _alive(self, b: str, done: int) -> bool:
        """Whether a buffer has been begun and is still to be read."""
        begun = b in self._begun or bool(self._writers[b] & done)
        return begun and (b in self._kept or bool(self._readers[b] & ~done))

    def during(self, done: int, i: int, live: int) -> int:
        """Bytes alive while node i runs behind some others."""
        b, share = self._made[i], self._over[i]
        live += self._scratch[i] + (0 if self._alive(b, done) else self._nbytes[b])
        if share is None or share.buffer in self._kept:
            return live
        if self._readers[share.buffer] & ~(done | 1 << i):
            return live
        return live - saved(self._nbytes[share.buffer], self._nbytes[b], share.lead, 1)

    def left(self, done: int, i: int, live: int) -> int:
        """Bytes alive when it has run."""
        for b in self._touched[i]:
            now = self._alive(b, done | 1 << i)
            live += self._nbytes[b] * (now - self._alive(b, done))
        return live

    def harmless(self, way: _Way) -> tuple[int, ...]:
        """What can run: one node alone where that raises neither the peak nor what is alive."""
        for i in way.ready:
            if self.during(way.done, i, way.live) <= way.peak and (
                self.left(way.done, i, way.live) <= way.live
            ):
                return (i,)
        return way.ready

    def behind(self, way: _Way, i: int, peak: int, rank: int) -> _Way:
        """The way that goes on from another with node i."""
        done = way.done | 1 << i
        fresh = (u for u in self._users[i] if not self._needs[u] & ~done)
        ready = tuple(sorted({*way.ready, *fresh} - {i}))
        return _Way(peak, rank, way, i, done, self.left(way.done, i, way.live), ready)


def _bits(numbers: Iterable[int]) -> int:
    found = 0
    for i in numbers:
        found |= 1 << i
    return found


def _is_chain(graph: Graph) -> bool:
    """Whether each node reads what the one before it made: then there is no other order."""
    return all(before.output in node.inputs for before, node in pairwise(graph.nodes))
