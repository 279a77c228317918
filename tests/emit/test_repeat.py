"""Calls that repeat become loops, and what runs is what was written out."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edgeprune.emit.to_c.repeat import Rolled, rolled

SEEDS = range(60)


def written_out(lines: list[str], data: list[str]) -> list[str]:
    """What a C compiler would run, loops unrolled and tables looked up; marks are left out."""
    tables = {
        m[1]: [int(v.strip().rstrip("u")) for v in m[2].split(",")]
        for text in data
        for m in [re.search(r" (\w+)\[\d+\] = {(.*)}", text.replace("\n", " "))]
        if m
    }
    made: list[str] = []
    body: list[str] | None = None
    count = 0
    for line in (line.strip() for line in lines):
        head = re.match(r"for \(int32_t turn = 0; turn < (\d+); turn\+\+\) {", line)
        if head:
            body, count = [], int(head[1])
        elif line == "}":
            assert body is not None
            for turn in range(count):
                made += [spelled(b, turn, tables) for b in body]
            body = None
        elif not line.startswith("EP_PROFILE"):
            (made if body is None else body).append(line)
    return made


def spelled(line: str, turn: int, tables: dict[str, list[int]]) -> str:
    line = re.sub(r"(\w+)\[turn\]", lambda m: str(tables[m[1]][turn]), line)
    return re.sub(
        r"\((\d+) ([+-]) (\d+) \* turn\)",
        lambda m: str(int(m[1]) + (1 if m[2] == "+" else -1) * int(m[3]) * turn),
        line,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_loops_run_the_calls_that_they_stand_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    calls: list[tuple[str, ...]] = []
    while len(calls) < 60:
        some = [f"f{rng.integers(4)}" for _ in range(int(rng.integers(1, 6)))]
        for turn in range(int(rng.integers(1, 9))):
            for name in some:
                at = (4000 - 40 * turn, 40 * turn, 7, int(rng.choice([5, 70000])))
                arguments = f"arena_ + {rng.choice(at)}, input + {rng.choice(at)}"
                calls.append(
                    (f"    EP_PROFILE({len(calls)}); /* a + 3 */", f"    {name}({arguments});")
                )
    made = rolled(calls, "m")
    assert written_out(made.lines, made.data) == [c[1].strip() for c in calls]
    marks = list(map(int, re.findall(r"EP_PROFILE\((\d+)\)", "".join(made.lines))))
    assert marks == sorted(set(marks)), "each once, in their order"
    assert set(made.under) == set(range(len(calls))) - set(marks), "all others stand for one"
    for mark, first in made.under.items():
        assert first in marks
        assert calls[first][1].split("(")[0] == calls[mark][1].split("(")[0]


def test_steps_of_a_sequence_are_one_loop_without_tables() -> None:
    calls = [
        (
            f"    EP_PROFILE({2 * t + k});",
            f"    f{k}(&p, arena_ + {64 * t}, arena_ + {900 - 64 * k});",
        )
        for t in range(12)
        for k in range(2)
    ]
    made = rolled(calls, "m")
    assert not made.data
    assert len(made.lines) == 6, "a loop of two calls and their marks"
    assert "arena_ + (0 + 64 * turn)" in made.lines[2]
    assert made.under == {i: i % 2 for i in range(2, 24)}


def test_what_comes_twice_by_chance_stays_as_it_is() -> None:
    calls = [(f"    EP_PROFILE({i});", f"    f(arena_ + {i * i});") for i in range(2)]
    assert rolled(calls, "m") == Rolled([line for c in calls for line in c])


def test_tables_lie_in_the_address_space_of_the_constants() -> None:
    """RAM is scarce where flash has one of its own."""
    places = (3, 500, 20, 310, 7, 44, 90, 1000, 12, 8)
    calls = [(f"    EP_PROFILE({i});", f"    f(arena_ + {at});") for i, at in enumerate(places)]
    made = rolled(calls, "m", "__flash")
    assert written_out(made.lines, made.data) == [c[1].strip() for c in calls]
    assert [text.split("[")[0] for text in made.data] == [
        "static const __flash uint16_t m_turns0_0"
    ]
