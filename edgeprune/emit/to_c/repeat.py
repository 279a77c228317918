"""Calls that come again and again become loops.

A recurrent layer reaches the emitter written out over its steps. What one step does is what the
next one does, but for places in memory: the same functions with the same parameters and weights.
Wherever statements repeat so, they are written once, in a loop over the turns; a number that
changes by the same step from turn to turn is computed, any other is looked up in a small table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from edgeprune.emit.to_c.writer import array

Lines = tuple[str, ...]
"""Statements of one call, its mark for profilers first."""

CALL_BYTES = 24
"""Of the code of a call, about."""
LOOP_BYTES = 32
"""Of the code of a loop, about."""
LONGEST = 512
"""Calls of one turn, at most."""

_NUMBER = re.compile(r"(?<=\+ )\d+")
_MARK = re.compile(r"EP_PROFILE\((\d+)\);.*")


@dataclass(frozen=True)
class Form:
    """A call without what may differ from turn to turn.

    Attributes:
        text: its statements, with a place for each number; its mark is left out.
        numbers: offsets in bytes or elements, in the order of the places.
    """

    text: str
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, lines: Lines) -> Form:
        """From its statements."""
        text = "\n".join(_MARK.sub("", line) for line in lines)
        return cls(_NUMBER.sub("@", text), tuple(map(int, _NUMBER.findall(text))))


@dataclass(frozen=True)
class Repeat:
    """Calls that come ``count`` times, ``period`` calls each time, from the call ``start`` on."""

    start: int
    period: int
    count: int

    @property
    def end(self) -> int:
        """The first call behind it."""
        return self.start + self.period * self.count


@dataclass(frozen=True)
class Rolled:
    """What calls became.

    Attributes:
        lines: statements.
        data: C text of the tables of the loops.
        under: by mark that is not written, the one of the first turn, which stands for it.
    """

    lines: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    under: dict[int, int] = field(default_factory=dict)


def rolled(calls: Sequence[Lines], name: str, space: str = "") -> Rolled:
    """The statements of calls with loops where they repeat.

    Args:
        calls: in the order in which they run.
        name: what names of tables begin with.
        space: address space of tables, e.g. AVR's "__flash".
    """
    forms = [Form.of(lines) for lines in calls]
    texts = {text: i for i, text in enumerate(dict.fromkeys(f.text for f in forms))}
    kinds = np.array([texts[f.text] for f in forms], np.int64)

    def saves(found: Repeat) -> int:
        turns = [forms[i] for i in range(found.start, found.end)]
        tables = {c for c in _columns(turns, found.period) if _step(c) is None}
        saved = (found.count - 1) * found.period * CALL_BYTES
        return saved - LOOP_BYTES - sum(map(_bytes_of, tables))

    made = Rolled()
    at = 0
    for found in repeats(kinds, saves):
        made.lines.extend(line for call in calls[at : found.start] for line in call)
        at = found.end
        some = slice(found.start, found.end)
        table = f"{name}_turns{len(made.data)}"
        loop, tables = _loop(calls[some], forms[some], found, table, space)
        made.lines.extend(loop)
        made.data.extend(tables)
        marks = [_marks(call) for call in calls[some]]
        for i, own in enumerate(marks[found.period :]):
            made.under.update(zip(own, marks[i % found.period], strict=True))
    made.lines.extend(line for call in calls[at:] for line in call)
    return made


def _marks(lines: Lines) -> list[int]:
    return [int(m[1]) for line in lines if (m := _MARK.search(line))]


Kinds = np.ndarray[tuple[int], np.dtype[np.int64]]


def repeats(kinds: Kinds, saves: Callable[[Repeat], int]) -> list[Repeat]:
    """The repeats that save most, none within another, in their order.

    Args:
        kinds: what comes one after the other; equal numbers are alike.
        saves: what a repeat is worth; nothing from 0 down.
    """
    found: list[Repeat] = []
    parts = [range(len(kinds))]
    while parts:
        part = parts.pop()
        best = _best(kinds, part, saves)
        if best is not None:
            found.append(best)
            parts += [range(part.start, best.start), range(best.end, part.stop)]
    return sorted(found, key=lambda r: r.start)


def _best(kinds: Kinds, part: range, saves: Callable[[Repeat], int]) -> Repeat | None:
    """The one in a part that saves most."""
    best, most = None, 0
    some = kinds[part.start : part.stop]
    for period in range(1, min(len(some) // 2, LONGEST) + 1):
        same = np.concatenate([[False], some[period:] == some[:-period], [False]])
        edges = np.flatnonzero(same[1:] != same[:-1])
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            found = Repeat(part.start + start, period, (end - start) // period + 1)
            if found.count > 1 and (found.count - 1) * period * CALL_BYTES > most:
                worth = saves(found)
                if worth > most:
                    best, most = found, worth
    return best


def _columns(forms: Sequence[Form], period: int) -> list[tuple[int, ...]]:
    """Of every place for a number in a turn: the numbers of all turns."""
    places = [range(len(f.numbers)) for f in forms[:period]]
    return [
        tuple(f.numbers[k] for f in forms[i::period]) for i, some in enumerate(places) for k in some
    ]


def _step(column: Sequence[int]) -> int | None:
    """By how much numbers change from one to the next; None: not always by the same."""
    steps = {b - a for a, b in pairwise(column)}
    return steps.pop() if len(steps) == 1 else None


def _wide(column: Sequence[int]) -> bool:
    return max(column) >= 1 << 16


def _bytes_of(column: Sequence[int]) -> int:
    return len(column) * (4 if _wide(column) else 2)


def _loop(
    calls: Sequence[Lines], forms: Sequence[Form], found: Repeat, name: str, space: str
) -> tuple[list[str], list[str]]:
    """A loop and its tables."""
    tables: dict[tuple[int, ...], str] = {}
    data: list[str] = []

    def spelled(column: tuple[int, ...]) -> str:
        step = _step(column)
        if step is not None:
            by = f" {'+' if step > 0 else '-'} {abs(step)} * turn"
            return f"({column[0]}{by})" if step else str(column[0])
        if column not in tables:
            tables[column] = f"{name}_{len(tables)}"
            kind = np.int32 if _wide(column) else np.uint16
            c_type = "int32_t" if _wide(column) else "uint16_t"
            data.append(array(tables[column], np.asarray(column, kind), c_type, space))
        return f"{tables[column]}[turn]"

    columns = iter([spelled(c) for c in _columns(forms, found.period)])
    body = []
    for lines, form in zip(calls[: found.period], forms, strict=False):
        text = re.sub("@", lambda _: next(columns), form.text).split("\n")
        marks = [line for line in lines if _MARK.search(line)]
        body += [*marks, *(line for line in text if line.strip())]
    head = f"    for (int32_t turn = 0; turn < {found.count}; turn++) {{"
    return [head, *(f"    {line}" for line in body), "    }"], data
