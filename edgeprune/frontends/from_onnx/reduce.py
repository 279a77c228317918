"""Means, sums, largest and smallest values over axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Value
from edgeprune.ops import MaxPool2d, Mean, Mul, Reshape, Transpose


def _axes(call: Call) -> tuple[int, ...]:
    rank = len(call.act(0).shape)
    if call.opset < (13 if call.kind == "ReduceSum" else 18):
        given = call.ints("axes")
    else:
        array = call.known(1)
        given = None if array is None else tuple(int(a) for a in array.ravel())
    if not given:
        return () if call.attr("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted({call.axis(a, rank) for a in given}))


def reduce_mean(r: Reader, call: Call) -> Value:
    """ReduceMean over constant axes."""
    return _reduced(r, call, mean)


def reduce_max(r: Reader, call: Call) -> Value:
    """ReduceMax over constant axes."""
    return _reduced(r, call, _max)


def reduce_min(r: Reader, call: Call) -> Value:
    """ReduceMin over constant axes: the largest of what has the other sign."""
    return _reduced(r, call, _min)


def reduce_sum(r: Reader, call: Call) -> Value:
    """ReduceSum over constant axes: the mean, times how many there are."""
    return _reduced(r, call, _sum)


def _reduced(
    r: Reader, call: Call, reduce: Callable[[Reader, Call, Act, tuple[int, ...]], Act]
) -> Value:
    x, axes = call.act(0), _axes(call)
    if not axes:
        return x
    target = tuple(1 if i in axes else s for i, s in enumerate(x.shape))
    if not call.attr("keepdims", 1):
        target = tuple(s for i, s in enumerate(x.shape) if i not in axes)
    if x.batch is not None and 0 in axes:
        x = r.unbatched(call, x)
    x = r.plain(call, x)
    skip = 0 if x.batch is None else 1
    return r.reshape(call, reduce(r, call, x, tuple(a - skip for a in axes)), target)


def _max(r: Reader, call: Call, x: Act, axes: tuple[int, ...]) -> Act:
    """The largest over some axes (batch not counted): one window over all of them."""
    gone = sorted(x.perm[a] for a in axes)
    kept = [i for i in range(len(x.perm)) if i not in gone]
    shape, order = x.type.shape, (*gone, *kept)
    if order != tuple(range(len(order))):
        name, made = r.emit(call, Transpose(order), x, role="first")
        x = replace(x, name=name, type=made)
    window = (prod(shape[i] for i in gone), 1)
    rows = Reshape((*window, prod(shape[i] for i in kept)))
    name, made = r.emit(call, rows, x, role="rows")
    name, made = r.emit(call, MaxPool2d(window, window), replace(x, name=name, type=made))
    whole = Reshape(tuple(1 if i in gone else s for i, s in enumerate(shape)))
    name, made = r.emit(call, whole, replace(x, name=name, type=made), role="whole")
    return replace(x, name=name, type=made)


def _min(r: Reader, call: Call, x: Act, axes: tuple[int, ...]) -> Act:
    turned = _times(r, call, x, -1, "turned")
    return _times(r, call, _max(r, call, turned, axes), -1, "smallest")


def _sum(r: Reader, call: Call, x: Act, axes: tuple[int, ...]) -> Act:
    count = prod(x.sample[a] for a in axes)
    return _times(r, call, mean(r, call, x, axes, adds=True), count, "sum")


def _times(r: Reader, call: Call, x: Act, number: float, role: str) -> Act:
    factor = r.constant(call, np.asarray(number, np.float32), role)
    return r.like(x, r.emit(call, Mul(), x, factor, role=role))


def mean(r: Reader, call: Call, x: Act, axes: tuple[int, ...], *, adds: bool = False) -> Act:
    """The mean over some axes (batch not counted), which stay with length 1.

    ``adds``: it becomes a sum.
    """
    last = x.perm.index(len(x.perm) - 1)
    if last in axes:
        rest = tuple(a for a in axes if a != last)
        x = mean(r, replace(call, name=f"{call.name}/rest"), x, rest) if rest else x
        return r.like(x, r.emit(call, Mean((len(x.perm) - 1,), keep=True, adds=adds), x))
    for run in _runs(sorted(x.perm[a] for a in axes)):
        x = r.like(x, r.emit(call, Mean(run, keep=True, adds=adds), x))
    return x


def _runs(axes: list[int]) -> list[tuple[int, ...]]:
    """Axes that follow each other, together."""
    starts = [i for i, a in enumerate(axes) if not i or a != axes[i - 1] + 1]
    return [tuple(axes[i:j]) for i, j in zip(starts, [*starts[1:], len(axes)], strict=True)]
