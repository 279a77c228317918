"""Options of custom operators: a FlexBuffer's map of numbers, read by one who trusts nothing.

Source: FlexBuffers' format (flatbuffers, ``docs/source/FlexBuffers.md``): the root is at the end,
its type and width behind it; a map is a vector of values, of their types, and in front of it where
its keys are.
"""

from __future__ import annotations

import struct

from edgeprune.errors import EdgePruneError

MAP, BOOL = 9, 26
INTEGERS = {1: "bhiq", 2: "BHIQ", BOOL: "BHIQ"}
"""By type: how a number of 1, 2, 4 and 8 bytes is unpacked."""
MOST = 64  # entries


class _Bytes:
    def __init__(self, data: bytes, where: str) -> None:
        self.data, self.where = data, where

    def bad(self) -> EdgePruneError:
        return EdgePruneError(self.where, "has options that are no map of numbers")

    def number(self, at: int, width: int, kinds: str = "BHIQ") -> int:
        """A number of so many bytes."""
        if width not in (1, 2, 4, 8) or not 0 <= at <= len(self.data) - width:
            raise self.bad()
        found: int = struct.unpack_from("<" + kinds[width.bit_length() - 1], self.data, at)[0]
        return found

    def behind(self, at: int, width: int) -> int:
        """Where the offset at that place leads: back."""
        return at - self.number(at, width)

    def text(self, at: int) -> str:
        """A key."""
        end = self.data.find(b"\0", max(at, 0))
        if at < 0 or end < 0:
            raise self.bad()
        return self.data[at:end].decode("utf-8", "replace")


def numbers(data: bytes, where: str) -> dict[str, int]:
    """Integers and booleans of a map, by their keys.

    Args:
        data: the whole buffer.
        where: the operator.

    Raises:
        EdgePruneError: it is something else, or malformed.
    """
    b = _Bytes(data, where)
    n = len(data)
    width = b.number(n - 1, 1)
    kind = b.number(n - 2, 1)
    if kind >> 2 != MAP:
        raise b.bad()
    values, width = b.behind(n - 2 - width, width), 1 << (kind & 3)
    count = b.number(values - width, width)
    keys, key_width = b.behind(values - 3 * width, width), b.number(values - 2 * width, width)
    if count > MOST:
        raise b.bad()
    found = {}
    for i in range(count):
        name = b.text(b.behind(keys + i * key_width, key_width))
        packed = b.number(values + count * width + i, 1)
        if packed >> 2 not in INTEGERS:
            raise b.bad()
        found[name] = b.number(values + i * width, width, INTEGERS[packed >> 2])
    return found
