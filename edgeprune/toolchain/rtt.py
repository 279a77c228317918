"""A line through a debug probe: rings in a core's memory, in SEGGER's Real Time Transfer layout.

``targets/_firmware/rtt.c`` is the other end. Whoever reads and writes memory while the core runs
can talk with it; what lies there is not trusted.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from edgeprune.errors import EdgePruneError

ID = b"SEGGER RTT".ljust(16, b"\0")
MOST_RING = 1 << 16
PIECE = 1024  # bytes that are looked through at once
PAUSE_S = 0.005  # while there is nothing to read, and nowhere to write
PATIENCE_S = 1.0  # with a core that does not read
START_S = 5.0  # that a board may take to its self-test
_COUNTS = struct.Struct("<II")
_RING = struct.Struct("<IIIIII")  # name, bytes, size, offsets written and read, flags
_WRITTEN, _READ = 12, 16


class Memory(Protocol):
    """Of a core that runs, such as pyocd's targets."""

    def read_memory_block8(self, addr: int, size: int) -> Sequence[int]:
        """Bytes from an address on."""

    def write_memory_block8(self, addr: int, data: Sequence[int]) -> object:
        """Put bytes there."""


def _awaited(memory: Memory, start: int, size: int) -> int | None:
    """Where the rings lie; a board that was just reset has none yet."""
    deadline = time.monotonic() + START_S
    at = _found(memory, start, size)
    while at is None and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
        at = _found(memory, start, size)
        if at is not None:
            time.sleep(PAUSE_S)  # start-up code may be in the middle of them
    return at


@dataclass(frozen=True)
class _Ring:
    """One direction: where its offsets lie, and its bytes."""

    memory: Memory
    address: int
    start: int
    size: int

    def offsets(self) -> tuple[int, int]:
        """Written and read."""
        raw = bytes(self.memory.read_memory_block8(self.address + _WRITTEN, 8))
        written, read = _COUNTS.unpack(raw)
        if max(written, read) >= self.size:
            return 0, 0  # the board is being reset
        return written, read

    def move(self, which: int, offset: int) -> None:
        """Say how far one side has come."""
        self.memory.write_memory_block8(self.address + which, list(offset.to_bytes(4, "little")))


class Line:
    """A line, see :class:`edgeprune.toolchain.line.Port`.

    Args:
        memory: of the core.
        ram: where its RAM begins, and its bytes.
        where: the line's name, in messages.

    Raises:
        EdgePruneError: no rings lie in the RAM.
    """

    def __init__(self, memory: Memory, ram: tuple[int, int], where: str) -> None:
        at = _awaited(memory, *ram)
        hint = "was `edgeprune flash --probe` run, and does the board run?"
        if at is None:
            what = f"no self-test was found in {ram[1]:,} bytes of RAM from {ram[0]:#x} on"
            raise EdgePruneError(where, what, hint)
        ups, downs = _COUNTS.unpack(bytes(memory.read_memory_block8(at + len(ID), _COUNTS.size)))
        if not (1 <= ups <= 16 and downs >= 1):
            raise EdgePruneError(where, f"the self-test has {ups} rings up and {downs} down", hint)
        first = at + len(ID) + _COUNTS.size
        self._up = _ring(memory, first, where)
        self._down = _ring(memory, first + ups * _RING.size, where)

    def read(self, size: int) -> bytes:
        """Up to so many bytes, after a short while at the latest."""
        up = self._up
        written, read = up.offsets()
        if written == read:
            time.sleep(PAUSE_S)
            return b""
        end = written if written > read else up.size
        count = min(size, end - read)
        got = bytes(up.memory.read_memory_block8(up.start + read, count))
        up.move(_READ, (read + count) % up.size)
        return got

    def write(self, data: bytes) -> None:
        """Send bytes; what a core does not read in time is lost, as on any line."""
        down, deadline = self._down, time.monotonic() + PATIENCE_S
        while data and time.monotonic() < deadline:
            written, read = down.offsets()
            free = (read - written - 1) % down.size
            count = min(len(data), free, down.size - written)
            if count == 0:
                time.sleep(PAUSE_S)
                continue
            down.memory.write_memory_block8(down.start + written, list(data[:count]))
            down.move(_WRITTEN, (written + count) % down.size)
            data = data[count:]


def _found(memory: Memory, start: int, size: int) -> int | None:
    """Where the control block lies."""
    kept = b""
    for offset in range(0, size, PIECE):
        piece = bytes(memory.read_memory_block8(start + offset, min(PIECE, size - offset)))
        at = (kept + piece).find(ID)
        if at >= 0:
            return start + offset - len(kept) + at
        kept = piece[-len(ID) + 1 :]
    return None


def _ring(memory: Memory, address: int, where: str) -> _Ring:
    raw = bytes(memory.read_memory_block8(address, _RING.size))
    _, start, size, *_ = _RING.unpack(raw)
    if not 2 <= size <= MOST_RING:
        raise EdgePruneError(where, f"the self-test has a ring of {size:,} bytes", "flash it again")
    return _Ring(memory, address, start, size)
