"""Resize and Upsample: by one of the IR's rules where that reads the same pixels.

Where none does, rows and columns are picked by their indices (nearest), or multiplied with the
matrix that interpolates them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.shape import pick
from edgeprune.frontends.from_onnx.value import IMAGE, Act, Value
from edgeprune.ir import Array, TensorType
from edgeprune.ops import Dense, Resize

MAX_LENGTH = 1 << 12
MAX_MATRIX = 1 << 20
CLOSE = 1e-5  # how far weights of pixels may lie apart that count as the same

Kernel = Callable[[Array], Array]


@dataclass(frozen=True)
class _Axis:
    """An axis and what becomes of it.

    Attributes:
        size: its length.
        out: the result's length.
        scale: out / size before rounding.
        roi: the part of it that tf_crop_and_resize reads, of 0 to 1.
    """

    size: int
    out: int
    scale: float = 1.0
    roi: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Rule:
    """How an axis is read: result = matrix x + border, one row a pixel of the result.

    Attributes:
        matrix: (out, size).
        border: by pixel; not 0 where it lies outside of the image.
    """

    matrix: Array
    border: Array

    @property
    def indices(self) -> list[int] | None:
        """Which pixel each is, where each is one."""
        at = self.matrix.argmax(axis=1)
        one = np.abs(self.matrix - np.eye(self.matrix.shape[1])[at]).max() < CLOSE
        return at.tolist() if one and not self.border.any() else None


def _text(call: Call, name: str, default: str) -> str:
    return str(call.attr(name, default.encode()).decode("ascii", "replace"))


def _axes(call: Call, shape: tuple[int, ...]) -> list[_Axis]:
    """What becomes of each axis."""
    rank = len(shape)
    sizes: Array | None = None
    if call.kind == "Upsample" and call.opset < 9:
        scales: Array | None = np.asarray(call.attributes.get("scales", []), np.float32)
    elif call.opset < 11:
        scales = call.need(1)
    else:
        scales, sizes = call.known(2), call.known(3)
    given = call.ints("axes")
    axes = list(range(rank)) if given is None else [call.axis(a, rank) for a in given]
    by_size = sizes is not None and sizes.size > 0
    values = sizes if by_size else scales
    if values is None or values.size != len(axes) or not (values.astype(np.float64) > 0).all():
        raise call.error(f"sizes or scales do not go with {list(shape)}")
    ratios = [float(v) / (shape[a] if by_size else 1) for a, v in zip(axes, values, strict=True)]
    policy = _text(call, "keep_aspect_ratio_policy", "stretch")
    if by_size and policy != "stretch":
        ratio = min(ratios) if policy == "not_larger" else max(ratios)
        ratios = [np.floor(ratio * shape[a] + 0.5) / shape[a] for a in axes]
    found = [_Axis(n, n) for n in shape]
    roi = _roi(call, len(axes))
    for a, ratio, part in zip(axes, ratios, roi, strict=True):
        n = shape[a]
        out = round(n * ratio) if by_size else int(np.floor(np.float32(n) * np.float32(ratio)))
        if not 1 <= out <= MAX_LENGTH and out != n:
            raise call.error(f"makes {out} elements of {n}")
        found[a] = _Axis(n, out, ratio, part)
    return found


def _roi(call: Call, count: int) -> list[tuple[float, float]]:
    """The part of each axis that is read."""
    if _coordinates(call) != "tf_crop_and_resize":
        return [(0.0, 1.0)] * count
    roi = call.need(1).ravel()
    if roi.size != 2 * count or not np.isfinite(roi).all():
        raise call.error(f"its roi is {roi.tolist()[:8]} for {count} axes")
    return list(zip(roi[:count].tolist(), roi[count:].tolist(), strict=True))


def _coordinates(call: Call) -> str:
    if call.opset < 11:
        return "asymmetric"
    return _text(call, "coordinate_transformation_mode", "half_pixel")


def _positions(call: Call, axis: _Axis) -> Array:
    """ONNX's coordinate of each output position."""
    mode, size, out, scale = _coordinates(call), axis.size, axis.out, axis.scale
    i = np.arange(out, dtype=np.float64)
    length = size * scale  # not rounded
    if mode == "asymmetric":
        return i / scale
    if mode in ("half_pixel", "pytorch_half_pixel"):
        if mode == "pytorch_half_pixel" and out == 1:
            return np.zeros(1)
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        return size / 2 * (1 - out / length) + (i + 0.5) / scale - 0.5
    if mode == "align_corners":
        return i * (size - 1) / (length - 1) if length > 1 else np.zeros(out)
    if mode == "tf_crop_and_resize":
        start, end = axis.roi
        steps = i / (length - 1) if length > 1 else np.full(out, 0.5)
        return start * (size - 1) + steps * (end - start) * (size - 1)
    raise call.unsupported(f"has coordinate_transformation_mode {mode!r}")


_ROUND: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda p: np.ceil(p - 0.5),
    "round_prefer_ceil": lambda p: np.floor(p + 0.5),
}


def _nearest(call: Call, p: Array, size: int) -> Array:
    rule = _text(call, "nearest_mode", "round_prefer_floor") if call.opset >= 11 else "floor"
    if rule not in _ROUND:
        raise call.error(f"attribute 'nearest_mode' is {rule!r}")
    at = _ROUND[rule](np.round(p, 9)).astype(np.int64)
    return np.eye(size)[np.clip(at, 0, size - 1)]


def _linear(t: Array) -> Array:
    weight: Array = np.maximum(1 - np.abs(t), 0)
    return weight


def _cubic(a: float) -> Kernel:
    """Keys 1981, "Cubic convolution interpolation for digital image processing", eq. 4."""

    def kernel(t: Array) -> Array:
        t = np.abs(t)
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
        return np.where(t <= 1, near, np.where(t < 2, far, 0))

    return kernel


def _interpolated(call: Call, p: Array, axis: _Axis) -> Array:
    """Weights of the pixels around each position."""
    size, is_cubic = axis.size, _text(call, "mode", "nearest") == "cubic"
    kernel = _cubic(call.attr("cubic_coeff_a", -0.75)) if is_cubic else _linear
    antialias = bool(call.attr("antialias", 0))
    shrunk = min(axis.scale, 1.0) if antialias else 1.0
    reach = int(np.ceil((2 if is_cubic else 1) / shrunk))
    if reach > MAX_LENGTH:
        raise call.error(f"reads {reach} pixels for one")
    at = np.floor(p).astype(np.int64)[:, None] + np.arange(-reach, reach + 2)
    weights = kernel((at - p[:, None]) * shrunk)
    if call.attr("exclude_outside", 0):
        weights = np.where((at >= 0) & (at < size), weights, 0)
    if antialias or call.attr("exclude_outside", 0):
        weights = weights / weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((len(p), size))
    np.add.at(matrix, (np.arange(len(p))[:, None], np.clip(at, 0, size - 1)), weights)
    return matrix


def _rule(call: Call, axis: _Axis) -> Rule:
    if axis.size * axis.out > MAX_MATRIX:
        raise call.unsupported(f"makes {axis.out} pixels of {axis.size}", "use a smaller image")
    p = _positions(call, axis)
    border = np.zeros(len(p))
    if _text(call, "mode", "nearest") == "nearest":
        matrix = _nearest(call, p, axis.size)
    else:
        matrix = _interpolated(call, p, axis)
    if _coordinates(call) == "tf_crop_and_resize":
        outside = (p < 0) | (p > axis.size - 1)
        matrix[outside] = 0
        border[outside] = call.attr("extrapolation_value", 0.0)
    return Rule(matrix, border)


def resize(r: Reader, call: Call) -> Value:
    """Resize of an image's rows and columns."""
    mode = _text(call, "mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear", "cubic"):
        raise call.unsupported(f"has mode {mode!r}", "use nearest, linear or cubic")
    shape = call.act(0).shape
    axes = _axes(call, shape)
    made = [a.out for a in axes]
    if made[:2] != list(shape[:2]) or len(shape) not in (3, 4):
        raise call.unsupported(f"makes {made} of {list(shape)}", "only images can be resized")
    x = r.image(call)
    spatial = [_Axis(1, 1), *axes[2:]][-2:]
    rules = [_rule(call, a) for a in spatial]
    y = _by_resize(r, call, x, rules)
    if y is None:
        for axis, rule in enumerate(rules, start=1):
            x = by_axis(r, call, x, axis, rule)
        y = r.ordered(call, x, IMAGE)
    return r.from_image(call, (y.name, y.type), len(shape), x.batch or 1)


def _by_resize(r: Reader, call: Call, x: Act, rules: list[Rule]) -> Act | None:
    """The IR's own operator, where one of its rules reads the same pixels."""
    nearest = _text(call, "mode", "nearest") == "nearest"
    size = (len(rules[0].border), len(rules[1].border))
    for coordinates in ("asymmetric", "half_pixel", "align_corners"):
        op = Resize(size, "nearest" if nearest else "bilinear", coordinates)
        if all(_is_same(op, axis, rule) for axis, rule in enumerate(rules)):
            return r.like(x, r.emit(call, op, x))
    return None


def _is_same(op: Resize, axis: int, rule: Rule) -> bool:
    size = rule.matrix.shape[1]
    lower, upper, weight = op.taps(axis, TensorType((size, size, 1)))
    eye = np.eye(size)
    made = eye[lower] * (1 - weight[:, None]) + eye[upper] * weight[:, None]
    return bool(np.abs(made - rule.matrix).max() < CLOSE and not rule.border.any())


def by_axis(r: Reader, call: Call, x: Act, axis: int, rule: Rule) -> Act:
    """One axis of an image (1 rows, 2 columns in ONNX's order, batch not counted)."""
    at, size = rule.indices, rule.matrix.shape[1]
    if at == list(range(size)):
        return x
    if at is not None:
        return pick(r, call, x, axis + 1, at, role=f"axis{axis}")
    x = r.last(call, x, axis)
    weights = r.constant(call, rule.matrix, f"axis{axis}/weights")
    bias = r.constant(call, rule.border, f"axis{axis}/border")
    name, made = r.emit(call, Dense(), x, weights, bias, role=f"axis{axis}")
    return replace(x, name=name, type=made)
