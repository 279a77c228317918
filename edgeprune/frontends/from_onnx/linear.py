"""Matrix products: fully connected layers, and products of two computed matrices."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeprune.frontends.from_onnx import elementwise
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.shape import pick
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.ir import Array
from edgeprune.ops import Add, Concat, Dense, MatMul

MAX_MATRICES = 64


def _dense(r: Reader, call: Call, x: Act, w: Array, bias: Array) -> Act:
    """The product of x (..., i) with w (o, i), plus bias (o,), over ONNX's last axis."""
    if not x.perm or x.sample[-1] != w.shape[1]:
        raise call.error(f"{list(x.shape)} does not go with a matrix {list(w.shape[::-1])}")
    if x.fold is not None:  # the columns move instead of the image's elements
        w = w[:, np.argsort(x.fold.order)]
        x = replace(x, fold=None)
    else:
        x = r.last(call, x, len(x.perm) - 1)
    weights, b = r.constant(call, w, "weights"), r.constant(call, bias, "bias")
    name, made = r.emit(call, Dense(), x, weights, b)
    return replace(x, name=name, type=made)


def _vector(c: Array | None, beta: float, length: int) -> Array | None:
    """Gemm's C as a bias, where it is one."""
    if c is None or beta == 0.0:
        return np.zeros(length, np.float32)
    if c.ndim > 2 or c.size not in (1, length) or (c.ndim == 2 and c.shape[0] != 1):
        return None
    return np.broadcast_to(np.float64(beta) * c.ravel(), (length,))


def gemm(r: Reader, call: Call) -> Value:
    """Gemm: alpha * A' * B' + beta * C with a constant B."""
    x, w, c = call.operand(0), call.operand(1), call.optional(2)
    if isinstance(w, Act) or isinstance(c, Act):
        return _computed_gemm(r, call)
    if not isinstance(x, Act):
        raise call.unsupported("its first matrix is a constant", "swap the operands")
    if w.array.ndim != 2 or len(x.shape) != 2:
        raise call.error(f"its operands are {list(x.shape)} and {list(w.shape)}, not matrices")
    alpha, beta = call.attr("alpha", 1.0), call.attr("beta", 1.0)
    if call.attr("transA", 0):
        x = r.plain(call, r.unbatched(call, x))
        x = replace(x, perm=x.perm[::-1])
    matrix = w.array if call.attr("transB", 0) else w.array.T
    if alpha != 1.0:
        matrix = np.asarray(np.float64(alpha) * matrix, np.float64)
    length = int(matrix.shape[0])
    bias = _vector(None if c is None else c.array, beta, length)
    if bias is not None:
        return _dense(r, call, x, matrix, bias)
    assert c is not None
    x = r.unbatched(call, x)
    y = _dense(r, call, x, matrix, np.zeros(length, np.float32))
    try:
        rest = np.broadcast_to(np.float64(beta) * c.array, y.shape)
    except ValueError:
        raise call.error(f"its C {list(c.shape)} does not go with {list(y.shape)}") from None
    return r.like(y, r.emit(call, Add(), y, r.data(call, rest, y, "c"), role="c"))


def _computed_gemm(r: Reader, call: Call) -> Value:
    """Gemm whose B or C is computed: a product, then a sum."""
    operands = [_turned(r, call, i, name) for i, name in enumerate(("transA", "transB"))]
    y = matmul(r, replace(call, name=f"{call.name}/product", inputs=tuple(operands)))
    y = _scaled(r, call, y, "alpha")
    c = call.optional(2)
    if c is None or call.attr("beta", 1.0) == 0:
        return y
    return elementwise.add(r, replace(call, inputs=(y, _scaled(r, call, c, "beta"))))


def _turned(r: Reader, call: Call, i: int, attribute: str) -> Value:
    """Operand i, transposed where an attribute says so."""
    v = call.operand(i)
    if not call.attr(attribute, 0):
        return v
    if isinstance(v, Known):
        return Known(v.array.T)
    v = r.plain(call, r.unbatched(call, v))
    return replace(v, perm=v.perm[::-1])


def _scaled(r: Reader, call: Call, v: Value, attribute: str) -> Value:
    """A value times one of Gemm's numbers."""
    number = call.attr(attribute, 1.0)
    if number == 1.0:
        return v
    if isinstance(v, Known):
        return Known(np.asarray(np.float64(number) * v.array, np.float32))
    factor = Known(np.asarray(number, np.float32))
    return elementwise.mul(r, replace(call, name=f"{call.name}/{attribute}", inputs=(v, factor)))


def matmul(r: Reader, call: Call) -> Value:
    """MatMul of two values, at most one of them a constant."""
    a, b = call.operand(0), call.operand(1)
    if isinstance(a, Act) and isinstance(b, Known):
        return _times_matrix(r, call, a, b.array)
    if isinstance(a, Known) and isinstance(b, Act):
        return _matrix_times(r, call, a.array, b)
    if isinstance(a, Act) and isinstance(b, Act):
        return _product(r, call, a, b)
    raise call.unsupported("multiplies two constants", "fold constants before export")


def _product(r: Reader, call: Call, a: Act, b: Act) -> Act:
    """The product of two computed values, by the rules of numpy's matmul."""
    left, right = a.shape, b.shape
    if not left or not right or left[-1] != right[-2 if len(right) > 1 else 0]:
        raise call.error(f"its operands {list(left)} and {list(right)} do not go together")
    a = r.reshape(call, r.unbatched(call, a), (1, *left)) if len(left) == 1 else a
    b = r.reshape(call, r.unbatched(call, b), (*right, 1)) if len(right) == 1 else b
    a, b = (r.plain(call, v) for v in (a, b))
    if len(a.shape) != len(b.shape) or None in (a.batch, b.batch) or len(a.shape) == 2:
        a, b = r.unbatched(call, a), r.unbatched(call, b)
    rank = max(len(a.perm), len(b.perm))
    a, b = (r.reshaped(call, v, (1,) * (rank - len(v.perm)) + v.sample) for v in (a, b))
    a, b = _with_as_many(r, call, a, b)
    straight = tuple(range(rank))
    swapped = (*straight[:-2], rank - 1, rank - 2)
    transposed = b.perm[-1] < b.perm[-2]
    a = r.ordered(call, a, straight)
    b = r.ordered(call, b, swapped if transposed else straight)
    name, made = r.emit(call, MatMul(transposed), a, b)
    y = Act(name, made, straight, a.batch)
    if min(len(left), len(right)) > 1:
        return y
    shape = y.shape[: len(y.shape) - 2]
    shape += (y.shape[-2],) * (len(left) > 1) + (y.shape[-1],) * (len(right) > 1)
    return r.reshape(call, y, shape)


def _with_as_many(r: Reader, call: Call, a: Act, b: Act) -> tuple[Act, Act]:
    """Operands of one rank with equally many matrices, or one."""
    lead = a.sample[:-2], b.sample[:-2]
    if lead[0] == lead[1] or 1 in map(math.prod, lead):
        return a, b
    try:
        shape = np.broadcast_shapes(*lead)
    except ValueError:
        raise call.error(f"its operands {[a.shape, b.shape]} do not go together") from None
    made = []
    for v, role in ((a, "left"), (b, "right")):
        batch = () if v.batch is None else (v.batch,)
        wanted = Known(np.asarray((*batch, *shape, *v.sample[-2:]), np.int64))
        spread = elementwise.expand(
            r, replace(call, name=f"{call.name}/{role}", inputs=(v, wanted))
        )
        assert isinstance(spread, Act)
        made.append(spread)
    return made[0], made[1]


def _times_matrices(r: Reader, call: Call, x: Act, array: Array) -> Act:
    """A product with as many matrices as there are in the axes in front: one dense layer each."""
    shape = np.broadcast_shapes(x.shape[:-2], array.shape[:-2])
    count = int(np.prod(shape, dtype=np.int64))
    if count > MAX_MATRICES:
        raise call.unsupported(f"multiplies by {count} matrices", f"use {MAX_MATRICES} at most")
    x = r.plain(call, r.unbatched(call, x))
    lead, rows = x.shape[:-2], x.shape[-2:]
    x = r.reshape(call, x, (int(np.prod(lead, dtype=np.int64)), *rows))
    x = r.unbatched(call, x)
    which = np.broadcast_to(np.arange(x.shape[0]).reshape(lead), shape).ravel().tolist()
    matrices = np.broadcast_to(array, (*shape, *array.shape[-2:])).reshape(-1, *array.shape[-2:])
    parts = []
    for k, (i, matrix) in enumerate(zip(which, matrices, strict=True)):
        part = pick(r, call, x, 0, [i], role=f"in{k}")
        parts.append(_dense(r, call, part, matrix.T, np.zeros(matrix.shape[1], np.float32)))
    perm = parts[0].perm
    joined = [r.ordered(call, p, perm) for p in parts]
    name, made = r.emit(call, Concat(perm[0]), *joined, role="joined")
    return r.reshape(call, Act(name, made, perm, None), (*shape, rows[0], array.shape[-1]))


def _matrix(call: Call, array: Array) -> Array:
    if array.ndim < 2 or any(s != 1 for s in array.shape[:-2]):
        raise call.unsupported(f"its constant has shape {list(array.shape)}, not a matrix's")
    return array.reshape(array.shape[-2:])


def _times_matrix(r: Reader, call: Call, x: Act, array: Array) -> Value:
    """The product of x (..., i) with a constant (i, o), or a constant vector (i,)."""
    if array.ndim == 1:
        y = _times_matrix(r, call, x, array[:, None])
        assert isinstance(y, Act)
        return r.reshape(call, y, y.shape[:-1])
    if any(s != 1 for s in array.shape[:-2]):
        if len(x.shape) > 1:
            return _times_matrices(r, call, x, array)
        y = _times_matrices(r, call, r.reshape(call, r.unbatched(call, x), (1, *x.shape)), array)
        return r.reshape(call, y, (*y.shape[:-2], y.shape[-1]))
    extra = max(array.ndim - len(x.shape), 0) if len(x.shape) > 1 else 0
    w = _matrix(call, array)
    if not x.perm:  # rows of length 1 cannot be told from a batch of scalars
        x = r.unbatched(call, x)
    y = _dense(r, call, x, w.T, np.zeros(w.shape[1], np.float32))
    return y if not extra else r.reshape(call, y, (1,) * extra + y.shape)


def _swapped(x: Act) -> Act:
    """A value with its last two axes the other way round, which moves nothing."""
    return replace(x, perm=(*x.perm[:-2], x.perm[-1], x.perm[-2]))


def _matrix_times(r: Reader, call: Call, array: Array, x: Act) -> Value:
    """A constant (o, i) times x (i, n): the transposed product of the transposed operands."""
    if len(x.shape) < 2:
        raise call.unsupported(f"multiplies a constant matrix by {list(x.shape)}")
    if any(s != 1 for s in array.shape[:-2]):
        x = r.plain(call, r.unbatched(call, x))
        return _swapped(_times_matrices(r, call, _swapped(x), array.swapaxes(-1, -2)))
    w = _matrix(call, array if array.ndim > 1 else array[None])
    if len(x.perm) < 2:
        x = r.unbatched(call, x)
    x = r.plain(call, x)
    y = _swapped(_dense(r, call, _swapped(x), w, np.zeros(w.shape[0], np.float32)))
    if array.ndim == 1:
        return r.reshape(call, y, (*y.shape[:-2], y.shape[-1]))
    return y
