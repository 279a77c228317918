"""Weights of few values as TFLite Micro decodes them: packed codes, and one table for each tensor.

TFLM's operator TFLM_DECODE (``micro/kernels/decode_state_lut.cc``) takes the codes, and bytes that
say what they are: 0 the kind (0: table), 1 the version (1), 4 the version of tables (1), 5 the bits
of a code, 6 how many values further the next channel's table begins (0: all channels have one),
from 16 on the values. Codes lie one behind the other, the highest bit first.
"""

from __future__ import annotations

import numpy as np

from edgeprune.emit._tflite_records import Operand, Use
from edgeprune.ir import Array, DType, TensorType, TfliteOp

OPERATOR = "TFLM_DECODE"
MOST_VALUES = 16
HEADER_BYTES = 16
LEAST_SAVED = 256
"""Bytes that the operator takes of a file, with its tensors."""


def coded(constant: Operand, name: str) -> Use | None:
    """The operator that makes a constant of its codes; None: it does not pay.

    Args:
        constant: as the file stores it.
        name: of what the operator gives, unique in the file.
    """
    t, data = constant.type, constant.data
    assert data is not None
    if t.dtype is not DType.INT8 or not _is_decoded(t):
        return None
    values, codes = np.unique(data, return_inverse=True)
    bits = max(1, int(len(values) - 1).bit_length())
    table = np.zeros(HEADER_BYTES + len(values), np.uint8)
    table[[1, 4, 5]] = 1, 1, bits
    table[HEADER_BYTES:] = values.view(np.uint8)
    packed = _packed(codes.ravel(), bits)
    if len(values) > MOST_VALUES or packed.size + table.size + LEAST_SAVED > data.size:
        return None
    operands = [Operand(TensorType(a.shape, DType.UINT8), data=a) for a in (packed, table)]
    return Use(TfliteOp(OPERATOR), operands, Operand(t, name), version=1)


def _is_decoded(t: TensorType) -> bool:
    """Whether TFLM takes such scales: along the first axis, or several along the last."""
    axis = t.quant.axis if t.quant is not None else None
    return not axis or (t.quant is not None and len(t.quant.scale) > 1 and axis == len(t.shape) - 1)


def _packed(codes: Array, bits: int) -> Array:
    places = np.arange(bits - 1, -1, -1)
    return np.packbits(codes[:, None] >> places & 1)
