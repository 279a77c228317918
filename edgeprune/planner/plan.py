"""Where every value lives in the arena: the plan, and what it is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgeprune.ir import Span


@dataclass(frozen=True)
class Share:
    """That a buffer may share memory with one that ends in the step in which it begins.

    Attributes:
        buffer: that one's name.
        lead: bytes by which it must begin before that one, at the least; less than none: behind it.
        exact: whether it must be just as many.
    """

    buffer: str
    lead: int
    exact: bool = False


@dataclass(frozen=True)
class Buffer:
    """A stretch of memory that is needed from one step to another.

    Attributes:
        name: the value that lives there (or "node:scratch", or :func:`aside` of a value).
        nbytes: its size.
        first: the step in which it is written (-1: before the first).
        last: the last step in which it is needed, inclusive.
        over: what it may share memory with; None: nothing.
    """

    name: str
    nbytes: int
    first: int
    last: int
    over: Share | None = None

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
        home: for each activation, the buffer that it lives in (views share their operand's).
        arena_bytes: size of the arena.
        lower_bound_bytes: the largest sum of what is alive in one step: no plan of this order
            needs less.
        steps: for each step, the node's name and the bytes that are alive.
        span: the nodes that run by rows, neighbours in the order; None: every node runs once.
        kept: buffers that lie in no arena but where a state is kept, and which (its input): the
            state itself, and what it becomes, if that is written when nothing reads it any more.
        within: by activation that begins behind its buffer, so many bytes.
    """

    order: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    offsets: Mapping[str, int]
    home: Mapping[str, str]
    arena_bytes: int
    lower_bound_bytes: int
    steps: tuple[tuple[str, int], ...]
    span: Span | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    within: Mapping[str, int] = field(default_factory=dict)

    def offset_of(self, value: str) -> int:
        """Where an activation lives."""
        return self.offsets[self.home[value]] + self.within.get(value, 0)

    def has_place(self, value: str) -> bool:
        """Whether an activation lies in the arena: no input that is read by rows does."""
        return self.home[value] in self.offsets


def aside(value: str) -> str:
    """The name of the buffer of those rows of a value that stay from turn to turn."""
    return f"{value}:rows"


def live_bytes(buffers: Sequence[Buffer], step: int, align: int) -> int:
    """Bytes that are needed in a step, each buffer rounded up to the alignment."""
    alive = {b.name: b for b in buffers if b.first <= step <= b.last}
    total = sum(round_up(b.nbytes, align) for b in alive.values())
    for b in alive.values():
        if b.over is not None and b.over.buffer in alive:
            total -= saved(alive[b.over.buffer].nbytes, b.nbytes, b.over.lead, align)
    return total


def saved(under: int, result: int, lead: int, align: int) -> int:
    """Bytes that a result saves by lying over what it is made of, as far as that goes."""
    below, above, before = (round_up(n, align) for n in (under, result, lead))
    together = max(below, above - before) + max(before, 0)
    return max(below + above - together, 0)


def round_up(n: int, align: int) -> int:
    """The next multiple of ``align``."""
    return -(-n // align) * align
