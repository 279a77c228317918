"""A flatbuffer reader that trusts nothing: every offset, length and count is checked first."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from edgeprune.errors import EdgePruneError
from edgeprune.ir import Array


class Buffer:
    """The bytes of one file, and how much may still be read of them.

    Objects of a flatbuffer may be shared, so that a small file can describe a huge one; every
    element that is read is counted, and a file that is read many times over is refused.

    Args:
        name: how messages call the file.
        data: the whole file.
    """

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.left = 8 * len(data) + 4096

    def bad(self, at: int, what: str) -> EdgePruneError:
        """The error for a place in the file."""
        hint = "export or download it again"
        return EdgePruneError(self.name, f"is no valid TFLite file: {what} at byte {at}", hint)

    def unpack(self, kind: str, at: int) -> Any:
        """One little-endian number; ``kind`` as in :mod:`struct`."""
        size = struct.calcsize(kind)
        if not 0 <= at <= len(self.data) - size:
            raise self.bad(at, "an offset leads out of the file")
        return struct.unpack_from("<" + kind, self.data, at)[0]

    def spend(self, count: int, at: int) -> None:
        """Count elements that are read."""
        self.left -= count
        if self.left < 0:
            raise self.bad(at, "the same parts are used too often")

    def follow(self, at: int) -> int:
        """Where the offset at that place leads."""
        target = at + int(self.unpack("I", at))
        if target >= len(self.data):
            raise self.bad(at, "an offset leads out of the file")
        return target

    def vector(self, at: int, element_bytes: int) -> tuple[int, int]:
        """(place of the first element, count) of the vector at that place."""
        count = int(self.unpack("I", at))
        if count * element_bytes > len(self.data) - at - 4:
            raise self.bad(at, f"a list of {count} elements does not fit in the file")
        self.spend(count + 1, at)
        return at + 4, count

    def root(self) -> Table:
        """The root table."""
        return Table(self, self.follow(0))


class Table:
    """One table: fields by their number in the schema, absent ones by their default."""

    def __init__(self, buffer: Buffer, at: int) -> None:
        self.buffer = buffer
        self.at = at
        self.vtable = at - int(buffer.unpack("i", at))
        self.vtable_bytes = int(buffer.unpack("H", self.vtable))
        buffer.spend(4, at)

    def _field(self, number: int) -> int:
        """Where a field is; 0 if absent."""
        slot = 4 + 2 * number
        if slot + 2 > self.vtable_bytes:
            return 0
        offset = int(self.buffer.unpack("H", self.vtable + slot))
        return self.at + offset if offset else 0

    def number(self, field: int, kind: str, default: float = 0) -> Any:
        """A scalar; ``kind`` as in :mod:`struct`."""
        at = self._field(field)
        return self.buffer.unpack(kind, at) if at else default

    def flag(self, field: int, default: bool = False) -> bool:
        """A boolean."""
        return bool(self.number(field, "B", int(default)))

    def table(self, field: int) -> Table | None:
        """A table inside."""
        at = self._field(field)
        return Table(self.buffer, self.buffer.follow(at)) if at else None

    def tables(self, field: int) -> list[Table]:
        """A list of tables."""
        at = self._field(field)
        if not at:
            return []
        first, count = self.buffer.vector(self.buffer.follow(at), 4)
        return [Table(self.buffer, self.buffer.follow(first + 4 * i)) for i in range(count)]

    def array(self, field: int, dtype: str) -> Array | None:
        """A list of numbers, as a view of the file; None if absent."""
        at = self._field(field)
        if not at:
            return None
        kind = np.dtype(dtype).newbyteorder("<")
        first, count = self.buffer.vector(self.buffer.follow(at), kind.itemsize)
        return np.frombuffer(self.buffer.data, kind, count, first)

    def ints(self, field: int) -> tuple[int, ...]:
        """A list of 32-bit integers; empty if absent."""
        found = self.array(field, "i4")
        return () if found is None else tuple(found.tolist())

    def text(self, field: int) -> str:
        """A string; bytes that are no UTF-8 are replaced."""
        found = self.array(field, "u1")
        return "" if found is None else found.tobytes().decode("utf-8", "replace")
