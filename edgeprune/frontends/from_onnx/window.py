"""Convolutions, and what all windows that slide over an image have: sizes and padding rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Value
from edgeprune.ir import Array, TensorType
from edgeprune.ops import Concat, Conv2d, ConvTranspose2d, DepthwiseConv2d, Slice
from edgeprune.ops._window import Padding, Pair

Around = tuple[tuple[int, ...], tuple[int, ...]]
"""What lies in front and behind, one number a spatial axis."""
LIMIT = 1 << 20  # strides, kernels and paddings beyond this are nonsense


def spatial(call: Call, name: str, default: int, rank: int, least: int) -> tuple[int, ...]:
    """A spatial attribute, one number an axis."""
    value = call.ints(name)
    value = (default,) * rank if value is None else value
    if len(value) != rank or not all(least <= v <= LIMIT for v in value):
        raise call.error(f"attribute {name!r} is {list(value)} for {rank} spatial axes")
    return tuple(value)


def pair(call: Call, name: str, default: int, rank: int, least: int) -> Pair:
    """A spatial attribute as (rows, columns); one axis is a row."""
    value = spatial(call, name, default, rank, least)
    return (default, value[0]) if rank == 1 else (value[0], value[1])


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Padding such that there are size / stride, rounded up, positions: the less, the more."""
    span = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def _explicit(call: Call, rank: int) -> Around:
    pads = call.ints("pads") or (0,) * (2 * rank)
    if len(pads) != 2 * rank or not all(0 <= p <= LIMIT for p in pads):
        raise call.error(f"attribute 'pads' is {list(pads)} for {rank} spatial axes")
    return pads[:rank], pads[rank:]


def auto_pad(call: Call) -> str:
    """The attribute "auto_pad"."""
    return str(call.attr("auto_pad", b"NOTSET").decode("ascii", "replace"))


def around(
    call: Call,
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> Around:
    """What "auto_pad" and "pads" ask for in front and behind, one number an axis each."""
    auto, rank = auto_pad(call), len(size)
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        sides = [_same(*axis) for axis in zip(size, kernel, stride, dilation, strict=True)]
        less, more = zip(*sides, strict=True)
        return (less, more) if auto == "SAME_UPPER" else (more, less)
    if auto == "VALID":
        return (0,) * rank, (0,) * rank
    if auto not in ("NOTSET", ""):
        raise call.error(f"attribute 'auto_pad' is {auto!r}")
    return _explicit(call, rank)


def padding_of(
    call: Call, rank: int, size: Pair, kernel: Pair, stride: Pair, dilation: Pair
) -> Padding:
    """The padding that the attributes "auto_pad" and "pads" ask for; one axis is a row."""
    axes = (v[2 - rank :] for v in (size, kernel, stride, dilation))
    return _padding(around(call, *axes))


def _padding(sides: Around) -> Padding:
    """Of one axis or two."""
    (top, left), (bottom, right) = ((0, *side)[-2:] for side in sides)
    return Padding(top, left, bottom, right)


def _bias(call: Call, length: int) -> Array:
    bias = call.known(2)
    if bias is None:
        return np.zeros(length, np.float32)
    if bias.shape != (length,):
        raise call.error(f"{length} filters, but its bias has shape {list(bias.shape)}")
    return bias


def _filters(call: Call) -> Array:
    """Convolution weights with two spatial axes."""
    w = call.need(1)
    if w.ndim != len(call.act(0).shape):
        raise call.error(f"its operands are {list(call.act(0).shape)} and {list(w.shape)}")
    if w.size == 0:
        raise call.error(f"its weights are empty: {list(w.shape)}")
    return w[:, :, None, :] if w.ndim == 3 else w


def kernel_of(call: Call, w: Array) -> tuple[int, ...]:
    """The window that the weights (o, i, *window) have, one number a spatial axis."""
    kernel = tuple(int(n) for n in w.shape[2:])
    given = call.ints("kernel_shape")
    if given and spatial(call, "kernel_shape", 1, len(kernel), 1) != kernel:
        raise call.error(f"kernel_shape {given}, but the weights are {kernel}")
    return kernel


def _kernel(call: Call, rank: int, w: Array) -> Pair:
    """The same of one axis or two; one is a row."""
    kernel = (1, *kernel_of(call, w[:, :, 0] if rank == 1 else w))
    return kernel[-2], kernel[-1]


def conv(r: Reader, call: Call) -> Value:
    """Conv in one or two dimensions, with groups."""
    x = r.image(call)
    w = _filters(call)
    rank = len(call.act(0).shape) - 2
    kernel = _kernel(call, rank, w)
    stride, dilation = pair(call, "strides", 1, rank, 1), pair(call, "dilations", 1, rank, 1)
    groups = call.attr("group", 1)
    h, width, channels = x.type.shape
    padding = padding_of(call, rank, (h, width), kernel, stride, dilation)
    if groups < 1 or w.shape[1] * groups != channels or w.shape[0] % groups:
        raise call.error(
            f"an image of {channels} channels, {groups} groups, weights {list(w.shape)}"
        )
    bias = r.constant(call, _bias(call, int(w.shape[0])), "bias")
    if groups == channels and groups > 1:
        weights = r.constant(call, w[:, 0].transpose(1, 2, 0), "weights")
        made = r.emit(call, DepthwiseConv2d(stride, padding, dilation), x, weights, bias)
    else:
        weights = r.constant(call, w.transpose(0, 2, 3, 1), "weights")
        made = r.emit(call, Conv2d(stride, padding, dilation, groups), x, weights, bias)
    return r.from_image(call, made, rank + 2, x.batch or 1)


def conv_transpose(r: Reader, call: Call) -> Value:
    """ConvTranspose in one or two dimensions."""
    x = r.image(call)
    w = _filters(call)
    rank = len(call.act(0).shape) - 2
    groups = call.attr("group", 1)
    if groups < 1 or w.shape[0] != x.type.shape[2] or w.shape[0] % groups:
        raise call.error(
            f"an image of {x.type.shape[2]} channels, {groups} groups, weights {list(w.shape)}"
        )
    kernel = _kernel(call, rank, w)
    stride, dilation = pair(call, "strides", 1, rank, 1), pair(call, "dilations", 1, rank, 1)
    extra = pair(call, "output_padding", 0, rank, 0)
    size = (x.type.shape[0], x.type.shape[1])
    full = [(size[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    auto, wanted = auto_pad(call), call.ints("output_shape")
    if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
        if wanted is None:
            out = (size[0] * stride[0], size[1] * stride[1])
        else:
            out = (1, wanted[-1]) if rank == 1 else (wanted[-2], wanted[-1])
        extra, padding = _cut(call, full, extra, out, auto == "SAME_UPPER")
    elif auto == "VALID":
        padding = Padding()
    else:
        padding = _padding(_explicit(call, rank))
    op = ConvTranspose2d(stride, padding, dilation, extra)
    made = _by_group(r, call, op, x, w.transpose(1, 2, 3, 0), groups)
    return r.from_image(call, made, rank + 2, x.batch or 1)


def _by_group(
    r: Reader, call: Call, op: ConvTranspose2d, x: Act, w: Array, groups: int
) -> tuple[str, TensorType]:
    """One transposed convolution a group, on its own channels: (o, h, w, i) weights."""
    bias = _bias(call, len(w) * groups)
    if groups == 1:
        return r.emit(call, op, x, r.constant(call, w, "weights"), r.constant(call, bias, "bias"))
    height, width, channels = x.type.shape
    inputs, outputs = channels // groups, len(w)
    parts = []
    for g in range(groups):
        mine = slice(g * inputs, (g + 1) * inputs)
        box = Slice((0, 0, mine.start), (height, width, mine.stop), (1, 1, 1))
        part = Act(*r.emit(call, box, x, role=f"group{g}/in"), IMAGE, x.batch)
        weights = r.constant(call, w[..., mine], f"weights{g}")
        some = r.constant(call, bias[g * outputs : (g + 1) * outputs], f"bias{g}")
        made = r.emit(call, op, part, weights, some, role=f"group{g}")
        parts.append(Act(*made, IMAGE, x.batch))
    return r.emit(call, Concat(-1), *parts)


def _cut(call: Call, full: list[int], extra: Pair, out: Pair, upper: bool) -> tuple[Pair, Padding]:
    """What must be added to the full result, and cut off it, for a wanted size."""
    sides, added = [], []
    for i in (0, 1):
        total = full[i] + extra[i] - out[i]
        if total < -1:
            raise call.unsupported(f"wants {out} of {full}", "use output_padding")
        added.append(extra[i] + max(-total, 0))
        total = max(total, 0)
        half = total // 2
        sides.append((half, total - half) if upper else (total - half, half))
    cut = Padding(sides[0][0], sides[1][0], sides[0][1], sides[1][1])
    return (added[0], added[1]), cut
