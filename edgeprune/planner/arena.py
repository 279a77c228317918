"""Offsets: buffers that are alive together must not overlap, and the arena shall be small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from edgeprune.planner.plan import Buffer, Share, live_bytes, round_up

SEARCH_TRIES = 100_000
"""Gaps that the search looks for before it takes what it has: less than a second."""


def place(
    buffers: Sequence[Buffer],
    *,
    align: int = 4,
    tries: int = SEARCH_TRIES,
    below: int | None = None,
) -> list[int]:
    """Give every buffer an offset; the smallest arena that a bounded search finds.

    Greedy by size first (Pisarchyk and Lee 2020, arXiv:2001.03288), by length of life, and from
    both ends in turn, which is optimal for chains. Where none reaches the lower bound, branch and
    bound over the order in which buffers are placed at the lowest gap that fits: some order gives
    an optimal packing, because every optimal packing can be pushed down until each buffer rests on
    another one.

    Args:
        buffers: sizes in bytes and the steps in which they are needed.
        align: every offset is a multiple of this many bytes; a power of two.
        tries: how many gaps the search may look for; 0: the greedy plans only.
        below: arenas of this size and more are of no use; None: any is.

    Returns:
        Offsets in bytes, in the order of ``buffers``.
    """
    number = {b.name: str(i) for i, b in enumerate(buffers)}
    lives = tuple(
        Buffer(
            number[b.name],
            round_up(b.nbytes, align),
            b.first,
            b.last,
            replace(b.over, buffer=number[b.over.buffer]) if b.over else None,
        )
        for b in buffers
    )
    bound = max((live_bytes(buffers, s, align) for s in {b.first for b in buffers}), default=0)
    return list(_place(lives, align, bound, tries, below))


@lru_cache(maxsize=256)
def _place(
    lives: tuple[Buffer, ...], align: int, bound: int, tries: int, below: int | None
) -> tuple[int, ...]:
    """The same of sizes and lives: forms of one network differ in neither.

    Args:
        lives: the buffers, named by their numbers, their sizes aligned.
        align: as above.
        bound: bytes that no plan can go below.
        tries: as above.
        below: as above.
    """
    n = len(lives)
    sizes, first, last = (
        [b.nbytes for b in lives],
        [b.first for b in lives],
        [b.last for b in lives],
    )
    meets = _meetings(lives, sizes, align)
    orders = [
        sorted(range(n), key=lambda i: (-sizes[i], first[i])),
        sorted(range(n), key=lambda i: (first[i], -sizes[i])),
        sorted(range(n), key=lambda i: (first[i] - last[i], -sizes[i])),
        # results first: what they lie over begins behind them
        sorted(range(n), key=lambda i: (-sizes[i], -first[i])),
        sorted(range(n), key=lambda i: (-first[i], -sizes[i])),
    ]
    best = _stack(orders[0], meets)
    for order in orders[1:]:
        if _height(best, sizes) <= bound:
            return tuple(best)
        best = min(best, _stack(order, meets), key=lambda t: _height(t, sizes))
    # what lives for one step goes in between
    ends = sorted(range(n), key=lambda i: (first[i] == last[i], first[i]))
    best = min(best, _from_both_ends(ends, sizes, meets, bound), key=lambda t: _height(t, sizes))
    steps = sorted(range(n), key=lambda i: (first[i], first[i] == last[i]))
    back = sorted(range(n), key=lambda i: (-last[i], first[i] == last[i]))
    for order in (steps, back):
        if tries and _height(best, sizes) > bound:
            best = _in_time(order, sizes, meets, bound, tries // 8) or best
    if tries and _height(best, sizes) > bound:
        best = _search(sizes, meets, bound, best, tries // 2, below)
    return tuple(best)


class _Meeting(NamedTuple):
    """How a buffer must keep off another one.

    Attributes:
        other: its number.
        before: bytes by which it must begin before that one, if it does.
        behind: bytes by which it must begin behind the beginning of that one, if it does.
        at: the one other distance from that one's beginning that is allowed; None: there is none.
    """

    other: int
    before: int
    behind: int
    at: int | None = None

    def mirrored(self, size: int, others: int) -> _Meeting:
        """The same where offsets count from the other end, of buffers of these sizes."""
        low, high = self.before + others - size, self.behind + size - others
        return _Meeting(self.other, high, low, None if self.at is None else others - size - self.at)


Meetings = list[list[_Meeting]]


def _meetings(buffers: Sequence[Buffer], sizes: Sequence[int], align: int) -> Meetings:
    found: Meetings = [[] for _ in buffers]
    for i, a in enumerate(buffers):
        for j, b in enumerate(buffers):
            if i == j or not a.meets(b):
                continue
            before, behind, at = sizes[i], sizes[j], None
            for share, sign in ((_share(a, b), -1), (_share(b, a), 1)):
                if share is None:
                    continue
                lead = round_up(share.lead, align)
                if share.exact:
                    at = sign * lead if share.lead == lead else None
                elif sign < 0:
                    before = min(before, lead)
                else:
                    behind = min(behind, lead)
            found[i].append(_Meeting(j, before, behind, at))
    return found


def _share(a: Buffer, b: Buffer) -> Share | None:
    return a.over if a.over is not None and a.over.buffer == b.name else None


def _lowest_gap(i: int, at: Sequence[int], meets: Meetings) -> int:
    """The innermost loop of all searches: it walks what a buffer meets once."""
    taken, exact = [], []
    for other, before, behind, same in meets[i]:
        begin = at[other]
        if begin >= 0:
            taken.append((begin - before, begin + behind))
            if same is not None:
                exact.append(begin + same)
    taken.sort()
    low = 0
    for before, behind in taken:
        if low <= before:
            break
        low = max(low, behind)
    if not exact:
        return low
    placed = [m for m in meets[i] if at[m.other] >= 0]
    return min([low, *(p for p in exact if 0 <= p < low and _fits(p, placed, at))])


def _fits(place: int, placed: Sequence[_Meeting], at: Sequence[int]) -> bool:
    ahead = ((place - at[m.other], m) for m in placed)
    return all(d <= -m.before or d >= m.behind or d == m.at for d, m in ahead)


def _stack(order: Sequence[int], meets: Meetings) -> list[int]:
    at = [-1] * len(order)
    for i in order:
        at[i] = _lowest_gap(i, at, meets)
    return at


def _from_both_ends(
    order: Sequence[int], sizes: Sequence[int], meets: Meetings, bound: int
) -> list[int]:
    """Every other buffer as far up as it goes below the bound, the others as far down.

    Of a chain no more than two values are needed in a step: they never want the same end.
    """
    at = [-1] * len(sizes)
    upside_down = [[m.mirrored(sizes[i], sizes[m.other]) for m in meets[i]] for i in range(len(at))]
    for turn, i in enumerate(order):
        at[i] = _lowest_gap(i, at, meets)
        if turn % 2:
            # what sticks out keeps all of its size below the bound: nothing is put on it
            placed = zip(at, sizes, strict=True)
            mirrored = [max(bound - a - s, 0) if a >= 0 else -1 for a, s in placed]
            mirrored[i] = -1
            high = bound - sizes[i] - _lowest_gap(i, mirrored, upside_down)
            if high >= 0 and _fits(high, [m for m in meets[i] if at[m.other] >= 0], at):
                at[i] = high
    return at


def _in_time(
    order: Sequence[int], sizes: Sequence[int], meets: Meetings, bound: int, tries: int
) -> list[int] | None:
    """Depth first, in order of time: next to what it shares memory with, far down, or far up."""
    at = [-1] * len(sizes)
    upside_down = [[m.mirrored(sizes[i], sizes[m.other]) for m in meets[i]] for i in range(len(at))]
    left = tries

    def places(i: int) -> list[int]:
        placed = [m for m in meets[i] if at[m.other] >= 0]
        shared = [at[m.other] - m.before for m in placed if m.before < sizes[i]]
        shared += [at[m.other] + m.behind for m in placed if m.behind < sizes[m.other]]
        shared += [at[m.other] + m.at for m in placed if m.at is not None]
        mirrored = [bound - a - s if a >= 0 else -1 for a, s in zip(at, sizes, strict=True)]
        high = bound - sizes[i] - _lowest_gap(i, mirrored, upside_down)
        found = [*(p for p in shared if _fits(p, placed, at)), _lowest_gap(i, at, meets), high]
        return [p for p in dict.fromkeys(found) if 0 <= p <= bound - sizes[i]]

    def descend(k: int) -> bool:
        nonlocal left
        if k == len(order):
            return True
        left -= 2
        for p in places(order[k]) if left >= 0 else ():
            at[order[k]] = p
            if descend(k + 1):
                return True
        at[order[k]] = -1
        return False

    return at if descend(0) else None


def _height(at: Sequence[int], sizes: Sequence[int]) -> int:
    return max((a + s for a, s in zip(at, sizes, strict=True)), default=0)


def _search(
    sizes: Sequence[int],
    meets: Meetings,
    bound: int,
    best: list[int],
    tries: int,
    below: int | None,
) -> list[int]:
    """Depth first over orders of placement; cuts what cannot beat the best plan."""
    n = len(sizes)
    at = [-1] * n
    top = min(_height(best, sizes), below or _height(best, sizes))
    left = 0
    # conflicts first: what meets most bytes is hardest to place later
    weight = [sizes[i] * (1 + sum(sizes[m.other] for m in meets[i])) for i in range(n)]
    hardest = sorted(range(n), key=lambda i: -weight[i])

    near = [{m.other for m in row} for row in meets]

    def descend(
        known: Mapping[int, int], put: int, height: int, floor: int, *, ordered: bool
    ) -> None:
        """With one more in its place; those that do not meet it keep the lowest gap known."""
        nonlocal best, top, left
        if not known:
            best, top = list(at), height
            return
        if left <= 0 or top <= bound:
            return
        left -= len(known)
        lowest = {}
        for i, low in known.items():
            lowest[i] = _lowest_gap(i, at, meets) if i in near[put] else low
            if lowest[i] + sizes[i] >= top:
                return  # what is placed later lies no lower
        for i, low in lowest.items():
            if low < floor:
                continue
            at[i] = low
            rest = {k: v for k, v in lowest.items() if k != i}
            descend(rest, i, max(height, low + sizes[i]), low if ordered else 0, ordered=ordered)
            at[i] = -1

    # what is hard first finds good packings soon; then, as offsets that do not fall describe every
    # pushed-down packing once, those are gone through
    for ordered in (False, True):
        left = tries // 2
        descend(dict.fromkeys(hardest, 0), hardest[0], 0, 0, ordered=ordered)
    return best
