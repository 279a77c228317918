"""Steps of a sequence side by side: values whose first axis is no batch, between PACK and UNPACK.

What converters make of recurrent layers that are written out: the batch of 1 goes behind the steps,
they are taken apart, and joined again. Such a tensor is an IR value of the tensor's whole shape.
"""

from __future__ import annotations

from edgeprune.errors import EdgePruneError, UnsupportedError
from edgeprune.frontends.from_tflite.file import Operator, option
from edgeprune.frontends.from_tflite.moves import strided_box
from edgeprune.frontends.from_tflite.reader import Reader
from edgeprune.ops import Concat, Reshape, Slice, Transpose

SHAPES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE", "TRANSPOSE")
MOST_STEPS = 1024


def follow(r: Reader, op: Operator) -> bool:
    """Read an operator that gives a value another first axis, or reads one; whether it is."""
    if not op.inputs or op.name not in (*SHAPES, "REVERSE_V2", "STRIDED_SLICE", "UNPACK"):
        return False
    source, shape = _whole(r, op), r.operand(op, 0).shape
    if source is None or not shape:
        return False
    if op.name == "UNPACK":
        _apart(r, op, source, shape)
        return True
    if op.inputs[0] not in r.stacked and r.result(op).shape[:1] in ((), (1,)):
        return False
    if op.name == "STRIDED_SLICE":
        box = [(b.start, b.stop, b.step) for b in strided_box(r, op, shape)]
        source = r.between(op, _box(box), (source,), "cut")
    elif op.name == "REVERSE_V2":
        axes = {a % len(shape) for a in r.integers(op, 1)}
        back = [(n - 1, -1, -1) if i in axes else (0, n, 1) for i, n in enumerate(shape)]
        source = r.between(op, _box(back), (source,), "reversed")
    elif op.name == "TRANSPOSE":
        source = _turned(r, op, source, shape)
    _give(r, op, source)
    return True


def _whole(r: Reader, op: Operator) -> str | None:
    """The operand as a value of its whole shape; None where it is a constant."""
    number = op.inputs[0]
    if number in r.stacked:
        return r.stacked[number]
    t = r.operand(op, 0)
    return t.name if t.name in r.known else None


def _box(bounds: list[tuple[int, int, int]]) -> Slice:
    start, stop, step = zip(*bounds, strict=True)
    return Slice(start, stop, step)


def _turned(r: Reader, op: Operator, source: str, shape: tuple[int, ...]) -> str:
    """Axes in another order, the first among them."""
    perm = tuple(r.integers(op, 1))
    if sorted(perm) != list(range(len(shape))):
        raise EdgePruneError(r.where(op), f"{list(perm)} is no order of its axes")
    long = [p for p in perm if shape[p] != 1]
    if long == sorted(long):
        return source
    whole = r.between(op, Reshape(shape=shape), (source,), "whole")
    return r.between(op, Transpose(perm), (whole,), "turned")


def _give(r: Reader, op: Operator, source: str) -> None:
    """The result, in the shape that the file says."""
    shape = r.result(op).shape
    if r.known[source].size != max(1, _size(shape)):
        raise EdgePruneError(r.where(op), f"{r.known[source].size} elements as {list(shape)}")
    if shape[:1] == (1,):
        r.add(op, Reshape(shape=shape[1:]), (source,))
    else:
        r.stacked[op.outputs[0]] = r.between(op, Reshape(shape=shape), (source,), "steps")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _apart(r: Reader, op: Operator, source: str, shape: tuple[int, ...]) -> None:
    """UNPACK: UnpackOptions(count, axis): slices of one axis, each without it."""
    axis = int(option(op, 1, "i"))
    axis = axis + len(shape) if axis < 0 else axis
    count = len(op.outputs)
    if not 0 <= axis < len(shape) or count != shape[axis] or count > MOST_STEPS:
        raise EdgePruneError(r.where(op), f"{count} parts of axis {axis} of {list(shape)}")
    if r.known[source].shape != shape:
        source = r.between(op, Reshape(shape=shape), (source,), "whole")
    for i, number in enumerate(op.outputs):
        bounds = [(i, i + 1, 1) if a == axis else (0, n, 1) for a, n in enumerate(shape)]
        part = r.between(op, _box(bounds), (source,), f"step{i}")
        t = r.file.tensors[number]
        if t.shape[:1] != (1,):
            raise UnsupportedError(r.where(op), f"makes {list(t.shape)}, which has no batch of 1")
        r.add(op, Reshape(shape=t.shape[1:]), (part,), t)


def pack(r: Reader, op: Operator) -> None:
    """PACK: PackOptions(count, axis): values side by side along a new axis."""
    r.check_types(op, *range(len(op.inputs)))
    shape, axis = r.result(op).shape, int(option(op, 1, "i"))
    axis = axis + len(shape) if axis < 0 else axis
    alike = all(r.operand(op, p).quant == r.result(op).quant for p in range(len(op.inputs)))
    if not 0 <= axis < len(shape) or shape[axis] != len(op.inputs) or not op.inputs:
        raise EdgePruneError(r.where(op), f"{len(op.inputs)} values as {list(shape)}")
    if not alike or len(op.inputs) > MOST_STEPS:
        raise UnsupportedError(r.where(op), "stacks values of different scales, or too many")
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    parts = [r.between(op, Reshape(shape=one), (r.value(op, p),), f"step{p}")
             for p in range(len(op.inputs))]  # fmt: skip
    _give(r, op, parts[0] if len(parts) == 1 else r.between(op, Concat(axis), parts, "joined"))
