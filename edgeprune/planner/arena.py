"""Offsets: buffers that are alive together must not overlap, and the arena shall be small."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from edgeprune.planner.plan import Buffer, live_bytes, round_up

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
    lives = tuple((round_up(b.nbytes, align), b.first, b.last) for b in buffers)
    bound = max((live_bytes(buffers, s, align) for s in {b.first for b in buffers}), default=0)
    return list(_place(lives, bound, tries, below))


@lru_cache(maxsize=256)
def _place(
    lives: tuple[tuple[int, int, int], ...], bound: int, tries: int, below: int | None
) -> tuple[int, ...]:
    """The same of sizes and lives: forms of one network differ in neither.

    Args:
        lives: size, first and last step of every buffer.
        bound: bytes that no plan can go below.
        tries: as above.
        below: as above.
    """
    n = len(lives)
    sizes, first, last = ([life[k] for life in lives] for k in range(3))
    meets = [
        [j for j in range(n) if j != i and first[i] <= last[j] and first[j] <= last[i]]
        for i in range(n)
    ]
    orders = [
        sorted(range(n), key=lambda i: (-sizes[i], first[i])),
        sorted(range(n), key=lambda i: (first[i], -sizes[i])),
        sorted(range(n), key=lambda i: (first[i] - last[i], -sizes[i])),
    ]
    tried = [_stack(o, sizes, meets) for o in orders]
    # what lives for one step goes in between
    ends = sorted(range(n), key=lambda i: (first[i] == last[i], first[i]))
    tried.append(_from_both_ends(ends, sizes, meets, bound))
    best = min(tried, key=lambda t: _height(t, sizes))
    if tries and _height(best, sizes) > bound:
        best = _search(sizes, meets, bound, best, tries, below)
    return tuple(best)


def _lowest_gap(i: int, at: Sequence[int], sizes: Sequence[int], meets: list[list[int]]) -> int:
    placed = sorted((at[j], at[j] + sizes[j]) for j in meets[i] if at[j] >= 0)
    low = 0
    for start, end in placed:
        if start - low >= sizes[i]:
            break
        low = max(low, end)
    return low


def _stack(order: Sequence[int], sizes: Sequence[int], meets: list[list[int]]) -> list[int]:
    at = [-1] * len(sizes)
    for i in order:
        at[i] = _lowest_gap(i, at, sizes, meets)
    return at


def _from_both_ends(
    order: Sequence[int], sizes: Sequence[int], meets: list[list[int]], bound: int
) -> list[int]:
    """Every other buffer as far up as it goes below the bound, the others as far down.

    Of a chain no more than two values are needed in a step: they never want the same end.
    """
    at = [-1] * len(sizes)
    for turn, i in enumerate(order):
        at[i] = _lowest_gap(i, at, sizes, meets)
        if turn % 2:
            # what sticks out keeps all of its size below the bound: nothing is put on it
            placed = zip(at, sizes, strict=True)
            mirrored = [max(bound - a - s, 0) if a >= 0 else -1 for a, s in placed]
            high = bound - sizes[i] - _lowest_gap(i, mirrored, sizes, meets)
            at[i] = high if high >= 0 else at[i]
    return at


def _height(at: Sequence[int], sizes: Sequence[int]) -> int:
    return max((a + s for a, s in zip(at, sizes, strict=True)), default=0)


def _search(
    sizes: Sequence[int],
    meets: list[list[int]],
    bound: int,
    best: list[int],
    tries: int,
    below: int | None,
) -> list[int]:
    """Depth first over orders of placement; cuts what cannot beat the best plan."""
    n = len(sizes)
    at = [-1] * n
    top = min(_height(best, sizes), below or _height(best, sizes))
    left = tries
    # conflicts first: what meets most bytes is hardest to place later
    weight = [sizes[i] * (1 + sum(sizes[j] for j in meets[i])) for i in range(n)]
    hardest = sorted(range(n), key=lambda i: -weight[i])

    def descend(placed: int, height: int, floor: int) -> None:
        nonlocal best, top, left
        if placed == n:
            best, top = list(at), height
            return
        for i in hardest:
            if left <= 0 or top <= bound:
                return
            if at[i] >= 0:
                continue
            left -= 1
            low = _lowest_gap(i, at, sizes, meets)
            # offsets in non-decreasing order describe every pushed-down packing once
            if low < floor or low + sizes[i] >= top:
                continue
            at[i] = low
            descend(placed + 1, max(height, low + sizes[i]), low)
            at[i] = -1

    descend(0, 0, 0)
    return best
