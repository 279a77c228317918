"""Which PyTorch operator means what: a table from ATen to the ONNX reader's converters.

Both put channels first and broadcast alike, so each ATen operator is said in ONNX's terms and goes
through the same code. Add one: write its function, add its row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprune.errors import UnsupportedError
from edgeprune.frontends.from_onnx.assembly import is_constant
from edgeprune.frontends.from_onnx.fold import FOLDABLE, fold
from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.table import TABLE as ONNX
from edgeprune.frontends.from_onnx.value import Act, Known, Value

OPSET = 18


@dataclass(frozen=True)
class Aten:
    """One node of an exported program.

    Attributes:
        reader: the conversion.
        name: the node's name.
        where: what messages call it.
        args: arguments by the operator's own names for them.
        results: how many results are used.
    """

    reader: Reader
    name: str
    where: str
    args: Mapping[str, Any]
    results: int = 1

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or its default."""
        value = self.args.get(name)
        return default if value is None else value

    def value(self, *names: str) -> Value:
        """A tensor argument; the first of several names that is there."""
        for name in names or ("self", "input"):
            value = self.args.get(name)
            if isinstance(value, Act | Known):
                return value
        raise self.unsupported("an operand is no tensor")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first operand."""
        return self.value().shape

    def unsupported(self, what: str, hint: str = "") -> UnsupportedError:
        """The program is right, but this cannot be compiled."""
        return UnsupportedError(self.where, what, hint)

    def call(self, kind: str, inputs: Sequence[Value | None], **attributes: Any) -> Call:
        """The node in ONNX's terms."""
        given = {k: v for k, v in attributes.items() if v is not None}
        outputs = tuple(f"{self.name}:{i}" for i in range(self.results))
        return Call(self.name, self.where, kind, OPSET, given, tuple(inputs), outputs)

    def onnx(self, kind: str, *inputs: Value | None, **attributes: Any) -> Value:
        """The result of an ONNX operator."""
        call = self.call(kind, inputs, **attributes)
        if all(map(is_constant, inputs)) and kind in FOLDABLE:
            return Known(fold(call)[0])
        made = ONNX[kind](self.reader, call)
        return made if isinstance(made, Act | Known) else made[0]


Function = Callable[[Aten], Value | Sequence[Value]]


def ints(values: Sequence[int]) -> Known:
    """A constant list."""
    return Known(np.asarray(values, np.int64))


def number(value: float) -> Known:
    """A constant number."""
    return Known(np.asarray(value, np.float32))


def _spread(value: Any, rank: int) -> list[int]:
    """A number an axis, from one number or one an axis."""
    found = [int(value)] if isinstance(value, int) else [int(v) for v in value]
    return found * rank if len(found) == 1 else found


def unary(kind: str) -> Function:
    """An operator without arguments."""
    return lambda n: n.onnx(kind, n.value())


def same(n: Aten) -> Value:
    """An operator that changes nothing at inference."""
    return n.value()


# -- layers ----------------------------------------------------------------------------------------


def conv(n: Aten) -> Value:
    """conv1d, conv2d, and core ATen's convolution."""
    x, w, b = n.value(), n.value("weight"), n.get("bias")
    rank = len(x.shape) - 2
    padding = n.get("padding", [0])
    window = {
        "strides": _spread(n.get("stride", [1]), rank),
        "dilations": _spread(n.get("dilation", [1]), rank),
        "group": n.get("groups", 1),
    }
    if isinstance(padding, str):
        auto = {"same": b"SAME_UPPER", "valid": b"VALID"}[padding]
        return n.onnx("Conv", x, w, b, auto_pad=auto, **window)
    pads = _spread(padding, rank) * 2
    if n.get("transposed", False):
        extra = _spread(n.get("output_padding", [0]), rank)
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
    y = n.onnx("MatMul", x, Known(w.array.T))
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


# -- pools -----------------------------------------------------------------------------------------


def _window(n: Aten) -> dict[str, Any]:
    rank = len(n.shape) - 2
    kernel = _spread(n.get("kernel_size"), rank)
    stride = n.get("stride")
    return {
        "kernel_shape": kernel,
        "strides": _spread(stride, rank) if stride else kernel,
        "pads": _spread(n.get("padding", [0]), rank) * 2,
        "ceil_mode": int(n.get("ceil_mode", False)),
    }


def max_pool(n: Aten) -> Value | Sequence[Value]:
    """max_pool1d, max_pool2d, and with indices where those are not used."""
    dilation = _spread(n.get("dilation", [1]), len(n.shape) - 2)
    single = Aten(n.reader, n.name, n.where, n.args, 1)
    return [single.onnx("MaxPool", n.value(), dilations=dilation, **_window(n))]


def avg_pool(n: Aten) -> Value:
    """avg_pool1d and avg_pool2d."""
    if n.get("divisor_override"):
        raise n.unsupported("has divisor_override")
    counted = int(n.get("count_include_pad", True))
    return n.onnx("AveragePool", n.value(), count_include_pad=counted, **_window(n))


def _adaptive(n: Aten, window: str, whole: str) -> Value:
    rank = len(n.shape) - 2
    out = _spread(n.get("output_size"), rank)
    size = n.shape[2:]
    if all(o == 1 for o in out):
        return n.onnx(whole, n.value())
    if any(s % o for s, o in zip(size, out, strict=True)):
        raise n.unsupported(f"makes {out} of {list(size)}, with windows of unequal size")
    kernel = [s // o for s, o in zip(size, out, strict=True)]
    return n.onnx(window, n.value(), kernel_shape=kernel, strides=kernel)


def adaptive_avg_pool(n: Aten) -> Value:
    """adaptive_avg_pool, where its windows are all of one size."""
    return _adaptive(n, "AveragePool", "GlobalAveragePool")


def adaptive_max_pool(n: Aten) -> Sequence[Value]:
    """adaptive_max_pool, where its windows are all of one size."""
    return [_adaptive(Aten(n.reader, n.name, n.where, n.args), "MaxPool", "GlobalMaxPool")]


def mean(n: Aten) -> Value:
    """Mean over some axes."""
    axes = n.get("dim")
    given = None if axes is None else ints(axes)
    return n.onnx("ReduceMean", n.value(), given, keepdims=int(n.get("keepdim", False)))


# -- elementwise -----------------------------------------------------------------------------------


def clamp(n: Aten) -> Value:
    """Clamp, clamp_min, clamp_max, hardtanh, relu6."""
    lo = n.get("min", n.get("min_val"))
    hi = n.get("max", n.get("max_val"))
    bounds = [None if v is None else number(float(v)) for v in (lo, hi)]
    return n.onnx("Clip", n.value(), *bounds)


def hardtanh(n: Aten) -> Value:
    """Hardtanh: -1 to 1 unless said otherwise."""
    return n.onnx("Clip", n.value(), number(n.get("min_val", -1)), number(n.get("max_val", 1)))


def relu6(n: Aten) -> Value:
    """relu6."""
    return n.onnx("Clip", n.value(), number(0), number(6))


def leaky_relu(n: Aten) -> Value:
    """leaky_relu."""
    return n.onnx("LeakyRelu", n.value(), alpha=float(n.get("negative_slope", 0.01)))


def elu(n: Aten) -> Value:
    """Elu with one parameter."""
    if n.get("scale", 1) != 1 or n.get("input_scale", 1) != 1:
        raise n.unsupported("has scales")
    return n.onnx("Elu", n.value(), alpha=float(n.get("alpha", 1.0)))


def prelu(n: Aten) -> Value:
    """Prelu, one slope a channel."""
    slope = n.value("weight")
    if isinstance(slope, Known) and slope.array.ndim == 1 and len(n.shape) > 2:
        slope = Known(slope.array.reshape(-1, *[1] * (len(n.shape) - 2)))
    return n.onnx("PRelu", n.value(), slope)


def gelu(n: Aten) -> Value:
    """Gelu, exact or by tanh."""
    return n.onnx("Gelu", n.value(), approximate=str(n.get("approximate", "none")).encode())


def hard_sigmoid(n: Aten) -> Value:
    """Hardsigmoid: relu6(x + 3) / 6."""
    return n.onnx("HardSigmoid", n.value(), alpha=1 / 6, beta=0.5)


def silu(n: Aten) -> Value:
    """Silu: x sigmoid(x)."""
    return n.onnx("Mul", n.value(), n.onnx("Sigmoid", n.value()))


def softmax(kind: str) -> Function:
    """Softmax and log_softmax."""
    return lambda n: n.onnx(kind, n.value(), axis=int(n.get("dim", -1)))


def binary(kind: str) -> Function:
    """Arithmetic with a tensor or a number; ``alpha`` scales the second operand."""

    def convert(n: Aten) -> Value:
        other = n.get("other")
        other = other if isinstance(other, Act | Known) else number(float(other))
        if n.get("rounding_mode"):
            raise n.unsupported("rounds")
        if n.get("alpha", 1) != 1:
            other = n.onnx("Mul", other, number(n.get("alpha")))
        return n.onnx(kind, n.value("self"), other)

    return convert


# -- shapes ----------------------------------------------------------------------------------------


def view(n: Aten) -> Value:
    """View and reshape."""
    return n.onnx("Reshape", n.value(), ints(n.get("size", n.get("shape"))), allowzero=1)


def flatten(n: Aten) -> Value:
    """Flatten of some axes."""
    shape = n.shape
    first, last = (int(n.get(k, d)) % len(shape) for k, d in (("start_dim", 0), ("end_dim", -1)))
    joined = math.prod(shape[first : last + 1])
    return n.onnx("Reshape", n.value(), ints((*shape[:first], joined, *shape[last + 1 :])))


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


def _split(n: Aten, sizes: Sequence[int]) -> Sequence[Value]:
    several = Aten(n.reader, n.name, n.where, n.args, len(sizes))
    call = several.call("Split", (n.value(), ints(sizes)), axis=int(n.get("dim", 0)))
    made = ONNX["Split"](n.reader, call)
    return [made] if isinstance(made, Act | Known) else made


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


def select(n: Aten) -> Value:
    """One index of an axis."""
    at = Known(np.asarray(int(n.get("index")), np.int64))
    return n.onnx("Gather", n.value(), at, axis=int(n.get("dim")))


def pad(n: Aten) -> Value:
    """Constant padding, the last axis first."""
    if n.get("mode", "constant") != "constant":
        raise n.unsupported(f"has mode {n.get('mode')!r}", "use constant padding")
    flat = [int(p) for p in n.get("pad")]
    rank, pairs = len(n.shape), list(zip(flat[::2], flat[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (rank - len(pairs)) + pairs
    pads = ints([b for b, _ in pairs] + [a for _, a in pairs])
    return n.onnx("Pad", n.value(), pads, number(float(n.get("value", 0.0))))


def pixel_shuffle(n: Aten) -> Value:
    """Channels to pixels: a reshape, a transpose, a reshape."""
    f, (b, c, h, w) = int(n.get("upscale_factor")), n.shape
    y = n.onnx("Reshape", n.value(), ints((b, c // f**2, f, f, h, w)))
    y = n.onnx("Transpose", y, perm=[0, 1, 4, 2, 5, 3])
    return n.onnx("Reshape", y, ints((b, c // f**2, h * f, w * f)))


def upsample(mode: bytes) -> Function:
    """upsample_nearest2d and upsample_bilinear2d."""

    def convert(n: Aten) -> Value:
        coordinates = b"asymmetric" if mode == b"nearest" else b"pytorch_half_pixel"
        if n.get("align_corners", False):
            coordinates = b"align_corners"
        size, scales = n.get("output_size"), n.get("scale_factors")
        given: tuple[Value | None, ...] = (None, ints((*n.shape[:2], *(size or ()))))
        if not size:
            given = (Known(np.asarray((1, 1, *scales), np.float32)), None)
        return n.onnx(
            "Resize", n.value(), None, *given, mode=mode, nearest_mode=b"floor",
            coordinate_transformation_mode=coordinates,
        )  # fmt: skip

    return convert


TABLE: dict[str, Function] = {
    "_adaptive_avg_pool2d": adaptive_avg_pool,
    "_log_softmax": softmax("LogSoftmax"),
    "_native_batch_norm_legit_no_training": batch_norm,
    "_softmax": softmax("Softmax"),
    "_to_copy": same,
    "_unsafe_view": view,
    "adaptive_avg_pool1d": adaptive_avg_pool,
    "adaptive_avg_pool2d": adaptive_avg_pool,
    "adaptive_max_pool2d": adaptive_max_pool,
    "add": binary("Add"),
    "addmm": addmm,
    "alias": same,
    "avg_pool1d": avg_pool,
    "avg_pool2d": avg_pool,
    "batch_norm": batch_norm,
    "cat": cat,
    "chunk": chunk,
    "clamp": clamp,
    "clamp_max": clamp,
    "clamp_min": clamp,
    "clone": same,
    "constant_pad_nd": pad,
    "contiguous": same,
    "conv1d": conv,
    "conv2d": conv,
    "conv_transpose1d": conv_transpose,
    "conv_transpose2d": conv_transpose,
    "convolution": conv,
    "detach": same,
    "detach_": same,
    "div": binary("Div"),
    "dropout": same,
    "elu": elu,
    "feature_dropout": same,
    "flatten": flatten,
    "gelu": gelu,
    "hardsigmoid": hard_sigmoid,
    "hardswish": unary("HardSwish"),
    "hardtanh": hardtanh,
    "leaky_relu": leaky_relu,
    "lift_fresh_copy": same,
    "linear": linear,
    "log_softmax": softmax("LogSoftmax"),
    "matmul": matmul,
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "max_pool2d_with_indices": max_pool,
    "mean": mean,
    "mm": matmul,
    "mul": binary("Mul"),
    "pad": pad,
    "permute": permute,
    "pixel_shuffle": pixel_shuffle,
    "prelu": prelu,
    "relu": unary("Relu"),
    "relu6": relu6,
    "reshape": view,
    "select": select,
    "sigmoid": unary("Sigmoid"),
    "silu": silu,
    "slice": slice_,
    "softmax": softmax("Softmax"),
    "split": split,
    "split_with_sizes": split,
    "squeeze": squeeze,
    "sub": binary("Sub"),
    "t": transpose,
    "tanh": unary("Tanh"),
    "transpose": transpose,
    "unsqueeze": unsqueeze,
    "upsample_bilinear2d": upsample(b"linear"),
    "upsample_nearest2d": upsample(b"nearest"),
    "view": view,
}
