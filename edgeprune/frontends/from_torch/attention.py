"""Normalisations and attention."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgeprune.frontends.from_onnx import mask as masks
from edgeprune.frontends.from_onnx.moments import group_normalization
from edgeprune.frontends.from_onnx.value import Act, Known, Value
from edgeprune.frontends.from_torch.call import Aten, ints, number
from edgeprune.frontends.from_torch.composed import shared
from edgeprune.ir.types import LEAST

TINY = float(np.finfo(np.float32).eps)


def _ones(n: int) -> Known:
    return Known(np.ones(n, np.float32))


def _zeros(n: int) -> Known:
    return Known(np.zeros(n, np.float32))


def layer_norm(n: Aten) -> Value:
    """layer_norm."""
    axis = -len(n.get("normalized_shape"))
    epsilon = float(n.get("eps", 1e-5))
    given = (n.get("weight"), n.get("bias"))
    return n.onnx("LayerNormalization", n.value(), *given, axis=axis, epsilon=epsilon)


def native_layer_norm(n: Aten) -> Sequence[Value]:
    """native_layer_norm, whose statistics are not used."""
    return [layer_norm(Aten(n.reader, n.name, n.where, n.args))]


def rms_norm(n: Aten) -> Value:
    """rms_norm."""
    axis, epsilon = -len(n.get("normalized_shape")), float(n.get("eps", TINY))
    given = (n.value(), n.get("weight"))
    return n.onnx("RMSNormalization", *given, axis=axis, epsilon=epsilon)


def instance_norm(n: Aten) -> Value:
    """instance_norm by the statistics of the value itself."""
    if not n.get("use_input_stats", True):
        raise n.unsupported("uses running statistics", "use track_running_stats=False")
    channels = n.shape[1]
    weight, bias = n.get("weight") or _ones(channels), n.get("bias") or _zeros(channels)
    epsilon = float(n.get("eps", 1e-5))
    return n.onnx("InstanceNormalization", n.value(), weight, bias, epsilon=epsilon)


def group_norm(n: Aten) -> Value:
    """group_norm."""
    channels = n.shape[1]
    weight, bias = n.get("weight") or _ones(channels), n.get("bias") or _zeros(channels)
    groups, epsilon = int(n.get("num_groups")), float(n.get("eps", 1e-5))
    call = n.call("group_norm", (n.value(), weight, bias), num_groups=groups, epsilon=epsilon)
    return group_normalization(n.reader, call)


def bmm(n: Aten) -> Value:
    """Bmm: products of as many matrices."""
    return n.onnx("MatMul", n.value("self"), n.value("mat2"))


def attention(n: Aten) -> Value:
    """scaled_dot_product_attention: softmax(q k' scale + mask) v."""
    q, k, v = (n.value(name) for name in ("query", "key", "value"))
    if n.get("enable_gqa", False):
        k, v = (shared(n, x, q.shape[-3]) if x.shape[-3] != q.shape[-3] else x for x in (k, v))
    factor = n.get("scale")
    scale = 1 / math.sqrt(q.shape[-1]) if factor is None else float(factor)
    rank = len(k.shape)
    turned = n.onnx("Transpose", k, perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = n.onnx("Mul", n.onnx("MatMul", q, turned), number(scale))
    mask = _mask(n, q.shape[-2], k.shape[-2])
    if mask is not None and isinstance(scores, Act):
        scores = masks.less(n.reader, n.call("mask", ()), scores, mask)
    weights = n.onnx("Softmax", scores, axis=-1)
    return n.onnx("MatMul", weights if mask is None else _counted(n, weights, mask), v)


def _mask(n: Aten, queries: int, keys: int) -> Value | None:
    """Which keys each query attends to."""
    given: Value | None = n.get("attn_mask")
    if n.get("is_causal", False):
        given = Known(np.tril(np.ones((queries, keys), np.bool_)))
    return given


def _counted(n: Aten, weights: Value, mask: Value) -> Value:
    """The weights of queries that a mask leaves keys, and 0 for all others."""
    if isinstance(mask, Act):
        return n.onnx("Mul", weights, mask) if mask.truth else weights
    taken = mask.array if mask.array.dtype == np.bool_ else mask.array > LEAST
    left = taken.any(axis=-1, keepdims=True)
    if left.all():
        return weights
    return n.onnx("Mul", weights, Known(np.asarray(left, np.float32)))


def einsum(n: Aten) -> Value:
    """Einsum."""
    equation = str(n.get("equation")).encode()
    return n.onnx("Einsum", *n.get("tensors"), equation=equation)


def cosine_similarity(n: Aten) -> Value:
    """The cosine of the angle between two values along an axis."""
    axis, epsilon = ints([int(n.get("dim", 1))]), float(n.get("eps", 1e-8))
    scaled = []
    for v in (n.value("x1"), n.value("x2")):
        length = n.onnx("Max", n.onnx("ReduceL2", v, axis, keepdims=1), number(epsilon))
        scaled.append(n.onnx("Div", v, length))
    return n.onnx("ReduceSum", n.onnx("Mul", *scaled), axis, keepdims=0)


def variance(n: Aten) -> Value:
    """The variance over some axes."""
    axes = n.get("dim")
    listed = [axes] if isinstance(axes, int) else list(axes or range(len(n.shape)))
    count = math.prod(n.shape[a] for a in listed)
    less = n.get("correction", 1 if n.get("unbiased", True) else 0)
    x, over, kept = n.value(), ints(listed), int(n.get("keepdim", False))
    centred = n.onnx("Sub", x, n.onnx("ReduceMean", x, over, keepdims=1))
    mean = n.onnx("ReduceMean", n.onnx("Mul", centred, centred), over, keepdims=kept)
    if count <= float(less):
        raise n.unsupported(f"divides by {count - float(less):g}")
    return n.onnx("Mul", mean, number(count / (count - float(less)))) if less else mean


def deviation(n: Aten) -> Value:
    """The standard deviation."""
    return n.onnx("Sqrt", variance(n))


def unbind(n: Aten) -> Sequence[Value]:
    """Slices of one axis, each without it."""
    axis = int(n.get("dim", 0)) % len(n.shape)
    one = Aten(n.reader, n.name, n.where, n.args)
    picks = [Known(np.asarray(i, np.int64)) for i in range(n.shape[axis])]
    return [one.onnx("Gather", n.value(), i, axis=axis) for i in picks]


def vector_norm(n: Aten) -> Value:
    """linalg_vector_norm of order 2."""
    if float(n.get("ord", 2)) != 2:
        raise n.unsupported("is no Euclidean norm", "use ord=2")
    axes = n.get("dim")
    listed = [axes] if isinstance(axes, int) else axes
    given = ints(listed) if listed else None
    return n.onnx("ReduceL2", n.value(), given, keepdims=int(n.get("keepdim", False)))
