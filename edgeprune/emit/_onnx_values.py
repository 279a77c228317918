"""How numbers and the order of axes are spelled in an ONNX file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.ir import (
    Array,
    DType,
    OnnxNode,
    TensorType,
)

Perm = tuple[int, ...]


def stored_as(t: TensorType, dtype: DType) -> TensorType | None:
    """A quantised value in the user's integers: the same, or uint8 for int8; None: in reals."""
    if t.quant is None or dtype is DType.FLOAT32:
        return None
    if dtype is DType.UINT8 and t.dtype is DType.INT8:
        return unsigned(t)
    assert dtype is t.dtype, f"{dtype} for {t}"
    return t


def unsigned(t: TensorType) -> TensorType:
    """The same real values of an int8 tensor as uint8."""
    if t.quant is None or t.dtype is not DType.INT8:
        return t
    zero = tuple(z + 128 for z in t.quant.zero_point)
    return TensorType(t.shape, DType.UINT8, replace(t.quant, zero_point=zero))


def permuted(record: OnnxNode, perm: Perm) -> OnnxNode:
    """A record whose axis numbers follow the order of axes that is used."""
    if record.layout != "any" or not record.axes or perm == tuple(range(len(perm))):
        return record

    def moved(axis: int) -> int:
        return 0 if axis == 0 else perm.index(axis - 1) + 1

    attributes, extra = dict(record.attributes), list(record.extra_inputs)
    for place in record.axes:
        if isinstance(place, str):
            axis = attributes[place]
            assert isinstance(axis, int)
            attributes[place] = moved(axis)
        else:
            axes = extra[place]
            assert axes is not None
            extra[place] = np.asarray([moved(int(a)) for a in axes], np.int64)
    return replace(record, attributes=attributes, extra_inputs=tuple(extra))


def raw(array: Array, dtype: DType) -> bytes:
    """Row-major, little-endian; int4 two elements a byte, the first in the low half."""
    if dtype is not DType.INT4:
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    flat = array.astype(np.uint8).ravel() & 0x0F
    padded = np.pad(flat, (0, flat.size % 2))
    return bytes((padded[::2] | padded[1::2] << 4).astype(np.uint8))
