"""Layers over three axes, by what there is over two.

A volume (c, d, h, w) lies as an image (h, w, d * c): its depth is among the channels, so that what
one position along the depth reads is a slice of them. A convolution is one of images for each of
these positions, all of one copy of the weights; a pool goes over rows and columns, then over depth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Value
from edgeprune.frontends.from_onnx.window import around, kernel_of, spatial
from edgeprune.ops import Concat, Conv2d, Gather, Pad, Reshape, Slice
from edgeprune.ops._window import Padding

LAID = (3, 2, 0, 1)
"""(c, d, h, w) of an IR value (h, w, d, c)."""
MAX_DEPTH = 256
"""Positions along the depth that are written out."""
BY_AXIS = ("kernel_shape", "strides", "dilations")

Converter = Callable[[Reader, Call], Value]


def convolution(flat: Converter) -> Converter:
    """Conv over as many axes as its operand has; ``flat``: over one or two."""
    return lambda r, call: _conv(r, call) if _is_volume(call) else flat(r, call)


def pooling(over: Converter, everything: Converter | None = None) -> Converter:
    """A pool over as many axes as its operand has.

    Args:
        over: the pool over one or two.
        everything: the one whose window is all of them, where this is one such.
    """

    def convert(r: Reader, call: Call) -> Value:
        if not _is_volume(call):
            return (everything or over)(r, call)
        return _pool(r, call if everything is None else _whole(call), over)

    return convert


def _is_volume(call: Call) -> bool:
    """Whether the first operand has depth, rows and columns."""
    return len(call.operand(0).shape) == 5


def _conv(r: Reader, call: Call) -> Value:
    """Conv in three dimensions, without groups."""
    x, w = r.batched(call, call.act(0)), call.need(1)
    c, depth, h, width = x.sample
    if w.ndim != 5 or w.size == 0:
        raise call.error(f"its operands are {list(x.shape)} and {list(w.shape)}")
    if call.attr("group", 1) != 1:
        raise call.unsupported("has groups in three dimensions", "use one group")
    if w.shape[1] != c:
        raise call.error(f"a volume of {c} channels, weights {list(w.shape)}")
    count, kernel, size = int(w.shape[0]), kernel_of(call, w), (depth, h, width)
    stride, dilation = _window(call)
    before, after = around(call, size, kernel, stride, dilation)
    room = [n + b + a for n, b, a in zip(size, before, after, strict=True)]
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    if any(n <= far for n, far in zip(room, reach, strict=True)):
        raise call.error(f"its window {list(kernel)} is larger than the volume {list(size)}")
    taps = np.arange(kernel[0]) * dilation[0]
    starts = range(0, room[0] - reach[0], stride[0])
    if len(starts) > MAX_DEPTH:
        raise call.unsupported(f"has {len(starts)} positions along its depth", "use fewer frames")
    image = _image(r, call, x, before[0], after[0])
    bias = call.known(2)
    weights = r.constant(
        call, w.transpose(0, 3, 4, 2, 1).reshape(count, *kernel[1:], -1), "weights"
    )
    offset = r.constant(call, np.zeros(count) if bias is None else bias, "bias")
    padding = Padding(before[1], before[2], after[1], after[2])
    op = Conv2d((stride[1], stride[2]), padding, (dilation[1], dilation[2]))
    made = []
    for k, start in enumerate(starts):
        part = _channels(r, call, image, [(start + int(t)) * c + i for t in taps for i in range(c)])
        made.append(Act(*r.emit(call, op, part, weights, offset, role=f"{k}"), IMAGE, x.batch))
    y = made[0]
    if len(made) > 1:
        y = r.like(y, r.emit(call, Concat(-1), *made, role="joined"))
    return _volume(r, call, y, len(made), count)


def _image(r: Reader, call: Call, x: Act, before: int = 0, after: int = 0) -> Act:
    """A volume as an image whose channels are (d, c), with frames of zeros around."""
    x = r.ordered(call, x, LAID)
    h, w, depth, c = x.type.shape
    y = Act(*r.emit(call, Reshape((h, w, depth * c)), x, role="image"), IMAGE, x.batch)
    if not before and not after:
        return y
    return r.like(y, r.emit(call, Pad((0, 0, before * c), (0, 0, after * c)), y, role="frames"))


def _channels(r: Reader, call: Call, x: Act, at: list[int]) -> Act:
    """Some channels of an image."""
    h, w, count = x.type.shape
    if at == list(range(count)):
        return x
    if at == list(range(at[0], at[-1] + 1)):
        box = Slice((0, 0, at[0]), (h, w, at[-1] + 1), (1, 1, 1))
        return r.like(x, r.emit(call, box, x, role="part"))
    return r.like(x, r.emit(call, Gather(tuple(at)), x, role="part"))


def _volume(r: Reader, call: Call, x: Act, depth: int, channels: int) -> Act:
    """An image whose channels are (d, c) as a volume."""
    h, w, _ = x.type.shape
    return Act(*r.emit(call, Reshape((h, w, depth, channels)), x, role="volume"), LAID, x.batch)


def _pool(r: Reader, call: Call, over: Converter) -> Value:
    """A pool of windows over three axes."""
    x = r.batched(call, call.act(0))
    c, depth, _, _ = x.sample
    around(call, x.sample[1:], spatial(call, "kernel_shape", 1, 3, 1), *_window(call))
    flat = over(r, _over(call, "image", _image(r, call, x), (1, 2)))
    assert isinstance(flat, Act)
    h, w, _ = flat.type.shape
    rows = Act(*r.emit(call, Reshape((h * w, depth, c)), flat, role="rows"), IMAGE, x.batch)
    made = over(r, _over(call, "depth", rows, (None, 0)))
    assert isinstance(made, Act)
    shape = (h, w, made.type.shape[1], c)
    return Act(*r.emit(call, Reshape(shape), made, role="volume"), LAID, x.batch)


def _whole(call: Call) -> Call:
    """A pool over everything as one of a window."""
    sides = [int(n) for n in call.operand(0).shape[2:]]
    return replace(call, attributes={"kernel_shape": sides, "strides": sides})


def _over(call: Call, role: str, x: Act, axes: Sequence[int | None]) -> Call:
    """A pool over some of its axes; None: one that stays as it is."""
    given: Mapping[str, Any] = call.attributes
    attributes = {k: v for k, v in given.items() if k not in (*BY_AXIS, "pads")}
    for name in BY_AXIS:
        if numbers := call.ints(name):
            attributes[name] = [1 if a is None else numbers[a] for a in axes]
    if pads := call.ints("pads"):
        sides = (pads[:3], pads[3:])
        attributes["pads"] = [0 if a is None else side[a] for side in sides for a in axes]
    return replace(call, name=f"{call.name}/{role}", inputs=(x,), attributes=attributes)


def _window(call: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Strides and dilations, by axis."""
    return spatial(call, "strides", 1, 3, 1), spatial(call, "dilations", 1, 3, 1)
