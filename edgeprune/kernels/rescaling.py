"""Short scales and biases of a layer, written out in scratch for kernels that know nothing of them.

What a kernel has beside its weights, arrays or a table, is looked at as bytes: where one of the two
C functions writes exactly these from the short form, flash holds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.ir import Array
from edgeprune.ir.fixedpoint.short import Short
from edgeprune.kernels.call import Constant, Rescaling

CALL_BYTES = 40
"""Code and parameters of one more call: what saves fewer bytes than that is not worth it."""
ARRAYED, TABLE = "ep_rescale_s8", "ep_rescale_table_s8"
"""What writes arrays, and what writes a table of pairs."""
MOST = 2**15 - 1
"""Channels that the parameters can count."""
ARRAYS = ("bias", "mult", "shift")
"""Roles of what portable kernels read."""


def rescaling(
    constants: Sequence[Constant], short: Short, at: int
) -> tuple[tuple[Constant, ...], Rescaling | None]:
    """The constants of a call beside its weights, as rows of three bytes where they can be.

    Args:
        constants: as the kernel reads them.
        short: scales and biases of these channels.
        at: where in the scratch the kernel's arrays would be written to, a multiple of 4.
    """
    wanted, n = b"".join(c.values.tobytes() for c in constants), len(short.codes)
    if len(wanted) - 3 * n <= CALL_BYTES or n > MOST:
        return tuple(constants), None
    roles = tuple(c.role for c in constants)
    if roles != ARRAYS and roles != ("table",):
        return tuple(constants), None
    arrays = _begins(constants)
    for form in TABLES if roles == ("table",) else (_Form(ARRAYED, n),):
        made = form.like(short, wanted)
        if made is not None and made.written(short) == wanted:
            rows = Constant("rescale", short.rows, "uint8_t", of_weights=2 * n)
            params = made.params(short)
            return (rows,), Rescaling(made.function, params, n, arrays, at)
    return tuple(constants), None


def _begins(constants: Sequence[Constant]) -> tuple[tuple[str, int], ...]:
    """Element type of each array, and where it begins if one follows the other."""
    ends = np.cumsum([0, *(c.values.nbytes for c in constants)]).tolist()
    return tuple((c.c_type, at) for c, at in zip(constants, ends, strict=False))


@dataclass(frozen=True)
class _Form:
    """How a function writes, see ``runtime_c/include/ep_rescale.h``."""

    function: str
    block: int
    tied: bool = False
    shift: int = 0
    ahead: int = 0
    more: int = 0

    def params(self, short: Short) -> tuple[tuple[str, int], ...]:
        """The fields of its parameters."""
        found = {"unit": short.unit, "n": len(short.codes), "block": self.block}
        found |= {"shift": self.shift, "up": short.up + self.more}
        if self.function == TABLE:
            found |= {"ahead": self.ahead, "tied": int(self.tied)}
        return tuple(found.items())

    def like(self, short: Short, wanted: bytes) -> _Form | None:
        """With the shifts that the first channels have; None where there are too few words."""
        raised, n = short.raised.tolist(), len(short.codes)
        block = self.block if n >= self.block else 1
        if self.function == ARRAYED:
            first = np.frombuffer(wanted, np.int8, 1, 8 * block)
            return replace(self, shift=int(first[0]) - raised[0])
        words = np.frombuffer(wanted, np.int32)
        if len(words) != 3 * n:
            return None
        shift = int(words[block + 1]) + raised[0]
        ahead = int(words[block + 3]) + raised[1] - shift if block > 1 else 0
        return replace(self, shift=shift, ahead=ahead)

    def written(self, short: Short) -> bytes:
        """What the function writes."""
        mult, bias = short.mult, short.bias << self.more
        found, start, n = [], 0, len(bias)
        while start < n:
            block = self.block if n - start >= self.block else 1
            some = slice(start, start + block)
            found.append(self._block(bias[some].copy(), mult[some], short.raised[some]))
            start += block
        return b"".join(found)

    def _block(self, bias: Array, mult: Array, raised: Array) -> bytes:
        if self.function == ARRAYED:
            shift = self.shift + raised
            kind = np.int32 if len(bias) == 1 else np.int8
            return _bytes(bias) + _bytes(mult) + shift.astype(kind).tobytes()
        shift = self.shift - raised
        shift[1::2] += self.ahead
        if self.tied:
            bias[1::2] = bias[0 : len(bias) - 1 : 2] + 256 * bias[1::2]
        return _bytes(bias) + _bytes(np.stack([mult, shift], axis=1).ravel())


TABLES = (
    _Form(TABLE, 2, tied=True),
    _Form(TABLE, 2),
    _Form(TABLE, 1),
    _Form(TABLE, 1, more=2),  # Winograd
    _Form(TABLE, 4),
    _Form(ARRAYED, 4),
)
"""All that may be what a kernel reads."""


def _bytes(values: Array) -> bytes:
    """As int32, modulo 2^32."""
    return values.astype(np.int64).astype(np.uint32).tobytes()
