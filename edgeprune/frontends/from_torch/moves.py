"""Operators that move elements: shapes, axes, cuts, borders, sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgeprune.frontends.from_onnx import index as indices
from edgeprune.frontends.from_onnx.shape import rearranged
from edgeprune.frontends.from_onnx.shape import split as split_onnx
from edgeprune.frontends.from_onnx.value import Act, Index, Known, Value
from edgeprune.frontends.from_torch.archive import DTYPES
from edgeprune.frontends.from_torch.call import Aten, Function, ints, number
from edgeprune.ir import Array

MAX_FILLED = 1 << 22
"""Elements of a constant that is made from one number."""


def view(n: Aten) -> Value:
    """View and reshape."""
    return n.onnx("Reshape", n.value(), ints(n.get("size", n.get("shape"))), allowzero=1)


def expand(n: Aten) -> Value:
    """Expand, and expand_as; -1 keeps a length."""
    other = n.get("other")
    wanted = [int(d) for d in n.get("size")] if other is None else list(n.value("other").shape)
    own = (1,) * (len(wanted) - len(n.shape)) + n.shape
    sizes = [o if d == -1 else d for d, o in zip(wanted, own, strict=True)]
    return n.onnx("Expand", n.value(), ints(sizes))


def flatten(n: Aten) -> Value:
    """Flatten of some axes."""
    shape = n.shape
    first, last = (int(n.get(k, d)) % len(shape) for k, d in (("start_dim", 0), ("end_dim", -1)))
    joined = math.prod(shape[first : last + 1])
    return n.onnx("Reshape", n.value(), ints((*shape[:first], joined, *shape[last + 1 :])))


def unflatten(n: Aten) -> Value:
    """One axis split to several; one of their lengths may be -1."""
    shape, sizes = n.shape, [int(s) for s in n.get("sizes")]
    at = int(n.get("dim")) % len(shape)
    if -1 in sizes:
        rest = -math.prod(sizes)
        sizes = [shape[at] // max(rest, 1) if s == -1 else s for s in sizes]
    return n.onnx("Reshape", n.value(), ints((*shape[:at], *sizes, *shape[at + 1 :])), allowzero=1)


def permute(n: Aten) -> Value:
    """Permute."""
    rank = len(n.shape)
    return n.onnx("Transpose", n.value(), perm=[int(d) % rank for d in n.get("dims")])


def transpose(n: Aten) -> Value:
    """Two axes exchanged; t() is that of a matrix."""
    rank = len(n.shape)
    perm = list(range(rank))
    a, b = int(n.get("dim0", 0)) % max(rank, 1), int(n.get("dim1", 1)) % max(rank, 1)
    perm[a], perm[b] = perm[b], perm[a]
    return n.onnx("Transpose", n.value(), perm=perm)


def squeeze(n: Aten) -> Value:
    """Axes of length 1 dropped; others that are named stay."""
    shape, dims = n.shape, n.get("dim")
    named = range(len(shape)) if dims is None else [dims] if isinstance(dims, int) else dims
    gone = {int(d) % len(shape) for d in named}
    kept = [s for i, s in enumerate(shape) if i not in gone or s != 1]
    return n.onnx("Reshape", n.value(), ints(kept))


def unsqueeze(n: Aten) -> Value:
    """Unsqueeze."""
    return n.onnx("Unsqueeze", n.value(), ints([int(n.get("dim"))]))


def cat(n: Aten) -> Value:
    """Concat."""
    return n.onnx("Concat", *n.get("tensors"), axis=int(n.get("dim", 0)))


def stack(n: Aten) -> Value:
    """Tensors side by side along a new axis."""
    tensors = n.get("tensors")
    at = int(n.get("dim", 0)) % (len(tensors[0].shape) + 1)
    return n.onnx("Concat", *(n.onnx("Unsqueeze", t, ints([at])) for t in tensors), axis=at)


def _split(n: Aten, sizes: Sequence[int]) -> Sequence[Value]:
    x, axis = n.value(), int(n.get("dim", 0))
    if isinstance(x, Known):
        return [Known(part) for part in np.split(x.array, np.cumsum(sizes)[:-1], axis)]
    several = Aten(n.reader, n.name, n.where, n.args, len(sizes))
    call = several.call("Split", (n.value(), ints(sizes)), axis=int(n.get("dim", 0)))
    return split_onnx(n.reader, call)


def split(n: Aten) -> Sequence[Value]:
    """Split to parts of one size, or of given sizes."""
    sizes = n.get("split_sizes", n.get("split_size"))
    length = n.shape[int(n.get("dim", 0))]
    if isinstance(sizes, int):
        whole, rest = divmod(length, max(sizes, 1))
        sizes = [sizes] * whole + [rest] * (rest > 0)
    return _split(n, sizes)


def chunk(n: Aten) -> Sequence[Value]:
    """Split to a number of parts."""
    length, parts = n.shape[int(n.get("dim", 0))], int(n.get("chunks"))
    size = -(-length // max(parts, 1))
    return _split(n, [min(size, length - i) for i in range(0, length, size)])


def slice_(n: Aten) -> Value:
    """A slice of one axis."""
    stop = min(int(n.get("end", 2**62)), 2**62)
    bounds = (int(n.get("start", 0)), stop, int(n.get("dim", 0)), int(n.get("step", 1)))
    return n.onnx("Slice", n.value(), *(ints([b]) for b in bounds))


def flip(n: Aten) -> Value:
    """Axes turned round."""
    dims = [int(d) for d in n.get("dims")]
    starts, stops, steps = ([v] * len(dims) for v in (-1, -(2**62), -1))
    return n.onnx("Slice", n.value(), *map(ints, (starts, stops, dims, steps)))


def select(n: Aten) -> Value:
    """One index of an axis."""
    at = Known(np.asarray(int(n.get("index")), np.int64))
    return n.onnx("Gather", n.value(), at, axis=int(n.get("dim")))


BORDERS = {
    "constant": b"constant", "reflect": b"reflect", "replicate": b"edge", "circular": b"wrap",
}  # fmt: skip


def pad(n: Aten) -> Value:
    """Padding, the last axis first: constant, or by elements of the value."""
    return padded(n, BORDERS.get(n.get("mode", "constant"), b""))


def border(mode: bytes) -> Function:
    """reflection_pad and replication_pad."""
    return lambda n: padded(n, mode)


def padded(n: Aten, mode: bytes) -> Value:
    """Padding of that ONNX mode."""
    if not mode:
        raise n.unsupported(f"has mode {n.get('mode')!r}", f"use one of {', '.join(BORDERS)}")
    flat = [int(p) for p in n.get("pad", n.get("padding"))]
    rank, pairs = len(n.shape), list(zip(flat[::2], flat[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (rank - len(pairs)) + pairs
    pads = ints([b for b, _ in pairs] + [a for _, a in pairs])
    return n.onnx("Pad", n.value(), pads, number(float(n.get("value", 0.0))), mode=mode)


def pixel_shuffle(n: Aten) -> Value:
    """Channels to pixels."""
    return n.onnx("DepthToSpace", n.value(), blocksize=int(n.get("upscale_factor")), mode=b"CRD")


def pixel_unshuffle(n: Aten) -> Value:
    """Pixels to channels."""
    factor = int(n.get("downscale_factor"))
    return n.onnx("SpaceToDepth", n.value(), blocksize=factor, mode=b"CRD")


def channel_shuffle(n: Aten) -> Value:
    """Channels of all groups in turn."""
    shape, groups = n.shape, int(n.get("groups"))
    parts = (shape[0], groups, shape[1] // max(groups, 1), *shape[2:])
    split = n.onnx("Reshape", n.value(), ints(parts), allowzero=1)
    turned = n.onnx("Transpose", split, perm=[0, 2, 1, *range(3, len(parts))])
    return n.onnx("Reshape", turned, ints(shape), allowzero=1)


def upsample(mode: bytes, coordinates: bytes, *, antialias: bool = False) -> Function:
    """upsample_nearest, linear, bilinear and bicubic, in one or two dimensions.

    With antialias PyTorch reads nothing outside of the image, and has another cubic kernel.
    """

    def convert(n: Aten) -> Value:
        aligned = bool(n.get("align_corners", False))
        size, scales = n.get("output_size"), n.get("scale_factors")
        given: tuple[Value | None, ...] = (None, ints((*n.shape[:2], *(size or ()))))
        if not size:
            given = (Known(np.asarray((1, 1, *scales), np.float32)), None)
        return n.onnx(
            "Resize", n.value(), None, *given, mode=mode, antialias=int(antialias),
            exclude_outside=int(antialias), cubic_coeff_a=-0.5 if antialias else -0.75,
            nearest_mode=b"floor" if coordinates == b"asymmetric" else b"round_prefer_ceil",
            coordinate_transformation_mode=b"align_corners" if aligned else coordinates,
        )  # fmt: skip

    return convert


def full(n: Aten) -> Value:
    """Full and ones: a constant."""
    return _filled(n, _real(n.get("fill_value", 1.0)))


def zeros(n: Aten) -> Value:
    """Zeros: a constant."""
    return _filled(n, 0.0)


def _real(value: Any) -> Any:
    """A number; infinity and the like are written as words."""
    return float(value) if isinstance(value, str) else value


def _filled(n: Aten, value: Any) -> Value:
    shape = [int(s) for s in n.get("size")]
    _check_size(n, math.prod(shape))
    return _constant(n, np.full(shape, value))


def _check_size(n: Aten, size: float) -> None:
    if size > MAX_FILLED:
        raise n.unsupported(f"makes a constant of {size:g} elements")


def _constant(n: Aten, array: Array) -> Known:
    """Elements of the type that is asked for, or else of their own; real ones are float32."""
    kind = np.dtype(DTYPES.get(n.get("dtype"), array.dtype.type))
    return Known(array.astype(np.float32 if kind.kind == "f" else kind))


def arg_extreme(*, largest: bool) -> Function:
    """Argmax and argmin, of one axis or of all elements."""
    find = indices.arg_max if largest else indices.arg_min

    def convert(n: Aten) -> Index:
        dim, x = n.get("dim"), n.value()
        if dim is None:
            x, dim = n.onnx("Reshape", x, ints([1, math.prod(n.shape)])), 1
        return find(n.reader, n.call("ArgMax", (x,), axis=int(dim)))

    return convert


def top_k(n: Aten) -> Sequence[Index]:
    """Topk: the elements, and where they are."""
    axis, largest = int(n.get("dim", -1)), int(n.get("largest", True))
    call = n.call("TopK", (n.value(), ints([int(n.get("k"))])), axis=axis, largest=largest)
    return indices.top_k(n.reader, call)


def roll(n: Aten) -> Value:
    """Axes turned, what falls off coming in again at the other end."""
    x, shifts, dims = n.value(), n.get("shifts"), n.get("dims", [])
    if dims and isinstance(x, Known):
        return Known(np.roll(x.array, tuple(map(int, shifts)), tuple(map(int, dims))))
    if not dims or not isinstance(x, Act):
        raise n.unsupported("rolls without dims", "name the axes")
    for shift, dim in zip(shifts, dims, strict=True):
        axis = int(dim) % len(x.shape)
        at = np.roll(np.arange(x.shape[axis]), int(shift)).tolist()
        x = rearranged(n.reader, n.call(f"roll{axis}", (x,)), x, axis, at)
    return x


def index(n: Aten) -> Value:
    """Indexing by constant integers of one axis; of a constant's rows by computed ones."""
    given = n.get("indices")
    axes = [i for i, v in enumerate(given) if v is not None]
    held = [isinstance(given[i], Known) for i in axes]
    if held == [True] or (held == [False] and isinstance(n.value(), Known)):
        return n.onnx("Gather", n.value(), given[axes[0]], axis=axes[0])
    raise n.unsupported("has several axes of indices, or computed ones", "index one axis")


def embedding(n: Aten) -> Value:
    """Rows of a table by number; at inference padding_idx is a row like any other."""
    return n.onnx("Gather", n.value("weight"), n.value("indices"), axis=0)


def index_select(n: Aten) -> Value:
    """index_select by constant integers."""
    return n.onnx("Gather", n.value(), n.value("index"), axis=int(n.get("dim")))


def arange(n: Aten) -> Value:
    """Arange: a constant."""
    start, stop, step = (n.get(k, d) for k, d in (("start", 0), ("end", 0), ("step", 1)))
    _check_size(n, (stop - start) / step)
    return _constant(n, np.arange(start, stop, step))


def full_like(value: float) -> Function:
    """zeros_like, ones_like, full_like."""

    def convert(n: Aten) -> Value:
        x = n.value()
        given = Aten(n.reader, n.name, n.where, {"size": list(x.shape), **n.args})
        kind = x.array.dtype.type if isinstance(x, Known) else np.float32
        return _filled(given, kind(_real(n.get("fill_value", value))))

    return convert


def triangle(*, upper: bool) -> Function:
    """Triu and tril, of constants."""

    def convert(n: Aten) -> Value:
        x, diagonal = n.value(), int(n.get("diagonal", 0))
        if not isinstance(x, Known):
            raise n.unsupported("is supported on constants alone", "multiply by a constant mask")
        return Known(np.triu(x.array, diagonal) if upper else np.tril(x.array, diagonal))

    return convert


def eye(n: Aten) -> Value:
    """The identity matrix: a constant."""
    rows = int(n.get("n"))
    columns = int(n.get("m", rows))
    _check_size(n, rows * columns)
    return _constant(n, np.eye(rows, columns))


def linspace(n: Aten) -> Value:
    """Linspace: a constant."""
    steps = int(n.get("steps"))
    _check_size(n, steps)
    return _constant(n, np.linspace(float(n.get("start")), float(n.get("end")), steps))
