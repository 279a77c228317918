"""Offsets: buffers that are alive together must not overlap, and the arena shall be small."""

from __future__ import annotations

from collections.abc import Sequence

from edgeprune.planner.plan import Buffer, live_bytes, round_up

SEARCH_NODES = 50_000
"""Placements that the search tries before it takes what it has."""


def place(
    buffers: Sequence[Buffer],
    *,
    align: int = 4,
    nodes: int = SEARCH_NODES,
    below: int | None = None,
) -> list[int]:
    """Give every buffer an offset; the smallest arena that a bounded search finds.

    Greedy by size first (Pisarchyk and Lee 2020, arXiv:2001.03288), and by length of life. Where
    neither reaches the lower bound, branch and bound over the order in which buffers are placed at
    the lowest gap that fits: some order gives an optimal packing, because every optimal packing
    can be pushed down until each buffer rests on another one.

    Args:
        buffers: sizes in bytes and the steps in which they are needed.
        align: every offset is a multiple of this many bytes; a power of two.
        nodes: how many placements the search may try; 0: the greedy ones only.
        below: arenas of this size and more are of no use; None: any is.

    Returns:
        Offsets in bytes, in the order of ``buffers``.
    """
    n = len(buffers)
    sizes = [round_up(b.nbytes, align) for b in buffers]
    meets = [[j for j in range(n) if j != i and buffers[i].meets(buffers[j])] for i in range(n)]
    steps = sorted({b.first for b in buffers})
    bound = max((live_bytes(buffers, s, align) for s in steps), default=0)
    orders = [
        sorted(range(n), key=lambda i: (-sizes[i], buffers[i].first)),
        sorted(range(n), key=lambda i: (buffers[i].first, -sizes[i])),
        sorted(range(n), key=lambda i: (buffers[i].first - buffers[i].last, -sizes[i])),
    ]
    tried = [_stack(o, sizes, meets) for o in orders]
    best = min(tried, key=lambda t: _height(t, sizes))
    if nodes and _height(best, sizes) > bound:
        best = _search(sizes, meets, bound, best, nodes, below)
    return best


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


def _height(at: Sequence[int], sizes: Sequence[int]) -> int:
    return max((a + s for a, s in zip(at, sizes, strict=True)), default=0)


def _search(
    sizes: Sequence[int],
    meets: list[list[int]],
    bound: int,
    best: list[int],
    nodes: int,
    below: int | None,
) -> list[int]:
    """Depth first over orders of placement; cuts what cannot beat the best plan."""
    n = len(sizes)
    at = [-1] * n
    top = min(_height(best, sizes), below or _height(best, sizes))
    left = nodes
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
            low = _lowest_gap(i, at, sizes, meets)
            # offsets in non-decreasing order describe every pushed-down packing once
            if low < floor or low + sizes[i] >= top:
                continue
            left -= 1
            at[i] = low
            descend(placed + 1, max(height, low + sizes[i]), low)
            at[i] = -1

    descend(0, 0, 0)
    return best
