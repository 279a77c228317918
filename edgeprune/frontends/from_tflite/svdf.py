"""SVDF: a product with each new frame, and weights over the last products, which are kept.

Nakkiran et al. 2015, "Compressing deep neural networks using a rank-constrained topology". Read as
what it is made of: a 1x1 convolution makes a row of the state, which moves on by one, and a
convolution over the time of the state makes the result. Their integers are those of TFLite Micro's
SVDF with a state of int8: LiteRT takes every integer state for int16, and crashes on such a file.
One whose state is int16 has products that no convolution has: they are operators of their own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import VARIABLE, Operator, Tensor
from edgeprune.frontends.from_tflite.reader import Reader, counts
from edgeprune.ir import Array, DType, Op, TensorType
from edgeprune.ops import Concat, Conv2d, DepthwiseConv2d, Reshape, Slice, SvdfFeature, SvdfTime


def svdf(r: Reader, op: Operator) -> None:
    """SVDF: SVDFOptions(rank, activation); operand 4 is the state."""
    x, w, over_time = (r.operand(op, i) for i in range(3))
    held = r.operand(op, 4)
    dtype = r.check_types(op, 0)
    kinds = (w.dtype, over_time.dtype, held.dtype)
    sizes = _sizes(r, op, x, w, over_time, held)
    if dtype is DType.INT8 and kinds == (DType.INT8, DType.INT16, DType.INT16):
        _read_wide(r, op, held, sizes)
        return
    if set(kinds) != {dtype} or dtype is DType.INT16:
        named = ", ".join(t.value for t in kinds)
        hint = "quantise it with a state of int16 or int8, or export it as float32"
        raise UnsupportedError(r.where(op), f"has weights and state of type {named}", hint)
    if dtype is DType.INT8:
        r.remarks.append("SVDF has TFLite Micro's integers: LiteRT has none with a state of int8")
    _read(r, op, held, sizes)


def _read_wide(r: Reader, op: Operator, held: Tensor, sizes: tuple[int, int, int]) -> None:
    """One whose features are kept as int16; integers know no activation."""
    filters, kept, rank = sizes
    over_time, y = r.operand(op, 2), r.result(op)
    if held.quant is None or any(held.quant.zero_point):
        raise EdgePruneError(r.where(op), f"{held.name!r} has no scale, or a zero point")
    state = _state(r, op, held, (kept, filters))
    w = r.weights(op, 1, _constant(r, op, 1), None)
    like = r.known[state]
    after = r.between(op, SvdfFeature(), (r.value(op, 0), w), "features", like)
    if kept > 1:
        older = Slice((1, 0), (kept, filters), (1, 1))
        after = r.between(op, Concat(0), (r.between(op, older, (state,), "older"), after), "state")
    r.states.now[held.name] = after
    bias = r.bias(op, replace(held, dtype=DType.INT8), over_time, 3, filters // rank)
    operands = (after, r.weights(op, 2, _constant(r, op, 2), None), bias)
    r.add(op, SvdfTime(), operands, y)


def _sizes(
    r: Reader, op: Operator, x: Tensor, w: Tensor, over_time: Tensor, held: Tensor
) -> tuple[int, int, int]:
    """Filters, frames that are kept, filters of one result; all shapes go together."""
    (rank,) = counts(r, op, (0, 0))
    if len(x.shape) == len(w.shape) == len(over_time.shape) == 2 and held.refused == VARIABLE:
        filters, kept = over_time.shape
        fits = w.shape == (filters, x.shape[1]) and held.shape == (1, filters * kept)
        divides = filters * kept > 0 and filters % rank == 0
        if fits and divides and r.result(op).shape == (1, filters // rank):
            return filters, kept, rank
    shapes = [list(t.shape) for t in (x, w, over_time, held, r.result(op))]
    raise EdgePruneError(r.where(op), f"has operands and a result of shapes {shapes}")


def _read(r: Reader, op: Operator, held: Tensor, sizes: tuple[int, int, int]) -> None:
    filters, kept, rank = sizes
    x, w, over_time = (r.operand(op, i) for i in range(3))
    state = _state(r, op, held, (kept, 1, filters))
    like = r.known[state]
    image = r.between(op, Reshape(shape=(1, 1, x.shape[1])), (r.value(op, 0),), "frame")
    weights = r.weights(op, 1, _constant(r, op, 1)[:, None, None], None)
    none = r.bias(op, x, w, len(op.inputs), filters)
    after = r.between(op, Conv2d(), (image, weights, none), "features", like)
    if kept > 1:
        older = Slice((1, 0, 0), (kept, 1, filters), (1, 1, 1))
        after = r.between(op, Concat(0), (r.between(op, older, (state,), "older"), after), "state")
    r.states.now[held.name] = after
    clamp = r.clamp(op, 1) if like.quant is None else None  # integers know no activation
    columns = _constant(r, op, 2)
    if rank == 1:
        made: Op = DepthwiseConv2d(clamp=clamp)
        form = columns.T[:, None]
    else:
        made = Conv2d(groups=filters // rank, clamp=clamp)
        form = columns.reshape(-1, rank, kept).swapaxes(1, 2)[:, :, None]
    bias = r.bias(op, held, over_time, 3, filters // rank)
    operands = (after, r.weights(op, 2, np.ascontiguousarray(form), None), bias)
    y = r.result(op)
    row = r.between(op, made, operands, "row", TensorType((), y.dtype, y.quant))
    r.add(op, Reshape(shape=(filters // rank,)), (row,))


def _constant(r: Reader, op: Operator, position: int) -> Array:
    data = r.constant(op, position)
    if data is None:
        raise UnsupportedError(r.where(op), "has weights that are computed, not constant")
    r.need_symmetric(op, position, None)
    return data


def _state(r: Reader, op: Operator, held: Tensor, shape: tuple[int, ...]) -> str:
    """The input that has what the last call kept, (frames, 1, filters); at first all is zero."""
    if held.name in r.known:
        raise UnsupportedError(r.where(op), f"keeps {held.name!r}, which another operator keeps")
    if held.dtype is not DType.FLOAT32 and held.quant is None:
        raise EdgePruneError(r.where(op), f"{held.name!r} is {held.dtype.value} without a scale")
    zero = 0 if held.quant is None else held.quant.zero_point[0]
    r.inputs[held.name] = r.known[held.name] = TensorType(shape, held.dtype, held.quant)
    r.states.initial[held.name] = np.full(shape, zero, held.dtype.numpy)
    r.states.read[held.name] = held.name
    return held.name
