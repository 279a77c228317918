"""Constants that TFLite Micro decodes: codes, and tables of the values that they stand for.

TFLM's operator TFLM_DECODE, kind 0 (``micro/kernels/decode_state_lut.cc``). Such a constant is read
as the values that it has.
"""

from __future__ import annotations

import math

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.flatbuffer import Table
from edgeprune.ir import Array

DECODE = "TFLM_DECODE"
OPERATOR = f"CUSTOM {DECODE!r}"
ELEMENTS = ("float32", "int8", "int16", "int32", "int64")
"""Types of what TFLM decodes, but for bool."""
HEADER_BYTES = 16
KIND, VERSION, WIDTH, STRIDE = 0, 1, 5, 6
"""Of the bytes that say what codes are: the kind of codes and its version, bits of a code in the
three lowest, how many values further the next channel's table begins."""


def decoded(
    packed: Array | None, header: Array | None, result: Table, element_bytes: int, where: str
) -> Array:
    """The bytes of a constant.

    Args:
        packed: bytes with the codes, the highest bit first.
        header: bytes that say what they are, and the values.
        result: the tensor that becomes the constant.
        element_bytes: of its type.
        where: the operator.

    Raises:
        EdgePruneError: they contradict one another.
        UnsupportedError: they are no codes of values.
    """
    if packed is None or header is None or header.size < HEADER_BYTES:
        raise EdgePruneError(where, "has no codes, or no tables")
    if header[KIND] or header[VERSION] != 1:
        what = f"decodes what is of kind {header[KIND]}, version {header[VERSION]}"
        raise UnsupportedError(where, what, "kind 0, version 1 is read")
    bits, shape = int(header[WIDTH]) & 7, result.ints(0)
    n = math.prod(shape)
    if not bits or min(shape, default=0) < 0 or n * bits > 8 * packed.size:
        what = f"{packed.size} bytes hold no {list(shape)} codes of {bits} bits"
        raise EdgePruneError(where, what)
    values = header[HEADER_BYTES:]
    values = values[: values.size // element_bytes * element_bytes].reshape(-1, element_bytes)
    places = np.left_shift(1, np.arange(bits - 1, -1, -1)).astype(np.uint8)
    codes = np.unpackbits(packed, count=n * bits).reshape(n, bits) @ places
    at = codes + int(header[STRIDE]) * _channels(result, n, where)
    if at.max(initial=-1) >= len(values):
        raise EdgePruneError(where, f"code {at.max()} of {len(values)} values")
    found: Array = values[at].ravel()
    return found


def _channels(result: Table, n: int, where: str) -> Array:
    """The channel of each element: along the last axis, or else along the first."""
    quant, rank = result.table(4), len(result.ints(0))
    scales = None if quant is None else quant.array(2, "f4")
    count = 1 if scales is None else max(1, scales.size)
    if n % count:
        raise EdgePruneError(where, f"has {n} elements and {count} scales")
    if quant is not None and count > 1 and int(quant.number(6, "i")) == rank - 1:
        return np.arange(n) % count
    return np.arange(n) // max(1, n // count)
