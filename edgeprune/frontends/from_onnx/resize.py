"""Resize and Upsample: taken where one of the IR's rules reads the same pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeprune.frontends.from_onnx.reader import Call, Reader
from edgeprune.frontends.from_onnx.value import Value
from edgeprune.ir import Array
from edgeprune.ops import Resize

MAX_LENGTH = 1 << 12


def _sizes(call: Call, shape: tuple[int, ...]) -> tuple[list[int], list[float]]:
    """Length and scale of the result by axis."""
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
    if call.attr("keep_aspect_ratio_policy", b"stretch") != b"stretch" and by_size:
        raise call.unsupported("keeps the aspect ratio", "give the size that results")
    length, scale = list(shape), [1.0] * rank
    for a, v in zip(axes, values.tolist(), strict=True):
        length[a] = int(v) if by_size else int(np.floor(np.float32(shape[a]) * np.float32(v)))
        scale[a] = length[a] / shape[a] if by_size else float(v)
        if not 1 <= length[a] <= MAX_LENGTH and length[a] != shape[a]:
            raise call.error(f"makes {length[a]} elements of {shape[a]}")
    return length, scale


def _positions(call: Call, mode: str, size: int, out: int, scale: float) -> Array:
    """ONNX's coordinate of each output position."""
    i = np.arange(out, dtype=np.float64)
    if mode == "asymmetric":
        return i / scale
    if mode in ("half_pixel", "pytorch_half_pixel"):
        if mode == "pytorch_half_pixel" and out == 1:
            return np.zeros(1)
        return (i + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        shift = size / 2 * (1 - out / (scale * size))
        return shift + (i + 0.5) / scale - 0.5
    if mode == "align_corners":
        length = size * scale  # not rounded
        return i * (size - 1) / (length - 1) if length > 1 else np.zeros(out)
    raise call.unsupported(f"has coordinate_transformation_mode {mode!r}")


_ROUND: dict[str, Callable[[Array], Array]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda p: np.ceil(p - 0.5),
    "round_prefer_ceil": lambda p: np.floor(p + 0.5),
}


def _matrix(lower: Array, upper: Array, weight: Array, size: int) -> Array:
    """Interpolation as a matrix: (out, size)."""
    m = np.zeros((len(lower), size))
    rows = np.arange(len(lower))
    np.add.at(m, (rows, np.clip(lower, 0, size - 1)), 1 - weight)
    np.add.at(m, (rows, np.clip(upper, 0, size - 1)), weight)
    return m


def _wanted(call: Call, size: int, out: int, scale: float) -> Array:
    coordinates = _text(call, "coordinate_transformation_mode", "half_pixel")
    if call.opset < 11:
        coordinates = "asymmetric"
    p = _positions(call, coordinates, size, out, scale)
    if _text(call, "mode", "nearest") == "nearest":
        rule = "floor"
        if call.opset >= 11:
            rule = _text(call, "nearest_mode", "round_prefer_floor")
        if rule not in _ROUND:
            raise call.error(f"attribute 'nearest_mode' is {rule!r}")
        at = _ROUND[rule](np.round(p, 9)).astype(np.int64)
        return _matrix(at, at, np.zeros(out), size)
    floor = np.floor(p).astype(np.int64)
    return _matrix(floor, floor + 1, p - floor, size)


def _text(call: Call, name: str, default: str) -> str:
    return str(call.attr(name, default.encode()).decode("ascii", "replace"))


def resize(r: Reader, call: Call) -> Value:
    """Resize of an image's rows and columns."""
    mode = _text(call, "mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear"):
        raise call.unsupported(f"has mode {mode!r}", "use nearest or linear")
    if call.attr("antialias", 0) or call.attr("exclude_outside", 0):
        raise call.unsupported("has antialias or exclude_outside", "leave them 0")
    shape = call.act(0).shape
    length, scale = _sizes(call, shape)
    if tuple(length[:2]) != shape[:2] or len(shape) not in (3, 4):
        raise call.unsupported(f"makes {length} of {list(shape)}", "only images can be resized")
    if length == list(shape):
        return call.act(0)
    x = r.image(call)
    size = (1, length[2]) if len(shape) == 3 else (length[2], length[3])
    scales = [1.0, *scale[2:]][-2:]
    wanted = [
        _wanted(call, n, out, s) for n, out, s in zip(x.type.shape[:2], size, scales, strict=True)
    ]
    for coordinates in ("asymmetric", "half_pixel", "align_corners"):
        op = Resize(size, "nearest" if mode == "nearest" else "bilinear", coordinates)
        made = [
            _matrix(*op.taps(axis, n), n).astype(np.float64)
            for axis, n in enumerate(x.type.shape[:2])
        ]
        if all(np.abs(a - b).max() < 1e-5 for a, b in zip(made, wanted, strict=True)):
            return r.from_image(call, r.emit(call, op, x), len(shape), x.batch or 1)
    raise call.unsupported(
        "reads pixels as no TFLite resize does",
        "export with half_pixel, asymmetric or align_corners coordinates",
    )
