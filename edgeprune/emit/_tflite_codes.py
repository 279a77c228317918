"""Weights of few values as TFLite Micro decodes them: packed codes, and one table for each tensor.

The layout is what ``frontends/from_tflite/codes.py`` reads; all channels have one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgeprune.emit._tflite_records import Operand, Use
from edgeprune.frontends.from_tflite.codes import DECODE, HEADER_BYTES, VERSION, WIDTH
from edgeprune.ir import Array, DType, TensorType, TfliteOp

TABLE_VERSION = 4
"""Where the header says which form of tables it is."""
MOST_VALUES = 16
LEAST_SAVED = 256
"""Bytes that the operator takes of a file, with its tensors."""


def with_codes(uses: Sequence[Use]) -> list[list[Use]]:
    """Each operator behind those that make its constants of their codes, where that pays.

    Equal constants are one in a file, their codes too, but each use of them is decoded.

    Args:
        uses: the operators of a file.
    """
    data = [[_codable(use, o) for o in use.operands] for use in uses]
    counts = Counter(d for row in data for d in row if d is not None)
    codes = {d: _codes(d, count) for d, count in counts.items()}
    return [_decoding(use, row, codes) for use, row in zip(uses, data, strict=True)]


def _codable(use: Use, operand: Operand | None) -> bytes | None:
    """The int8 values of a constant that could be codes; None: of any other operand."""
    if operand is None or operand.data is None or use.between:  # a fused layer reads its own
        return None
    t = operand.type
    return operand.data.tobytes() if t.dtype is DType.INT8 and _is_decoded(t) else None


def _decoding(
    use: Use, data: Sequence[bytes | None], codes: Mapping[bytes, list[Operand]]
) -> list[Use]:
    made: list[Use] = []
    operands = list(use.operands)
    for i, (operand, d) in enumerate(zip(use.operands, data, strict=True)):
        if operand is not None and use.result is not None and d is not None and codes[d]:
            operands[i] = Operand(operand.type, f"codes@{use.result.name};{i}")
            made.append(Use(TfliteOp(DECODE), codes[d], operands[i], version=1))
    return [*made, replace(use, operands=operands)]


def _codes(data: bytes, count: int) -> list[Operand]:
    """Codes and table of a constant that is used so often; empty: it does not pay."""
    values, codes = np.unique(np.frombuffer(data, np.int8), return_inverse=True)
    if len(values) > MOST_VALUES:
        return []
    bits = max(1, int(len(values) - 1).bit_length())
    table = np.zeros(HEADER_BYTES + len(values), np.uint8)
    table[[VERSION, TABLE_VERSION, WIDTH]] = 1, 1, bits
    table[HEADER_BYTES:] = values.view(np.uint8)
    packed = _packed(codes, bits)
    if packed.size + table.size + count * LEAST_SAVED > len(data):
        return []
    return [Operand(TensorType(a.shape, DType.UINT8), data=a) for a in (packed, table)]


def _is_decoded(t: TensorType) -> bool:
    """Whether TFLM takes such scales: along the first axis, or several along the last."""
    axis = t.quant.axis if t.quant is not None else None
    return not axis or (t.quant is not None and len(t.quant.scale) > 1 and axis == len(t.shape) - 1)


def _packed(codes: Array, bits: int) -> Array:
    places = np.arange(bits - 1, -1, -1)
    return np.packbits(codes[:, None] >> places & 1)
