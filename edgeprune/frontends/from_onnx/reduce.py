"""Means over axes, and the largest value of all positions."""

from __future__ import annotations

from dataclasses import replace

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Value
from edgeprune.ops import MaxPool2d, Mean


def _axes(call: Call) -> tuple[int, ...]:
    rank = len(call.act(0).shape)
    if call.opset < 18:
        given = call.ints("axes")
    else:
        array = call.known(1)
        given = None if array is None else tuple(int(a) for a in array.ravel())
    if not given:
        return () if call.attr("noop_with_empty_axes", 0) else tuple(range(rank))
    return tuple(sorted({call.axis(a, rank) for a in given}))


def reduce_mean(r: Reader, call: Call) -> Value:
    """ReduceMean over constant axes."""
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
    y = _mean(r, call, x, tuple(a - skip for a in axes))
    return r.reshape(call, y, target)


def reduce_max(r: Reader, call: Call) -> Value:
    """ReduceMax over all positions of an image: one window."""
    x, axes = call.act(0), _axes(call)
    rank = len(x.shape)
    if rank not in (3, 4) or sorted(axes) != list(range(2, rank)):
        raise call.unsupported(f"axes {list(axes)} of {list(x.shape)}", "reduce all positions")
    image = r.image(call)
    window = (image.type.shape[0], image.type.shape[1])
    made = r.emit(call, MaxPool2d(window, window), image)
    y = r.from_image(call, made, rank, x.batch or 1)
    return y if call.attr("keepdims", 1) else r.reshape(call, y, x.shape[:2])


def _mean(r: Reader, call: Call, x: Act, axes: tuple[int, ...]) -> Act:
    """The mean over some axes (batch not counted), which stay with length 1."""
    kept = [a for a in range(len(x.perm)) if a not in axes]
    if not kept:  # the IR's last axis stays: give it one
        x = r.reshaped(call, x, (*x.sample, 1))
        kept = [len(x.perm) - 1]
    if x.perm.index(len(x.perm) - 1) in axes:
        x = r.last(call, x, max(kept, key=lambda a: x.perm[a]))
    op = Mean(tuple(sorted(x.perm[a] for a in axes)), keep=True)
    name, made = r.emit(call, op, x)
    return replace(x, name=name, type=made)
