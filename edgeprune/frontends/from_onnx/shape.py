"""Operators that move elements: shapes, axes, cuts, borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Act, Known, Shape, Value
from edgeprune.ops import Concat, Embedding, Gather, Pad, Slice

MOST_PARTS = 64
MOST_BORDER = 1 << 12


def _target(call: Call, x: Act, wanted: list[int]) -> tuple[int, ...]:
    """Reshape's whole target shape, with 0 and -1 replaced."""
    if not call.attr("allowzero", 0):
        if any(d == 0 and i >= len(x.shape) for i, d in enumerate(wanted)):
            raise call.error(f"shape {wanted} copies an axis that {list(x.shape)} has not")
        wanted = [x.shape[i] if d == 0 else d for i, d in enumerate(wanted)]
    rest = int(np.prod([d for d in wanted if d != -1], dtype=object) or 0)
    size = int(np.prod(x.shape, dtype=np.int64))
    if wanted.count(-1) > 1 or min(wanted, default=0) < -1 or rest == 0:
        raise call.error(f"shape {wanted} makes no sense")
    if -1 in wanted and size % rest == 0:
        wanted = [size // rest if d == -1 else d for d in wanted]
    if -1 in wanted or int(np.prod(wanted, dtype=object)) != size:
        raise call.error(f"{list(x.shape)} cannot become {wanted}")
    return tuple(wanted)


def reshape(r: Reader, call: Call) -> Value:
    """Reshape to a constant shape."""
    x = call.act(0)
    shape = call.need(1)
    if shape.dtype.kind != "i" or shape.ndim != 1:
        raise call.error(f"its shape is {shape.dtype} {list(shape.shape)}, not a list of integers")
    return r.reshape(call, x, _target(call, x, [int(d) for d in shape]))


def flatten(r: Reader, call: Call) -> Value:
    """Flatten to a matrix."""
    x = call.act(0)
    a = call.attr("axis", 1)
    axis = a if a == len(x.shape) else call.axis(a, len(x.shape))
    rows = int(np.prod(x.shape[:axis], dtype=np.int64))
    columns = int(np.prod(x.shape[axis:], dtype=np.int64))
    return r.reshape(call, x, (rows, columns))


def _axes(call: Call) -> tuple[int, ...] | None:
    """Axes as an attribute, or from opset 13 on as an operand."""
    if call.opset < 13:
        return call.ints("axes")
    array = call.known(1)
    return None if array is None else tuple(int(a) for a in array.ravel())


def squeeze(r: Reader, call: Call) -> Value:
    """Axes of length 1 dropped."""
    x = call.act(0)
    rank, axes = len(x.shape), _axes(call)
    if axes is None:
        gone = {i for i, s in enumerate(x.shape) if s == 1}
    else:
        gone = {call.axis(a, rank) for a in axes}
    if any(x.shape[a] != 1 for a in gone):
        raise call.error(f"axes {sorted(gone)} of {list(x.shape)} are not all of length 1")
    return r.reshape(call, x, tuple(s for i, s in enumerate(x.shape) if i not in gone))


def unsqueeze(r: Reader, call: Call) -> Value:
    """Axes of length 1 inserted."""
    x = call.act(0)
    axes = _axes(call)
    if not axes or len(axes) > 8:
        raise call.error(f"its axes are {axes}")
    rank = len(x.shape) + len(axes)
    new = {call.axis(a, rank) for a in axes}
    if len(new) != len(axes):
        raise call.error(f"its axes {axes} are not all different")
    old = iter(x.shape)
    return r.reshape(call, x, tuple(1 if i in new else next(old) for i in range(rank)))


def transpose(r: Reader, call: Call) -> Value:
    """Transpose: another order is noted, nothing moves."""
    x = call.act(0)
    rank = len(x.shape)
    perm = call.ints("perm") or tuple(reversed(range(rank)))
    if sorted(perm) != list(range(rank)):
        raise call.error(f"perm {list(perm)} is no order of {rank} axes")
    if x.batch is not None and perm[0] == 0:
        return replace(x, perm=tuple(x.perm[p - 1] for p in perm[1:]))
    x = r.plain(call, r.unbatched(call, x))
    return replace(x, perm=tuple(x.perm[p] for p in perm))


def depth_to_space(r: Reader, call: Call) -> Value:
    """DepthToSpace: channels become pixels."""
    x = r.batched(call, call.act(0))
    b = call.attr("blocksize", 0)
    if len(x.perm) != 3 or b < 1 or x.sample[0] % (b * b):
        raise call.error(f"blocks of {b} do not go with {list(x.shape)}")
    c, h, w = x.sample[0] // (b * b), *x.sample[1:]
    columns_first = call.attr("mode", b"DCR") == b"CRD"
    parts, order = ((c, b, b, h, w), (0, 3, 1, 4, 2)) if columns_first else (
        (b, b, c, h, w), (2, 3, 0, 4, 1)
    )  # fmt: skip
    return _rearranged(r, call, x, parts, order, (c, h * b, w * b))


def space_to_depth(r: Reader, call: Call) -> Value:
    """SpaceToDepth: pixels become channels."""
    x = r.batched(call, call.act(0))
    b = call.attr("blocksize", 0)
    if len(x.perm) != 3 or b < 1 or x.sample[1] % b or x.sample[2] % b:
        raise call.error(f"blocks of {b} do not go with {list(x.shape)}")
    c, h, w = x.sample[0], x.sample[1] // b, x.sample[2] // b
    order = (0, 2, 4, 1, 3) if call.attr("mode", b"DCR") == b"CRD" else (2, 4, 0, 1, 3)
    return _rearranged(r, call, x, (c, h, b, w, b), order, (c * b * b, h, w))


def _rearranged(r: Reader, call: Call, x: Act, parts: Shape, order: Shape, target: Shape) -> Value:
    """Axes split, moved and joined."""
    y = r.reshaped(call, x, parts)
    return r.reshaped(call, replace(y, perm=tuple(y.perm[p] for p in order)), target)


def shape(r: Reader, call: Call) -> Value:
    """Shape: known, as all shapes are."""
    x = call.operand(0).shape
    return Known(np.asarray(x, np.int64)[call.attr("start", 0) : call.attributes.get("end")])


def size(r: Reader, call: Call) -> Value:
    """Size: the number of elements."""
    return Known(np.asarray(np.prod(call.operand(0).shape, dtype=np.int64)))


def concat(r: Reader, call: Call) -> Value:
    """Concat along one axis, activations and constants."""
    if any(v is None for v in call.inputs):
        raise call.error("an operand is left out")
    values = [call.operand(i) for i in range(len(call.inputs))]
    if "axis" not in call.attributes:
        raise call.error("has no attribute 'axis'")
    rank = len(values[0].shape)
    axis = call.axis(call.attr("axis", 0), rank)
    rests = {v.shape[:axis] + v.shape[axis + 1 :] for v in values}
    if len(rests) != 1 or any(len(v.shape) != rank for v in values):
        raise call.error(f"its operands {[list(v.shape) for v in values]} do not go together")
    acts = [r.plain(call, v) for v in values if isinstance(v, Act)]
    if len(values) == 1:
        return acts[0]
    batch = acts[0].batch
    if axis == 0 or any(v.batch != batch for v in acts):
        acts, batch = [r.unbatched(call, v) for v in acts], None
    perm = acts[0].perm
    acts = [r.ordered(call, v, perm) for v in acts]
    queue = iter(acts)
    operands: list[Act | str] = []
    for v in values:
        if isinstance(v, Known):
            array = v.array if batch is None else v.array[0]
            operands.append(r.constant(call, array.transpose(np.argsort(perm)), "operand"))
        else:
            operands.append(next(queue))
    name, made = r.emit(call, Concat(perm[axis - (batch is not None)]), *operands)
    return Act(name, made, perm, batch)


# -- boxes -----------------------------------------------------------------------------------------

Box = dict[int, tuple[int, int, int]]


def _cut(r: Reader, call: Call, x: Act, box: Box, role: str = "") -> Act:
    """A box cut out of a value: by ONNX axis (batch included) start, stop, step."""
    box = {a: b for a, b in box.items() if b != (0, x.shape[a], 1)}
    if not box:
        return x
    if x.batch is not None and 0 in box:
        x = r.unbatched(call, x)
    x = r.plain(call, x)
    skip = 0 if x.batch is None else 1
    start, stop, step = [0] * len(x.perm), list(x.type.shape), [1] * len(x.perm)
    for axis, (a, b, s) in box.items():
        if not range(a, b, s):
            raise call.unsupported(f"nothing is left of axis {axis} of {list(x.shape)}")
        at = x.perm[axis - skip]
        start[at], stop[at], step[at] = a, b, s
    op = Slice(tuple(start), tuple(stop), tuple(step))
    name, made = r.emit(call, op, x, role=role)
    return replace(x, name=name, type=made)


def _slice_operands(call: Call) -> tuple[list[int], list[int], list[int], list[int]]:
    if call.opset < 10:
        starts, ends = call.ints("starts"), call.ints("ends")
        if starts is None or ends is None:
            raise call.error("has no attributes 'starts' and 'ends'")
        axes: list[int] | None = list(call.ints("axes") or range(len(starts)))
        lists = [list(starts), list(ends)]
        steps = None
    else:
        lists = [[int(v) for v in call.need(i).ravel()] for i in (1, 2)]
        more = [call.known(i) for i in (3, 4)]
        axes, steps = (None if m is None else [int(v) for v in m.ravel()] for m in more)
    starts_, ends_ = lists
    axes = list(range(len(starts_))) if axes is None else axes
    steps = [1] * len(starts_) if steps is None else steps
    if not len(starts_) == len(ends_) == len(axes) == len(steps):
        raise call.error(f"starts {starts_}, ends {ends_}, axes {axes}, steps {steps}")
    return starts_, ends_, axes, steps


def slice_(r: Reader, call: Call) -> Value:
    """Slice with constant bounds."""
    x = call.act(0)
    box: Box = {}
    for start, stop, a, step in zip(*_slice_operands(call), strict=True):
        if step == 0:
            raise call.error("has step 0")
        axis = call.axis(a, len(x.shape))
        box[axis] = slice(start, stop, step).indices(x.shape[axis])
    return _cut(r, call, x, box)


def split(r: Reader, call: Call) -> list[Value]:
    """Split to parts of constant size."""
    x = call.act(0)
    axis = call.axis(call.attr("axis", 0), len(x.shape))
    length, n = x.shape[axis], len(call.outputs)
    given = call.ints("split") if call.opset < 13 else call.known(1)
    if given is None:
        n = call.attr("num_outputs", n)
        part = -(-length // n) if n > 0 else 0
        sizes = [min(part, length - i * part) for i in range(n)]
    else:
        sizes = [int(s) for s in given]
    if 0 in sizes:
        raise call.unsupported("makes a part without elements")
    if min(sizes, default=0) < 1 or sum(sizes) != length or len(sizes) != len(call.outputs):
        raise call.error(f"splits {length} elements to {sizes}, with {len(call.outputs)} results")
    ends = np.cumsum(sizes).tolist()
    return [
        _cut(r, call, x, {axis: (end - s, end, 1)}, role=f"part{i}") if call.outputs[i] else x
        for i, (s, end) in enumerate(zip(sizes, ends, strict=True))
    ]


def gather(r: Reader, call: Call) -> Value:
    """Gather with constant indices along one axis, or of rows of a constant by number."""
    numbers = call.operand(1)
    if isinstance(numbers, Act) and numbers.type.is_index:
        return _embedding(r, call, numbers)
    x = call.act(0)
    axis = call.axis(call.attr("axis", 0), len(x.shape))
    indices = call.need(1)
    length = x.shape[axis]
    if indices.dtype.kind != "i" or indices.size == 0:
        raise call.unsupported(f"its indices have shape {list(indices.shape)}")
    if indices.min() < -length or indices.max() >= length:
        raise call.error(f"its indices do not lie in 0..{length - 1}")
    y = pick(r, call, x, axis, (indices.ravel() % length).tolist())
    shape = y.shape[:axis] + indices.shape + y.shape[axis + 1 :]
    return y if indices.ndim == 1 else r.reshape(call, y, shape)


def _embedding(r: Reader, call: Call, numbers: Act) -> Value:
    """Rows of a table by numbers that are computed."""
    table = call.need(0)
    if not table.ndim or call.axis(call.attr("axis", 0), table.ndim) or table.dtype.kind != "f":
        raise call.unsupported(
            f"chooses of {table.dtype} {list(table.shape)} along another axis than the first",
            "rows of a float32 table can be chosen",
        )
    numbers = r.plain(call, numbers)
    held = r.constant(call, table.reshape(len(table), -1), "table")
    name, made = r.emit(call, Embedding(), numbers, held)
    y = Act(name, made, (*numbers.perm, len(numbers.perm)), numbers.batch)
    return y if table.ndim == 2 else r.reshape(call, y, numbers.shape + table.shape[1:])


def pick(r: Reader, call: Call, x: Act, axis: int, at: list[int], role: str = "") -> Act:
    """Chosen indices of an ONNX axis, batch included: a Slice where one reads them, or a Gather."""
    steps = set(np.diff(at).tolist()) or {1}
    step = steps.pop()
    if not steps and step:
        stop = at[-1] + (1 if step > 0 else -1)
        return _cut(r, call, x, {axis: (at[0], stop, step)}, role)
    x = r.unbatched(call, x) if x.batch is not None and axis == 0 else x
    x = r.last(call, x, axis - (x.batch is not None))
    name, made = r.emit(call, Gather(tuple(at)), x, role=role)
    return replace(x, name=name, type=made)


def _pad_operands(call: Call, rank: int) -> tuple[list[int], list[int], float]:
    """Counts before and after each axis, and the value."""
    if call.opset < 11:
        pads, value = list(call.ints("pads") or ()), call.attr("value", 0.0)
        axes = list(range(rank))
    else:
        pads = [int(p) for p in call.need(1).ravel()]
        fill = call.known(2)
        value = 0.0 if fill is None or not fill.size else float(fill.ravel()[0])
        given = call.known(3)
        axes = list(range(rank)) if given is None else [call.axis(int(a), rank) for a in given]
    if len(pads) != 2 * len(axes):
        raise call.error(f"{len(pads)} pads for {len(axes)} axes")
    before, after = [0] * rank, [0] * rank
    for i, a in enumerate(axes):
        before[a], after[a] = pads[i], pads[len(axes) + i]
    return before, after, value


def pad(r: Reader, call: Call) -> Value:
    """Pad with a constant, or with elements of the value; negative counts cut off."""
    x, mode = call.act(0), call.attr("mode", b"constant").decode(errors="replace")
    before, after, value = _pad_operands(call, len(x.shape))
    if not np.isfinite(value):
        raise call.unsupported(f"pads with {value}")
    box = {
        i: (max(-b, 0), s + min(a, 0), 1)
        for i, (b, a, s) in enumerate(zip(before, after, x.shape, strict=True))
    }
    x = _cut(r, call, x, box, role="cut")
    if mode in BORDERS:
        for axis, ends in enumerate(zip(before, after, strict=True)):
            x = _bordered(r, call, x, axis, (max(ends[0], 0), max(ends[1], 0)), mode)
        return x
    if mode != "constant":
        raise call.unsupported(f"has mode {mode!r}", f"use constant, {', '.join(BORDERS)}")
    if max(*before, *after, 0) == 0:
        return x
    if x.batch is not None and (before[0] > 0 or after[0] > 0):
        x = r.unbatched(call, x)
    x = r.plain(call, x)
    skip = 0 if x.batch is None else 1
    front, behind = [0] * len(x.perm), [0] * len(x.perm)
    for i, p in enumerate(x.perm):
        front[p], behind[p] = max(before[i + skip], 0), max(after[i + skip], 0)
    name, made = r.emit(call, Pad(tuple(front), tuple(behind), value), x)
    return replace(x, name=name, type=made)


BORDERS: Mapping[str, Literal["reflect", "edge", "wrap"]] = {
    "edge": "edge", "reflect": "reflect", "wrap": "wrap",
}  # fmt: skip


def _bordered(r: Reader, call: Call, x: Act, axis: int, ends: tuple[int, int], mode: str) -> Act:
    """Elements of the value itself in front and behind, along an ONNX axis (batch included)."""
    if ends == (0, 0):
        return x
    if max(ends) > MOST_BORDER:
        raise call.unsupported(f"adds {max(ends)} elements", f"{MOST_BORDER} at most")
    at = np.pad(np.arange(x.shape[axis]), ends, mode=BORDERS[mode])
    return rearranged(r, call, x, axis, at.tolist())


def rearranged(r: Reader, call: Call, x: Act, axis: int, at: list[int]) -> Act:
    """Indices of an ONNX axis, in runs that go up or down: slices side by side."""
    parts, role = [at[:1]], f"axis{axis}"
    for i in at[1:]:
        run = parts[-1]
        if abs(i - run[-1]) == 1 and (len(run) == 1 or i - run[-1] == run[-1] - run[-2]):
            run.append(i)
        else:
            parts.append([i])
    if len(parts) > MOST_PARTS:
        raise call.unsupported(f"takes {len(parts)} parts of an axis", f"{MOST_PARTS} at most")
    if x.batch is not None and axis == 0:
        x = r.unbatched(call, x)
    x = r.plain(call, x)
    made = [pick(r, call, x, axis, run, f"{role}/{k}") for k, run in enumerate(parts)]
    if len(made) == 1:
        return made[0]
    op = Concat(x.perm[axis - (x.batch is not None)])
    name, t = r.emit(call, op, *made, role=role)
    return replace(x, name=name, type=t)
