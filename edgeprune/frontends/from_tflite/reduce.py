"""Operators of a TFLite file that take many elements together."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, Tensor
from edgeprune.frontends.from_tflite.moves import same_scale
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import DType, TensorType
from edgeprune.ops import MaxPool2d, Mean, Mul, Reshape, Transpose


def mean(r: Reader, op: Operator, result: Tensor | None = None) -> None:
    """MEAN: ReducerOptions(keep_dims); operand 1 has the axes.

    ``result``: what becomes a sum; None: the operator's.
    """
    made, adds = result or r.result(op), result is not None
    r.check_types(op, 0)
    rank = len(r.operand(op, 0).shape)
    axes = sorted({a + rank if a < 0 else a for a in r.integers(op, 1)})
    keep = op.options is not None and op.options.flag(0)
    if rank > 1 and axes == [rank - 1] and (keep or not _is_turned(r, r.value(op, 0))):
        _mean_of_last(r, op, keep, made, adds=adds)
        return
    if axes and axes[0] > 1 and axes[-1] == rank - 1:
        _mean_behind(r, op, tuple(a - 1 for a in axes), keep, made)
        return
    if axes and axes[0] > 0 and axes[-1] == rank - 1 and r.operand(op, 0).quant is None:
        _means(r, op, [a - 1 for a in axes], made, adds=adds)
        return
    if not axes or not all(0 < a < rank - 1 for a in axes):
        raise UnsupportedError(r.where(op), f"takes the mean over axes {axes} of {rank}")
    r.add(op, Mean(tuple(a - 1 for a in axes), keep), (r.value(op, 0),), made)


def _is_turned(r: Reader, value: str) -> bool:
    return any(isinstance(n.op, Transpose) for n in r.nodes if n.output == value)


def _mean_of_last(r: Reader, op: Operator, keep: bool, result: Tensor, *, adds: bool) -> None:
    """A mean over the last axis, of channels mostly, which is dropped behind it."""
    name, rank = r.value(op, 0), len(r.operand(op, 0).shape)
    over = Mean((rank - 2,), True, adds)
    if keep:
        r.add(op, over, (name,), result)
        return
    shape = r.activation_type(result).shape
    held = replace(result, name=f"{result.name}/mean", shape=(1, *shape, 1))
    r.add(op, over, (name,), held)
    r.add(op, Reshape(shape), (held.name,), result)


def _means(r: Reader, op: Operator, axes: list[int], result: Tensor, *, adds: bool) -> None:
    """A mean of real numbers over axes of which the last is one: run by run, as of groups."""
    name = r.value(op, 0)
    starts = [i for i, a in enumerate(axes) if not i or a != axes[i - 1] + 1]
    for start, stop in zip(starts, [*starts[1:], len(axes)], strict=True):
        name = r.between(op, Mean(tuple(axes[start:stop]), True, adds), (name,), f"mean{start}")
    r.add(op, Reshape(r.activation_type(result).shape), (name,), result)


def _mean_behind(
    r: Reader, op: Operator, axes: tuple[int, ...], keep: bool, result: Tensor
) -> None:
    """A mean over the last axes of a value with its channels in front, taken of channels last.

    The transposes around it cancel those of a network that was channels first.
    """
    rank = len(r.operand(op, 0).shape) - 1
    turned = r.between(op, Transpose((*range(1, rank), 0)), [r.value(op, 0)], "turned")
    made = r.activation_type(result).shape
    if len(made) < 2:
        r.add(op, Mean(tuple(a - 1 for a in axes), keep), (turned,), result)
        return
    name = f"{result.name}/mean"
    last = replace(result, name=name, shape=(1, *made[1:], made[0]))
    r.add(op, Mean(tuple(a - 1 for a in axes), keep), (turned,), last)
    r.add(op, Transpose((len(made) - 1, *range(len(made) - 1))), (name,), result)


def total(r: Reader, op: Operator) -> None:
    """SUM of real numbers: their mean times their number."""
    if r.check_types(op, 0) is not DType.FLOAT32:
        raise UnsupportedError(r.where(op), "adds up integers", "use a float model")
    result = r.result(op)
    held = replace(result, name=f"{result.name}/mean")
    mean(r, op, held)
    count = math.prod(r.operand(op, 0).shape) // max(math.prod(result.shape), 1)
    number = np.asarray([count], np.float32)
    by = r.add_constant(f"{result.name}/count", number, TensorType((1,)))
    r.add(op, Mul(), (held.name, by))


def reduce_max(r: Reader, op: Operator) -> None:
    """REDUCE_MAX: one window over all that is compared."""
    r.check_types(op, 0)
    same_scale(r, op)
    shape = r.operand(op, 0).shape
    axes = sorted({a + len(shape) if a < 0 else a for a in r.integers(op, 1)})
    if not axes or axes[0] < 1:
        raise UnsupportedError(r.where(op), f"takes the maximum over axes {axes} of {len(shape)}")
    name = r.value(op, 0)
    if len(shape) == 4 and axes == [1, 2]:
        window = (shape[1], shape[2])
    else:
        kept = [a for a in range(1, len(shape)) if a not in axes]
        if [*axes, *kept] != sorted([*axes, *kept]):
            name = r.between(op, Transpose(tuple(a - 1 for a in (*axes, *kept))), (name,), "first")
        window = (math.prod(shape[a] for a in axes), 1)
        rows = Reshape((*window, math.prod(shape[a] for a in kept)))
        name = r.between(op, rows, (name,), "rows")
    name = r.between(op, MaxPool2d(window, window), (name,), "largest")
    r.add(op, Reshape(shape=r.activation_type(r.result(op)).shape), (name,))
