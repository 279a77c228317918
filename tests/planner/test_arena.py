"""Arena plans: nothing that is alive together overlaps, and no plan is worse than greedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeprune.planner import arena
from edgeprune.planner.arena import place
from edgeprune.planner.plan import Buffer, Share, live_bytes

buffers = st.lists(
    st.tuples(st.integers(1, 64), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=9
).map(
    lambda rows: [
        Buffer(f"b{i}", 4 * size, first, first + length)
        for i, (size, first, length) in enumerate(rows)
    ]
)


def height(offsets: list[int], items: list[Buffer]) -> int:
    return max(o + b.nbytes for o, b in zip(offsets, items, strict=True))


@given(buffers)
@settings(deadline=None, max_examples=200)
def test_buffers_that_are_alive_together_never_overlap(items: list[Buffer]) -> None:
    at = place(items)
    for i, a in enumerate(items):
        assert at[i] >= 0
        assert at[i] % 4 == 0
        for j in range(i):
            b = items[j]
            if a.meets(b):
                assert at[i] + a.nbytes <= at[j] or at[j] + b.nbytes <= at[i]


@given(buffers)
@settings(deadline=None, max_examples=100)
def test_the_arena_is_at_least_the_lower_bound(items: list[Buffer]) -> None:
    bound = max(live_bytes(items, step, 4) for step in range(12))
    assert height(place(items), items) >= bound


def stacked(order: tuple[int, ...], items: list[Buffer]) -> int:
    at: dict[int, int] = {}
    for i in order:
        taken = sorted((at[j], at[j] + items[j].nbytes) for j in at if items[j].meets(items[i]))
        low = 0
        for start, end in taken:
            if start - low >= items[i].nbytes:
                break
            low = max(low, end)
        at[i] = low
    return max(at[i] + items[i].nbytes for i in at)


@given(buffers.filter(lambda rows: len(rows) <= 6))
@settings(deadline=None, max_examples=60)
def test_small_problems_are_solved_exactly(items: list[Buffer]) -> None:
    best = min(stacked(order, items) for order in permutations(range(len(items))))
    assert height(place(items), items) == best


def problems(count: int) -> Iterator[list[Buffer]]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        rows = [(rng.integers(1, 64), rng.integers(0, 7), rng.integers(0, 4)) for _ in range(7)]
        yield [Buffer(f"b{i}", 4 * int(n), int(a), int(a + k)) for i, (n, a, k) in enumerate(rows)]


def heights(monkeypatch: pytest.MonkeyPatch, *without: str) -> list[int]:
    """Of arenas that are found without some of the searches."""
    off = {"_in_time": lambda *_: None, "_search": lambda *given: given[3]}
    arena._place.cache_clear()
    with monkeypatch.context() as patch:
        for name in without:
            patch.setattr(arena, name, off[name])
        found = [height(place(items), items) for items in problems(60)]
    arena._place.cache_clear()
    return found


def test_each_search_finds_what_the_greedy_plans_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = heights(monkeypatch, "_in_time", "_search")
    in_time, search = heights(monkeypatch, "_search"), heights(monkeypatch, "_in_time")
    bounds = [max(live_bytes(p, step, 4) for step in range(12)) for p in problems(60)]
    for found, bound, items in zip(search, bounds, problems(60), strict=True):
        assert found == bound or found == min(stacked(o, items) for o in permutations(range(7)))
    assert all(a <= b for a, b in zip(search, greedy, strict=True))
    assert all(a <= b for a, b in zip(in_time, greedy, strict=True))
    assert search != greedy != in_time


def sharing(count: int) -> Iterator[list[Buffer]]:
    """Problems of eighteen buffers, most of which live for a step or two, and some share memory."""
    rng = np.random.default_rng(1)
    for _ in range(count):
        rows = zip(rng.integers(1, 64, 18), rng.integers(0, 12, 18), strict=True)
        items = [
            Buffer(f"b{i}", 4 * int(size), int(first), int(first + rng.choice([0, 0, 1, 2, 5])))
            for i, (size, first) in enumerate(rows)
        ]
        yield shares(items, rng.integers(0, 1000, 18).tolist())


@pytest.mark.parametrize(
    ("without", "most"),
    [
        (("_in_time", "_search"), 4296),
        (("_in_time",), 3884),
        (("_search",), 3216),
        ((), 3108),
    ],
)
def test_searches_of_few_steps_come_as_near_to_the_bound_as_they_did(
    without: tuple[str, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = {"_in_time": lambda *_: None, "_search": lambda *given: given[3]}
    for name in without:
        monkeypatch.setattr(arena, name, off[name])
    arena._place.cache_clear()
    spare = 0
    for items in sharing(100):
        bound = max(live_bytes(items, step, 4) for step in range(20))
        spare += height(place(items, tries=2000), items) - bound
    arena._place.cache_clear()
    assert spare <= most


@given(st.lists(st.tuples(st.integers(1, 64), st.integers(0, 16)), min_size=2, max_size=40))
@settings(deadline=None, max_examples=60)
def test_a_chain_takes_what_is_alive_at_once_without_a_search(rows: list[tuple[int, int]]) -> None:
    values = [Buffer(f"v{i}", 4 * size, i - 1, i) for i, (size, _) in enumerate(rows)]
    scratch = [Buffer(f"s{i}", 4 * size, i, i) for i, (_, size) in enumerate(rows) if size]
    items = values + scratch
    bound = max(live_bytes(items, step, 4) for step in range(-1, len(rows)))
    assert height(place(items, tries=0), items) == bound


def test_a_search_ends_after_so_many_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    gap = arena._lowest_gap

    def counted(*args: Any) -> int:
        nonlocal looked
        looked += 1
        return gap(*args)

    monkeypatch.setattr(arena, "_lowest_gap", counted)
    rng = np.random.default_rng(0)
    sizes, begins = rng.integers(1, 64, 60).tolist(), rng.integers(0, 40, 60).tolist()
    rows = zip(sizes, begins, strict=True)
    items = [Buffer(f"b{i}", 4 * size, a, a + i % 7) for i, (size, a) in enumerate(rows)]
    place(items, tries=500)
    assert looked <= 500 + 9 * len(items)  # of these, seven a buffer are the greedy plans'


def shares(items: list[Buffer], draw: list[int]) -> list[Buffer]:
    """Some buffers may share memory with one that ends where they begin."""
    found = []
    for b, k in zip(items, draw, strict=True):
        ends = [a for a in items if a is not b and a.last == b.first > a.first]
        taken = {c.over.buffer for c in found if c.over}
        free = [a for a in ends if a.name not in taken]
        over = Share(free[k % len(free)].name, k % 90, k % 3 == 0) if free and k % 4 else None
        found.append(replace(b, over=over))
    return found


@given(buffers, st.lists(st.integers(0, 1000), min_size=9, max_size=9))
@settings(deadline=None, max_examples=300)
def test_what_may_share_memory_begins_far_enough_before_what_it_shares_with(
    items: list[Buffer], draw: list[int]
) -> None:
    items = shares(items, draw[: len(items)])
    at = dict(zip((b.name for b in items), place(items), strict=True))
    for a in items:
        for b in items:
            if a is b or not a.meets(b):
                continue
            apart = at[a.name] + a.nbytes <= at[b.name] or at[b.name] + b.nbytes <= at[a.name]
            if a.over is not None and a.over.buffer == b.name:
                ahead = at[b.name] - at[a.name]
                assert apart or ahead == a.over.lead or (ahead > a.over.lead and not a.over.exact)
            elif b.over is None or b.over.buffer != a.name:
                assert apart
    assert max(at[b.name] + b.nbytes for b in items) >= max(
        live_bytes(items, step, 4) for step in range(12)
    )


def test_a_result_that_grows_takes_its_operand_in() -> None:
    x, y = Buffer("x", 100, 0, 1), Buffer("y", 160, 1, 2, Share("x", 60))
    assert place([x, y]) == [60, 0]
    assert live_bytes([x, y], 1, 4) == 160
    assert place([x, replace(y, over=Share("x", 80, exact=True))]) == [80, 0]
    assert place([x, replace(y, over=Share("x", 82, exact=True))]) in ([0, 100], [160, 0])


def test_what_meets_may_be_as_near_as_its_very_last_byte() -> None:
    meeting = arena._Meeting(0, before=12, behind=8, at=-4)
    allowed = [p for p in range(0, 80, 4) if arena._fits(p, [meeting], [40])]
    assert allowed == [*range(0, 40 - 12 + 1, 4), 40 - 4, *range(40 + 8, 80, 4)]


def test_every_other_buffer_lies_as_far_up_as_it_goes_below_the_bound() -> None:
    sizes = [8, 12, 16, 20, 4]
    items = [Buffer(f"b{i}", size, 0, 0) for i, size in enumerate(sizes)]
    meets = arena._meetings(items, sizes, 4)
    at = arena._from_both_ends(range(5), sizes, meets, 100)
    assert at == [0, 100 - 12, 8, 100 - 12 - 20, 8 + 16]
