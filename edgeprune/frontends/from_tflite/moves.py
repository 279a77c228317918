"""Operators of a TFLite file that move elements: shapes, slices, paddings, images."""

from __future__ import annotations

import math

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, Tensor, option
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ir import DType
from edgeprune.ops import Concat, Gather, Pad, Reshape, Resize, Slice, Transpose

MAX_TILES = 64


def same_scale(r: Reader, op: Operator) -> None:
    """Operators that move elements leave their scale alone."""
    if r.operand(op, 0).dtype is DType.FLOAT32:
        return
    if r.operand(op, 0).quant != r.result(op).quant:
        raise UnsupportedError(r.where(op), "changes the scale of elements that it only moves")


def reshape(r: Reader, op: Operator) -> None:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: the result's shape says it all."""
    if r.constant(op, 0) is not None and r.operand(op, 0).name not in r.known:
        data = r.constant(op, 0)
        assert data is not None
        if data.size != math.prod(r.result(op).shape):
            raise EdgePruneError(r.where(op), f"{data.size} elements as {r.result(op).shape}")
        r.folded[op.outputs[0]] = data.reshape(r.result(op).shape)
        return
    r.check_types(op, 0)
    same_scale(r, op)
    if math.prod(r.operand(op, 0).shape) != math.prod(r.result(op).shape):
        what = "has sizes that the file leaves open"
        raise UnsupportedError(r.where(op), what, "export the model with batch size 1")
    r.add(op, Reshape(shape=r.activation_type(r.result(op)).shape), (r.value(op, 0),))


def transpose(r: Reader, op: Operator) -> None:
    """TRANSPOSE: operand 1 has the order of the axes."""
    r.check_types(op, 0)
    same_scale(r, op)
    perm = r.integers(op, 1)
    if sorted(perm) != list(range(len(r.operand(op, 0).shape))):
        raise EdgePruneError(r.where(op), f"{perm} is no order of its axes")
    if perm[0] != 0:
        raise UnsupportedError(r.where(op), "moves the batch")
    r.add(op, Transpose(perm=tuple(p - 1 for p in perm[1:])), (r.value(op, 0),))


def pad(r: Reader, op: Operator) -> None:
    """PAD, PADV2: operand 1 has (before, behind) by axis, operand 2 the value."""
    r.check_types(op, 0)
    same_scale(r, op)
    widths = r.integers(op, 1)
    rank = len(r.operand(op, 0).shape)
    if len(widths) != 2 * rank or widths[:2] != [0, 0] or min(widths) < 0:
        raise UnsupportedError(r.where(op), f"pads {widths} around {rank} axes")
    value = 0.0
    if op.name == "PADV2":
        value = _border(r, op)
    made = Pad(before=tuple(widths[2::2]), after=tuple(widths[3::2]), value=value)
    r.add(op, made, (r.value(op, 0),))


def _border(r: Reader, op: Operator) -> float:
    found, quant = r.constant(op, 2), r.result(op).quant
    if found is None or found.size != 1:
        raise UnsupportedError(r.where(op), "pads with a computed value")
    stored = float(found.ravel()[0])
    return stored if quant is None else (stored - quant.zero_point[0]) * quant.scale[0]


def concat(r: Reader, op: Operator) -> None:
    """CONCATENATION: ConcatenationOptions(axis, activation)."""
    positions = range(len(op.inputs))
    r.check_types(op, *positions)
    rank, axis = len(r.result(op).shape), int(option(op, 0, "i"))
    axis = axis + rank if axis < 0 else axis
    if not 0 < axis < rank or not op.inputs or r.clamp(op, 1) is not None:
        raise UnsupportedError(r.where(op), f"joins along axis {axis} of {rank}")
    if any(r.operand(op, p).quant != r.result(op).quant for p in positions):
        raise UnsupportedError(r.where(op), "joins operands of different scales")
    r.add(op, Concat(axis - 1), [r.value(op, p) for p in positions])


def strided_box(r: Reader, op: Operator, shape: tuple[int, ...]) -> list[slice]:
    """StridedSliceOptions(begin, end, ellipsis, new axis, shrink masks), and operands 1 to 3."""
    masks = [int(option(op, f, "i")) for f in range(5)]
    start, stop, step = (r.integers(op, p) for p in (1, 2, 3))
    if not len(start) == len(stop) == len(step) <= len(shape) or 0 in step:
        raise UnsupportedError(r.where(op), f"takes {start}, {stop}, {step} of {list(shape)}")
    if masks[2] or masks[3]:
        raise UnsupportedError(r.where(op), "inserts axes")
    if option(op, 5, "B"):
        raise UnsupportedError(r.where(op), "counts where it ends from where it starts")
    box = []
    for i, n in enumerate(shape):
        if i >= len(start):
            box.append(slice(0, n, 1))
            continue
        first = None if masks[0] >> i & 1 else start[i]
        last = None if masks[1] >> i & 1 else stop[i]
        if masks[4] >> i & 1:  # one index, whose axis goes
            at = start[i] + n if start[i] < 0 else start[i]
            first, last = at, at + 1
        box.append(slice(*slice(first, last, step[i]).indices(n)))
    return box


def strided_slice(r: Reader, op: Operator) -> None:
    """STRIDED_SLICE of an activation or a constant."""
    data = r.constant(op, 0)
    box = strided_box(r, op, r.operand(op, 0).shape if data is None else data.shape)
    if data is not None and r.operand(op, 0).name not in r.known:
        r.folded[op.outputs[0]] = data[tuple(box)].reshape(r.result(op).shape)
        return
    _cut(r, op, box, shrunk=option(op, 4, "i") != 0)


def reverse(r: Reader, op: Operator) -> None:
    """REVERSE_V2: operand 1 has the axes that are turned round."""
    shape = r.operand(op, 0).shape
    axes = {a + len(shape) if a < 0 else a for a in r.integers(op, 1)}
    if not axes <= set(range(1, len(shape))):
        raise UnsupportedError(r.where(op), f"turns axes {sorted(axes)} of {len(shape)} round")
    whole = [(n - 1, -1, -1) if i in axes else (0, n, 1) for i, n in enumerate(shape)]
    _cut(r, op, [slice(*bounds) for bounds in whole])


def slice_(r: Reader, op: Operator) -> None:
    """SLICE: operands 1 and 2 have the first index and the length (-1: the rest) by axis."""
    start, length = r.integers(op, 1), r.integers(op, 2)
    shape = r.operand(op, 0).shape
    if not len(start) == len(length) == len(shape):
        raise EdgePruneError(r.where(op), f"takes {start}, {length} of {list(shape)}")
    ends = [n if c == -1 else s + c for s, c, n in zip(start, length, shape, strict=True)]
    if any(not 0 <= s <= e <= n for s, e, n in zip(start, ends, shape, strict=True)):
        raise EdgePruneError(r.where(op), f"takes {start}, {length} of {list(shape)}")
    _cut(r, op, [slice(s, e, 1) for s, e in zip(start, ends, strict=True)])


def _cut(
    r: Reader, op: Operator, box: list[slice], *, shrunk: bool = False, t: Tensor | None = None,
    position: int = 0,
) -> None:  # fmt: skip
    """One box of an activation, batch in front."""
    if len(range(box[0].start, box[0].stop, box[0].step)) != 1:
        raise UnsupportedError(r.where(op), "cuts the batch")
    rest = box[1:]
    made = Slice(*(tuple(getattr(b, part) for b in rest) for part in ("start", "stop", "step")))
    source = r.value(op, position)
    if not shrunk:
        r.add(op, made, (source,), t)
        return
    cut = r.between(op, made, (source,), "cut")
    r.add(op, Reshape(shape=r.activation_type(t or r.result(op)).shape), (cut,), t)


def split(r: Reader, op: Operator) -> None:
    """SPLIT (axis, value) and SPLIT_V (value, sizes, axis): one slice for each result."""
    position = 1 if op.name == "SPLIT" else 0
    shape = r.operand(op, position).shape
    if len(op.outputs) == 1 and r.result(op).shape == shape:  # along any axis, the batch too
        r.add(op, Reshape(shape=r.activation_type(r.result(op)).shape), (r.value(op, position),))
        return
    axis = r.integers(op, 0 if op.name == "SPLIT" else 2)[0]
    axis = axis + len(shape) if axis < 0 else axis
    if not 0 < axis < len(shape):
        raise UnsupportedError(r.where(op), f"splits axis {axis} of {len(shape)}")
    at = 0
    for number in op.outputs:
        t = r.file.tensors[number]
        if len(t.shape) != len(shape):
            raise EdgePruneError(r.where(op), f"{list(t.shape)} is no part of {list(shape)}")
        box = [slice(0, n, 1) for n in shape]
        box[axis] = slice(at, at + t.shape[axis], 1)
        at += t.shape[axis]
        _cut(r, op, box, t=t, position=position)
    if at != shape[axis]:
        raise EdgePruneError(r.where(op), f"its parts have {at} of {shape[axis]} elements")


def gather(r: Reader, op: Operator) -> None:
    """GATHER: GatherOptions(axis, batch_dims); constant indices of the last axis."""
    r.check_types(op, 0)
    same_scale(r, op)
    rank, axis = len(r.operand(op, 0).shape), int(option(op, 0, "i"))
    axis = axis + rank if axis < 0 else axis
    indices = r.constant(op, 1)
    if axis != rank - 1 or option(op, 1, "i") or indices is None or indices.ndim != 1:
        raise UnsupportedError(r.where(op), "picks along another axis than the last")
    r.add(op, Gather(indices=tuple(r.integers(op, 1))), (r.value(op, 0),))


def tile(r: Reader, op: Operator) -> None:
    """TILE: operand 1 has how often each axis is repeated; what Keras makes of UpSampling2D."""
    r.check_types(op, 0)
    same_scale(r, op)
    times, shape = r.integers(op, 1), r.operand(op, 0).shape
    if len(times) != len(shape) or times[0] != 1 or not all(1 <= n <= MAX_TILES for n in times):
        raise UnsupportedError(r.where(op), f"repeats {list(shape)} {times} times")
    axes = [a for a, n in enumerate(times) if n > 1]
    source = r.value(op, 0)
    for a in axes[:-1]:
        source = r.between(op, Concat(a - 1), (source,) * times[a], f"axis{a}")
    last = axes[-1] if axes else 1
    r.add(op, Concat(last - 1), [source] * times[last])


def resize(r: Reader, op: Operator) -> None:
    """RESIZE_BILINEAR (align_corners 2, half_pixel 3), RESIZE_NEAREST_NEIGHBOR (0, 1)."""
    r.check_types(op, 0)
    same_scale(r, op)
    size = r.integers(op, 1)
    if len(size) != 2 or not all(1 <= n <= 1 << 16 for n in size):
        raise EdgePruneError(r.where(op), f"makes an image of size {size}")
    bilinear = op.name == "RESIZE_BILINEAR"
    aligned, half = (
        op.options is not None and op.options.flag(f) for f in ((2, 3) if bilinear else (0, 1))
    )
    if aligned and half:
        raise UnsupportedError(r.where(op), "aligns corners and half pixels at once")
    where = "align_corners" if aligned else "half_pixel" if half else "asymmetric"
    mode = "bilinear" if bilinear else "nearest"
    r.add(op, Resize((size[0], size[1]), mode, where), (r.value(op, 0),))  # type: ignore[arg-type]
