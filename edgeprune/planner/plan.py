"""Where every value lives in the arena: the plan, and what it is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Buffer:
    """A stretch of memory that is needed from one step to another.

    Attributes:
        name: the value that lives there (or "node:scratch").
        nbytes: its size.
        first: the step in which it is written (-1: before the first).
        last: the last step in which it is needed, inclusive.
    """

    name: str
    nbytes: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are needed in some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class MemoryPlan:
    """Order of execution and offsets in bytes.

    Attributes:
        order: names of the nodes as they run.
        buffers: every stretch of memory, scratch included.
        offsets: by buffer name.
        home: for each activation, the buffer that it lives in (aliases share one).
        arena_bytes: size of the arena.
        lower_bound_bytes: the largest sum of what is alive in one step: no plan of this order
            needs less.
        steps: for each step, the node's name and the bytes that are alive.
    """

    order: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    offsets: Mapping[str, int]
    home: Mapping[str, str]
    arena_bytes: int
    lower_bound_bytes: int
    steps: tuple[tuple[str, int], ...]

    def offset_of(self, value: str) -> int:
        """Where an activation lives."""
        return self.offsets[self.home[value]]


def live_bytes(buffers: Sequence[Buffer], step: int, align: int) -> int:
    """Bytes that are needed in a step, each buffer rounded up to the alignment."""
    return sum(round_up(b.nbytes, align) for b in buffers if b.first <= step <= b.last)


def round_up(n: int, align: int) -> int:
    """The next multiple of ``align``."""
    return -(-n // align) * align
