"""Layers with weights, and pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgeprune.frontends.from_onnx.pool import unequal_average, unequal_max
from edgeprune.frontends.from_onnx.value import Known, Value
from edgeprune.frontends.from_torch.call import Aten, Function, ints, spread
from edgeprune.frontends.from_torch.quantised import transposed


def conv(n: Aten) -> Value:
    """conv1d, conv2d, conv3d, and core ATen's convolution."""
    x, w, b = n.value(), n.value("weight"), n.get("bias")
    rank = len(x.shape) - 2
    padding = n.get("padding", [0])
    window = {
        "strides": spread(n.get("stride", [1]), rank),
        "dilations": spread(n.get("dilation", [1]), rank),
        "group": n.get("groups", 1),
    }
    if isinstance(padding, str):
        auto = {"same": b"SAME_UPPER", "valid": b"VALID"}[padding]
        return n.onnx("Conv", x, w, b, auto_pad=auto, **window)
    pads = spread(padding, rank) * 2
    if n.get("transposed", False):
        extra = spread(n.get("output_padding", [0]), rank)
        return n.onnx("ConvTranspose", x, w, b, pads=pads, output_padding=extra, **window)
    return n.onnx("Conv", x, w, b, pads=pads, **window)


def conv_transpose(n: Aten) -> Value:
    """conv_transpose1d and conv_transpose2d."""
    return conv(Aten(n.reader, n.name, n.where, {**n.args, "transposed": True}, n.results))


def linear(n: Aten) -> Value:
    """Linear: x W' + b."""
    x, w, b = n.value(), n.value("weight"), n.get("bias")
    if not isinstance(w, Known):
        raise n.unsupported("its matrix is computed at run time")
    y = n.onnx("MatMul", x, transposed(w))
    return y if b is None else n.onnx("Add", y, b)


def addmm(n: Aten) -> Value:
    """Addmm: a linear layer in core ATen."""
    return n.onnx(
        "Gemm", n.value("mat1"), n.value("mat2"), n.value("self"),
        alpha=float(n.get("alpha", 1)), beta=float(n.get("beta", 1)),
    )  # fmt: skip


def matmul(n: Aten) -> Value:
    """Matmul and mm."""
    return n.onnx("MatMul", n.value("self"), n.value("other", "mat2"))


def batch_norm(n: Aten) -> Value | Sequence[Value]:
    """BatchNorm in inference."""
    if n.get("training", False):
        raise n.unsupported("is in training mode", "export model.eval()")
    mean, variance = n.value("running_mean"), n.value("running_var")
    weight = n.get("weight") or Known(np.ones(mean.shape, np.float32))
    bias = n.get("bias") or Known(np.zeros(mean.shape, np.float32))
    single = Aten(n.reader, n.name, n.where, n.args, 1)
    epsilon = float(n.get("eps", 1e-5))
    y = single.onnx("BatchNormalization", n.value(), weight, bias, mean, variance, epsilon=epsilon)
    return [y]


def weight_norm(n: Aten) -> Value:
    """Weights as a direction and a length, which are constants: their product."""
    v, g, dim = n.value("v"), n.value("g"), int(n.get("dim", 0))
    if not (isinstance(v, Known) and isinstance(g, Known)):
        raise n.unsupported("computes weights at run time")
    rest = tuple(a for a in range(v.array.ndim) if a != dim % v.array.ndim)
    wide = v.array.astype(np.float64)
    length = np.sqrt(np.square(wide).sum(axis=rest, keepdims=True))
    return Known(np.asarray(wide * (g.array / length), np.float32))


def _window(n: Aten) -> dict[str, Any]:
    rank = len(n.shape) - 2
    kernel = spread(n.get("kernel_size"), rank)
    stride = n.get("stride")
    return {
        "kernel_shape": kernel,
        "strides": spread(stride, rank) if stride else kernel,
        "pads": spread(n.get("padding", [0]), rank) * 2,
        "ceil_mode": int(n.get("ceil_mode", False)),
    }


def max_pool(n: Aten) -> Value | Sequence[Value]:
    """max_pool1d to max_pool3d, and with indices where those are not used."""
    dilation = spread(n.get("dilation", [1]), len(n.shape) - 2)
    single = Aten(n.reader, n.name, n.where, n.args, 1)
    return [single.onnx("MaxPool", n.value(), dilations=dilation, **_window(n))]


def avg_pool(n: Aten) -> Value:
    """avg_pool1d to avg_pool3d."""
    if n.get("divisor_override"):
        raise n.unsupported("has divisor_override")
    counted = int(n.get("count_include_pad", True))
    return n.onnx("AveragePool", n.value(), count_include_pad=counted, **_window(n))


def adaptive_pool(n: Aten, kind: str) -> Value:
    """A pool to a given size; where its windows are not all of one size, one axis at a time."""
    rank = len(n.shape) - 2
    out = spread(n.get("output_size"), rank)
    size = n.shape[2:]
    if all(o == 1 for o in out):
        return n.onnx(f"Global{kind}Pool", n.value())
    if any(s % o for s, o in zip(size, out, strict=True)):
        windows = [_windows(s, o) for s, o in zip(size, out, strict=True)]
        if rank == 3:
            raise n.unsupported(f"divides {list(size)} into {out} unequal windows", "pool to 1")
        pool = unequal_average if kind == "Average" else unequal_max
        return pool(n.reader, n.call(f"{kind}Pool", (n.value(),)), windows)
    kernel = [s // o for s, o in zip(size, out, strict=True)]
    return n.onnx(f"{kind}Pool", n.value(), kernel_shape=kernel, strides=kernel)


def _windows(size: int, out: int) -> list[range]:
    """What each result of an adaptive pool reads: as PyTorch divides an axis."""
    return [range(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def adaptive_avg_pool(n: Aten) -> Value:
    """adaptive_avg_pool."""
    return adaptive_pool(n, "Average")


def adaptive_max_pool(n: Aten) -> Sequence[Value]:
    """adaptive_max_pool."""
    return [adaptive_pool(Aten(n.reader, n.name, n.where, n.args), "Max")]


def reduce(kind: str) -> Callable[[Aten], Value]:
    """Mean or maximum over some axes."""

    def read(n: Aten) -> Value:
        axes = n.get("dim", [])
        listed = axes if isinstance(axes, Sequence) else [axes]
        given = ints(listed) if listed else None
        return n.onnx(kind, n.value(), given, keepdims=int(n.get("keepdim", False)))

    return read


def extreme(kind: str) -> Function:
    """max and min: of two values, or of one over an axis or all of them."""
    over = reduce(f"Reduce{kind}")

    def read(n: Aten) -> Value | Sequence[Value]:
        if "other" in n.args:
            return n.onnx(kind, n.value("self"), n.value("other"))
        return [over(Aten(n.reader, n.name, n.where, n.args))]

    return read
