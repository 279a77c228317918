"""The order of execution with the lowest peak of live bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
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
    states = min(states, int(states * (EVERY_SET / len(nodes)) ** 3) + 1)
    path = _best_path(_Steps.of(graph, home, nbytes, scratch, over), states)
    return tuple(given[i] for i in path)


@lru_cache(maxsize=64)  # one search compiles networks of the same shapes time and again
def _best_path(steps: _Steps, states: int) -> tuple[int, ...]:
    """Numbers of the nodes in the best order that is found."""
    way = _best_way(steps, min(states, FEW))
    way = _best_way(steps, states, way) if states > FEW else way
    return tuple(way.path)


def _best_way(steps: _Steps, states: int, known: _Way | None = None) -> _Way:
    """The best way to run all nodes, or the known one where what is followed ends above it."""
    front = [steps.start]
    for _ in steps.needs:
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


@dataclass(frozen=True)
class _Steps:
    """What running one more node changes; sets of nodes are the bits of an integer.

    Attributes:
        needs: by node, the nodes that it reads from.
        users: by node, the numbers of those that read from it.
        made: by node, the number of its result's buffer.
        touched: by node, the numbers of the buffers that it reads or writes.
        scratch: by node, bytes of working memory.
        savings: by node, bytes that its result saves by lying over another buffer, and the nodes
            that must have run for that.
        nbytes: by buffer, its bytes.
        readers: by buffer, the nodes that read it.
        writers: by buffer, the nodes that write it.
        begun: by buffer, whether it is there from the start.
        kept: by buffer, whether it is there to the end.
    """

    needs: tuple[int, ...]
    users: tuple[tuple[int, ...], ...]
    made: tuple[int, ...]
    touched: tuple[tuple[int, ...], ...]
    scratch: tuple[int, ...]
    savings: tuple[tuple[int, int], ...]
    nbytes: tuple[int, ...]
    readers: tuple[int, ...]
    writers: tuple[int, ...]
    begun: tuple[bool, ...]
    kept: tuple[bool, ...]

    @classmethod
    def of(
        cls,
        graph: Graph,
        home: Mapping[str, str],
        nbytes: Mapping[str, int],
        scratch: Mapping[str, int],
        over: Mapping[str, Share],
    ) -> _Steps:
        """Of a network; see :func:`best_order`."""
        nodes = graph.nodes
        produced = {n.output: i for i, n in enumerate(nodes)}
        number = {b: k for k, b in enumerate(nbytes)}
        begun, kept = {home[v] for v in graph.inputs}, {home[v] for v in graph.outputs}
        made = tuple(number[home[n.output]] for n in nodes)
        needs, touched = [0] * len(nodes), [{b} for b in made]
        users: list[dict[int, None]] = [{} for _ in nodes]
        readers, writers = [0] * len(number), [0] * len(number)
        for i, n in enumerate(nodes):
            writers[made[i]] |= 1 << i
            for v in n.inputs:
                if v in home:
                    touched[i].add(number[home[v]])
                    readers[number[home[v]]] |= 1 << i
                if v in produced:
                    users[produced[v]][i] = None
                    needs[i] |= 1 << produced[v]

        def saving(i: int, share: Share | None) -> tuple[int, int]:
            if share is None or share.buffer in kept:
                return 0, 0
            result = nbytes[home[nodes[i].output]]
            less = saved(nbytes[share.buffer], result, share.lead, 1)
            return less, readers[number[share.buffer]] & ~(1 << i)

        return cls(
            needs=tuple(needs),
            users=tuple(map(tuple, users)),
            made=made,
            touched=tuple(map(tuple, touched)),
            scratch=tuple(scratch.get(n.name, 0) for n in nodes),
            savings=tuple(saving(i, over.get(n.name)) for i, n in enumerate(nodes)),
            nbytes=tuple(nbytes.values()),
            readers=tuple(readers),
            writers=tuple(writers),
            begun=tuple(b in begun for b in nbytes),
            kept=tuple(b in kept for b in nbytes),
        )

    @property
    def start(self) -> _Way:
        """Nothing has run."""
        fed = sum(n for b, n in enumerate(self.nbytes) if self._alive(b, 0))
        return _Way(0, 0, None, -1, 0, fed, tuple(i for i, n in enumerate(self.needs) if not n))

    def _alive(self, b: int, done: int) -> bool:
        """Whether a buffer has been begun and is still to be read."""
        begun = self.begun[b] or bool(self.writers[b] & done)
        return begun and (self.kept[b] or bool(self.readers[b] & ~done))

    def during(self, done: int, i: int, live: int) -> int:
        """Bytes alive while node i runs behind some others."""
        b = self.made[i]
        live += self.scratch[i] + (0 if self._alive(b, done) else self.nbytes[b])
        less, readers = self.savings[i]
        return live if readers & ~done else live - less

    def left(self, done: int, i: int, live: int) -> int:
        """Bytes alive when it has run."""
        for b in self.touched[i]:
            now = self._alive(b, done | 1 << i)
            live += self.nbytes[b] * (now - self._alive(b, done))
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
        fresh = (u for u in self.users[i] if not self.needs[u] & ~done)
        ready = tuple(sorted({*way.ready, *fresh} - {i}))
        return _Way(peak, rank, way, i, done, self.left(way.done, i, way.live), ready)


def _is_chain(graph: Graph) -> bool:
    """Whether each node reads what the one before it made: then there is no other order."""
    return all(before.output in node.inputs for before, node in pairwise(graph.nodes))
