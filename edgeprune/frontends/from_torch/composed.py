"""Functions that are others in a row: sums of products, logarithms of sums, repetitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from onnx import TensorProto

from edgeprune.frontends.from_onnx.repeat import MAX_REPEATED
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.frontends.from_torch.call import Aten, Function, ints, number


def _scaled(n: Aten, v: Value, factor: float) -> Value:
    return v if factor == 1 else n.onnx("Mul", v, number(factor))


def added_product(n: Aten) -> Value:
    """Baddbmm: beta self + alpha (batch1 @ batch2)."""
    beta, alpha = (float(n.get(k, 1)) for k in ("beta", "alpha"))
    product = _scaled(n, n.onnx("MatMul", n.value("batch1"), n.value("batch2")), alpha)
    return n.onnx("Add", _scaled(n, n.value("self"), beta), product) if beta else product


def added_ratio(kind: str) -> Function:
    """Addcmul and addcdiv: self + value (tensor1 by tensor2)."""

    def convert(n: Aten) -> Value:
        both = n.onnx(kind, n.value("tensor1"), n.value("tensor2"))
        return n.onnx("Add", n.value("self"), _scaled(n, both, float(n.get("value", 1))))

    return convert


def lerp(n: Aten) -> Value:
    """Lerp: self + weight (end - self)."""
    weight, x = n.get("weight"), n.value("self")
    held = weight if isinstance(weight, Act | Known) else number(float(weight))
    return n.onnx("Add", x, n.onnx("Mul", held, n.onnx("Sub", n.value("end"), x)))


def log_of(added: float, base: float = math.e) -> Function:
    """log(added + x) / log(base)."""

    def convert(n: Aten) -> Value:
        x = n.onnx("Add", n.value(), number(added)) if added else n.value()
        return _scaled(n, n.onnx("Log", x), 1 / math.log(base))

    return convert


def exp2(n: Aten) -> Value:
    """Exp2."""
    return n.onnx("Exp", n.onnx("Mul", n.value(), number(math.log(2))))


def expm1(n: Aten) -> Value:
    """Expm1."""
    return n.onnx("Sub", n.onnx("Exp", n.value()), number(1))


def log_sum_exp(n: Aten) -> Value:
    """Logsumexp."""
    axes = n.get("dim")
    listed = [axes] if isinstance(axes, int) else list(axes)
    return n.onnx("ReduceLogSumExp", n.value(), ints(listed), keepdims=int(n.get("keepdim", False)))


def truth_of(kind: str) -> Function:
    """Any and all of truth values: the largest, the least."""

    def convert(n: Aten) -> Value:
        axes = n.get("dim")
        listed = None if axes is None else [axes] if isinstance(axes, int) else list(axes)
        given = None if listed is None else ints(listed)
        truth = n.onnx("Cast", n.value(), to=TensorProto.BOOL)
        return n.onnx(kind, truth, given, keepdims=int(n.get("keepdim", False)))

    return convert


def running_sum(n: Aten) -> Value:
    """Cumsum."""
    return n.onnx("CumSum", n.value(), ints([int(n.get("dim"))]))


def narrow(n: Aten) -> Value:
    """Narrow: a slice of one axis."""
    axis, start, length = int(n.get("dim")), int(n.get("start", 0)), int(n.get("length"))
    start += n.shape[axis] if start < 0 else 0
    return n.onnx("Slice", n.value(), *map(ints, ([start], [start + length], [axis])))


def difference(n: Aten) -> Value:
    """Diff of neighbours."""
    if n.get("n", 1) != 1 or n.get("prepend") is not None or n.get("append") is not None:
        raise n.unsupported("is taken several times or of more", "take single differences")
    axis = int(n.get("dim", -1)) % len(n.shape)
    length = n.shape[axis]
    ends = ((1, length), (0, length - 1))
    high, low = (n.onnx("Slice", n.value(), *map(ints, ([a], [b], [axis]))) for a, b in ends)
    return n.onnx("Sub", high, low)


def repeated(n: Aten, x: Value, axis: int, indices: list[int]) -> Value:
    """A value of which one axis runs through some indices."""
    if math.prod(x.shape) // max(x.shape[axis], 1) * len(indices) > MAX_REPEATED:
        raise n.unsupported(f"makes more than {MAX_REPEATED} elements")
    return n.onnx("Gather", x, ints(indices), axis=axis)


def windows(n: Aten) -> Value:
    """Unfold: windows along one axis, whose elements are a new last one."""
    rank = len(n.shape)
    axis, size, step = int(n.get("dimension")) % rank, int(n.get("size")), int(n.get("step"))
    starts = np.arange(0, n.shape[axis] - size + 1, step)
    indices = Known(starts[:, None] + np.arange(size))
    if math.prod(n.shape) // n.shape[axis] * indices.array.size > MAX_REPEATED:
        raise n.unsupported(f"makes more than {MAX_REPEATED} elements")
    perm = [a for a in range(rank + 1) if a != axis + 1]
    return n.onnx(
        "Transpose", n.onnx("Gather", n.value(), indices, axis=axis), perm=[*perm, axis + 1]
    )


def matrix_transpose(n: Aten) -> Value:
    """The mT of a tensor: its last two axes exchanged."""
    rank = len(n.shape)
    return n.onnx("Transpose", n.value(), perm=[*range(rank - 2), rank - 1, rank - 2])


def repeat(n: Aten) -> Value:
    """Repeat and tile: copies of all along each axis."""
    given = n.get("repeats", n.get("dims"))
    rank = max(len(given), len(n.shape))
    times = [1] * (rank - len(given)) + [int(k) for k in given]
    shape = (1,) * (rank - len(n.shape)) + n.shape
    x = n.value() if shape == n.shape else n.onnx("Reshape", n.value(), ints(shape), allowzero=1)
    return n.onnx("Tile", x, ints(times))


def repeat_interleave(n: Aten) -> Value:
    """repeat_interleave by one number along one axis: each element several times."""
    times, axis = n.get("repeats"), n.get("dim")
    if not isinstance(times, int) or axis is None:
        raise n.unsupported("repeats by several numbers, or all elements", "give one, and an axis")
    at = int(axis) % len(n.shape)
    return repeated(n, n.value(), at, [i for i in range(n.shape[at]) for _ in range(times)])


def shared(n: Aten, v: Value, heads: int) -> Value:
    """Keys or values of fewer heads, each for a group of queries."""
    own = v.shape[-3]
    if heads % own:
        raise n.unsupported(f"shares {own} heads among {heads}")
    return repeated(n, v, len(v.shape) - 3, [i // (heads // own) for i in range(heads)])


def rrelu(n: Aten) -> Value:
    """Rrelu at inference: a leaky ReLU of the mean slope."""
    slope = (float(n.get("lower", 1 / 8)) + float(n.get("upper", 1 / 3))) / 2
    return n.onnx("LeakyRelu", n.value(), alpha=slope)


def filled(value: float | None) -> Callable[[Aten], Value]:
    """new_zeros, new_ones, new_full: a constant."""

    def convert(n: Aten) -> Value:
        number_ = float(n.get("fill_value")) if value is None else value
        shape = [int(s) for s in n.get("size")]
        if math.prod(shape) > MAX_REPEATED:
            raise n.unsupported(f"makes more than {MAX_REPEATED} elements")
        return Known(np.full(shape, number_, np.float32))

    return convert
