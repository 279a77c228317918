"""Layers that run row by row through each other: which rows each makes when, and which are kept.

The first layer makes some rows in every turn, each of the others what it then has the rows for. No
row is made twice: those that are read again later stay (line buffers, as in fused-layer
accelerators: Alwani et al. 2016, https://doi.org/10.1109/MICRO.2016.7783725).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from edgeprune.ir.bands import Band
from edgeprune.ir.graph import Node

Step = tuple[range, Band]
"""Rows of a result, and how they are made."""


@dataclass(frozen=True)
class Turn:
    """One turn of the loop.

    Attributes:
        made: by node, the rows of its result that it makes, and how; those that make none are left
            out. What is made of sums over rows has one row, that which each turn adds to.
        held: by inner value, which of its rows there are from when it has been made in this turn
            until its last reader has run; those of them that the next turn holds stay.
    """

    made: Mapping[str, Step]
    held: Mapping[str, range]


class Moves(NamedTuple):
    """Rows of an inner value that move in a turn.

    Attributes:
        back: so many from where they lay aside, before more are made.
        below: when they have been read, those above so many rows
        left: move to where they stay, so many.
    """

    back: int
    below: int
    left: int


@dataclass(frozen=True, eq=False)
class Made:
    """What a node makes, turn by turn: one object for all spans in which it is the same.

    Attributes:
        steps: by turn, the rows and how they are made; None: none.
        ends: by turn, how many there are behind it; of a sum, how many have been added.
    """

    steps: tuple[Step | None, ...]
    ends: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Kept:
    """What there is of an inner value, turn by turn; one object likewise.

    Attributes:
        held: the rows, as in :class:`Turn`.
        used: whether it is made or read.
    """

    held: tuple[range, ...]
    used: tuple[bool, ...]

    @cached_property
    def height(self) -> int:
        """The most rows that there are at once."""
        return max(map(len, self.held))

    @cached_property
    def stays(self) -> tuple[int, ...]:
        """Rows that each turn leaves to the next one."""
        following = zip(self.held, self.held[1:], strict=False)
        return (*(max(now.stop - then.start, 0) for now, then in following), 0)

    @cached_property
    def lasting(self) -> int:
        """The most of these."""
        return max(self.stays)

    def moves(self, turn: int, *, aside: bool) -> Moves:
        """Which rows move in a turn."""
        if not self.used[turn]:
            return Moves(0, 0, 0)
        left = self.stays[turn]
        below = len(self.held[turn]) - left
        if aside:
            return Moves(self.stays[turn - 1] if turn else 0, below, left)
        return Moves(0, below, left if below else 0)

    @cached_property
    def moved(self) -> tuple[int, int]:
        """How many rows move in all turns: if they stay where they are read, and aside."""
        turns = range(len(self.held))
        found = ([self.moves(i, aside=aside) for i in turns] for aside in (False, True))
        here, aside = (sum(m.back + m.left for m in moves) for moves in found)
        return here, aside


@dataclass(frozen=True)
class Span:
    """Nodes that run by rows, in the order in which they run in each turn.

    Attributes:
        nodes: the last one's result is all that others read.
        made: by node, what it makes in each turn.
        kept: by inner value, those of which there are never more than some rows.
        most: by node, the rows that it makes in a turn, at the most,
        catches_up: or, in the end, so many more as it made less at first.
        aside: inner values whose rows that stay lie in a place of their own from turn to turn: what
            they take while they are made and read, others have in the meantime. Rows of others stay
            where they are read, at the beginning.
    """

    nodes: tuple[Node, ...]
    made: Mapping[str, Made]
    kept: Mapping[str, Kept]
    most: tuple[int, ...]
    catches_up: bool = False
    aside: frozenset[str] = frozenset()

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """In the order of time."""
        count = len(self.made[self.nodes[-1].name].steps)
        return tuple(
            Turn(
                {k: step for k, m in self.made.items() if (step := m.steps[i]) is not None},
                {v: kept.held[i] for v, kept in self.kept.items()},
            )
            for i in range(count)
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the nodes."""
        return frozenset(n.name for n in self.nodes)

    @property
    def result(self) -> str:
        """The value that is there as a whole in the end."""
        return self.nodes[-1].output

    @cached_property
    def inner(self) -> frozenset[str]:
        """Values of which there are never more than some rows."""
        return frozenset(self.kept)

    @cached_property
    def last_reader(self) -> Mapping[str, Node]:
        """Of each inner value; when it has run, rows that stay move to where they do."""
        return {v: n for n in self.nodes for v in n.inputs if v in self.inner}

    @cached_property
    def read(self) -> frozenset[str]:
        """Values from outside that are read row by row."""
        found: set[str] = set()
        for node in self.nodes:
            step = next((s for s in self.made[node.name].steps if s is not None), None)
            # a band reads rows of the same operands in every turn
            rows = zip(node.inputs, step[1].rows, strict=True) if step is not None else ()
            found |= {v for v, r in rows if r is not None}
        return frozenset(found - self.inner)

    @cached_property
    def sums(self) -> bool:
        """Whether the last node adds up rows as they come, from the first turn to the last."""
        steps = self.made[self.nodes[-1].name].steps
        return any(step is not None and step[1].part is not None for step in steps)

    def height(self, value: str) -> int:
        """The most rows of an inner value that there are at once."""
        return self.kept[value].height

    def stays(self, value: str, turn: int) -> int:
        """Rows of an inner value that a turn leaves to the next one."""
        return self.kept[value].stays[turn] if turn >= 0 else 0

    def moves(self, value: str, turn: int) -> Moves:
        """Which rows of an inner value move in a turn."""
        return self.kept[value].moves(turn, aside=value in self.aside)

    @cached_property
    def moved_rows(self) -> Mapping[str, int]:
        """How many rows of each inner value move in all turns."""
        return {v: self.kept[v].moved[v in self.aside] for v in self.lasting}

    @cached_property
    def lasting(self) -> Mapping[str, int]:
        """The most rows that stay from one turn to the next, by inner value of which any do."""
        return {v: kept.lasting for v, kept in self.kept.items() if kept.lasting}
